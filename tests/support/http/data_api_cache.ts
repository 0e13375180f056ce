/**
 * The schema cache of the stand-in for PostgREST: which relations are listed and what can be embedded in what, by
 * the rules of PostgREST 14 (`SchemaCache.hs`, `Plan.hs`).
 */
import type postgres from "postgres";

/** A relation, by its schema and name. */
export interface Listed {
  schema: string;
  name: string;
  view: boolean;
  primaryKey: string[];
}

export interface Relationship {
  from: string;
  to: string;
  self: boolean;
  toView: boolean;
  kind: "many-to-one" | "one-to-many" | "one-to-one" | "many-to-many";
  constraint: string;
  /** Columns of `from` and `to`; of a many-to-many: of `from` and the junction. */
  columns: [string, string][];
  junction?: { relation: string; columns: [string, string][] };
}

export interface Computed {
  schema: string;
  name: string;
  from: string;
  to: string;
  single: boolean;
}

export interface Cache {
  relations: Map<string, Listed>;
  relationships: Relationship[];
  computed: Computed[];
}

export const keyOf = (schema: string, name: string) => JSON.stringify([schema, name]);
export const partsOf = (key: string): [schema: string, name: string] => JSON.parse(key);

interface ForeignKey {
  name: string;
  from: string;
  to: string;
  columns: [string, string][];
  unique: boolean;
}

export async function readCache(sql: postgres.Sql, schemas: string[]): Promise<Cache> {
  const rows = await sql`
    select c.oid::int8::text as oid, n.nspname as schema, c.relname as name, c.relkind in ('v', 'm') as view,
      c.relispartition as partition, array(
        select a.attname::text from pg_constraint k join pg_attribute a
          on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
        where k.conrelid = c.oid and k.contype = 'p') as primary_key,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 order by a.attnum) as columns,
      (select r.ev_action::text from pg_rewrite r where r.ev_class = c.oid and r.rulename = '_RETURN') as query
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname !~ '^(pg_|information_schema)'`;
  const byOid = new Map(rows.map((row) => [row.oid as string, row]));
  const keyOfOid = (oid: string) => keyOf(byOid.get(oid)!.schema, byOid.get(oid)!.name);
  const keys = await sql`
    select k.conname as name, k.conrelid::int8::text as from, k.confrelid::int8::text as to,
      k.conparentid = 0 as own,
      (select json_agg(json_build_array(a.attname, r.attname) order by u.o)
        from unnest(k.conkey, k.confkey) with ordinality u(a, r, o)
        join pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.a
        join pg_attribute r on r.attrelid = k.confrelid and r.attnum = u.r) as columns,
      exists (select from pg_constraint x where x.conrelid = k.conrelid and x.contype in ('p', 'u')
        and x.conkey @> k.conkey and x.conkey <@ k.conkey) as unique
    from pg_constraint k where k.contype = 'f' order by k.conrelid, k.conname`;

  /** What each view shows: for a column of a table, the view's columns. */
  const shown = new Map<string, Map<string, string[]>>();
  const targets = new Map(
    rows.filter(({ view }) => view).map((row) => [row.oid as string, targetList(row.query)]),
  );
  for (const row of rows) {
    if (!row.view || !schemas.includes(row.schema)) continue;
    const columns = new Map<string, string[]>();
    for (const target of targets.get(row.oid)!) {
      for (const origin of originsOf(target, targets, [row.oid])) {
        const column = byOid.get(origin.table)?.columns[origin.column - 1];
        if (column === undefined) continue;
        const name = JSON.stringify([keyOfOid(origin.table), column]);
        columns.set(name, [...columns.get(name) ?? [], row.columns[target.resno - 1]]);
      }
    }
    shown.set(keyOf(row.schema, row.name), columns);
  }
  const showing = (view: string, table: string, columns: string[]): string[][] => {
    const found = columns.map((column) =>
      shown.get(view)!.get(JSON.stringify([table, column])) ?? []
    );
    return found.reduce<string[][]>(
      (all, names) => all.flatMap((some) => names.map((name) => [...some, name])),
      [[]],
    );
  };

  const relations = new Map<string, Listed>();
  for (const row of rows) {
    if (row.partition) continue;
    const key = keyOf(row.schema, row.name);
    const primaryKey = !row.view
      ? row.primary_key
      : !shown.has(key)
      ? []
      : rows.flatMap((table) =>
        table.primary_key.length === 0
          ? []
          : showing(key, keyOf(table.schema, table.name), table.primary_key)[0] ?? []
      );
    relations.set(key, { schema: row.schema, name: row.name, view: row.view, primaryKey });
  }

  const tableKeys: ForeignKey[] = keys.filter(({ own }) => own).map((key) => ({
    name: key.name,
    from: keyOfOid(key.from),
    to: keyOfOid(key.to),
    columns: key.columns,
    unique: key.unique,
  }));
  const forth = tableKeys.flatMap((key) => withViews(key, [...shown.keys()], showing));
  const junctions = forth.flatMap((one) =>
    forth.flatMap((other): Relationship[] => {
      if (one.kind !== "many-to-one" || other.kind !== "many-to-one") return [];
      if (one.from !== other.from || one.constraint === other.constraint) return [];
      const used = [...one.columns, ...other.columns].map(([column]) => column);
      const primaryKey = relations.get(one.from)?.primaryKey ?? [];
      if (!used.every((column) => primaryKey.includes(column))) return [];
      return [{
        from: one.to,
        to: other.to,
        self: one.to === other.to,
        toView: other.toView,
        kind: "many-to-many",
        constraint: "",
        columns: one.columns.map(([own, theirs]) => [theirs, own]),
        junction: {
          relation: one.from,
          columns: other.columns.map(([own, theirs]) => [theirs, own]),
        },
      }];
    })
  );
  const back = forth.map((one): Relationship => ({
    ...one,
    from: one.to,
    to: one.from,
    toView: shown.has(one.from),
    kind: one.kind === "one-to-one" ? "one-to-one" : "one-to-many",
    columns: one.columns.map(([own, theirs]) => [theirs, own]),
  }));

  const computed = (await sql`
    select n.nspname as schema, p.proname as name, fc.oid::int8::text as from, tc.oid::int8::text as to,
      not p.proretset or p.prorows = 1 as single
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    join pg_class fc on fc.reltype = p.proargtypes[0] join pg_class tc on tc.reltype = p.prorettype
    where p.pronargs = 1 and fc.reltype <> 0 and n.nspname !~ '^pg_'`)
    .filter(({ from, to }) => byOid.has(from) && byOid.has(to))
    .map(({ schema, name, from, to, single }): Computed => ({
      schema,
      name,
      from: keyOfOid(from),
      to: keyOfOid(to),
      single,
    }));
  const served = (key: string) => schemas.includes(partsOf(key)[0]);
  return {
    relations: new Map([...relations].filter(([key]) => served(key))),
    computed,
    relationships: [...forth, ...back, ...junctions].filter(({ from, to, junction }) =>
      served(from) && served(to) && (junction === undefined || served(junction.relation)) &&
      // A function of the other relation's name stands for whatever leads there.
      !computed.some((one) => one.from === from && keyOf(one.schema, one.name) === to)
    ),
  };
}

/** A foreign key between tables, between views that show its columns, and between the two. */
function withViews(
  { name, from, to, columns, unique }: ForeignKey,
  views: string[],
  showing: (view: string, table: string, columns: string[]) => string[][],
): Relationship[] {
  const kind = unique ? "one-to-one" : "many-to-one";
  const own = columns.map(([column]) => column);
  const theirs = columns.map(([, column]) => column);
  const shows = (table: string, names: string[]) => [
    { relation: table, view: false, columns: names },
    ...views.flatMap((view) =>
      showing(view, table, names).map((columns) => ({ relation: view, view: true, columns }))
    ),
  ];
  return shows(from, own).flatMap((one) =>
    shows(to, theirs).map((other): Relationship => ({
      from: one.relation,
      to: other.relation,
      self: one.relation === other.relation,
      toView: other.view,
      kind,
      constraint: name,
      columns: one.columns.map((column, index) => [column, other.columns[index]]),
    }))
  );
}

interface Target {
  resno: number;
  resorigtbl: string;
  resorigcol: number;
}

function originsOf(
  { resorigtbl, resorigcol }: Target,
  targets: Map<string, Target[]>,
  path: string[],
): { table: string; column: number }[] {
  const here = { table: resorigtbl, column: resorigcol };
  if (path.includes(resorigtbl)) return [here];
  const through = (targets.get(resorigtbl) ?? []).filter(({ resno }) => resno === resorigcol);
  return [here, ...through.flatMap((one) => originsOf(one, targets, [...path, resorigtbl]))];
}

type Node = string | Node[] | { [field: string]: Node[] };

/** The outermost target list of a stored query, which is parsed as a whole. */
function targetList(query: string): Target[] {
  const tokens = query.match(/(?:\\.|[^\s(){}\\])+|[(){}]/gs)!;
  let at = 0;
  const next = (): Node => {
    const token = tokens[at++];
    if (token === "(") {
      const list: Node[] = [];
      while (tokens[at] !== ")") list.push(next());
      at++;
      return list;
    }
    if (token !== "{") return token;
    const node: Record<string, Node[]> = {};
    let field = "type";
    while (tokens[at] !== "}") {
      if (tokens[at].startsWith(":")) node[field = tokens[at++].slice(1)] = [];
      else (node[field] ??= []).push(next());
    }
    at++;
    return node;
  };
  const [top] = next() as { targetList: Node[] }[];
  return (top.targetList[0] as { [field: string]: Node[] }[]).map((entry) => ({
    resno: Number(entry.resno[0]),
    resorigtbl: String(entry.resorigtbl[0]),
    resorigcol: Number(entry.resorigcol[0]),
  }));
}

/** What `target` (with `!hint`) can mean in rows of a relation. */
export function findEmbedded(
  { relationships, computed }: Cache,
  schema: string,
  origin: string,
  target: string,
  hint: string | null,
): (Relationship | Computed)[] {
  const from = keyOf(schema, origin);
  const one = (found: Relationship, side: 0 | 1, name: string) =>
    found.kind !== "many-to-many" && found.columns.length === 1 && found.columns[0][side] === name;
  const named = computed.filter((found) =>
    found.from === from && found.name === target && found.schema === schema
  );
  const derived = relationships.filter((found) => {
    const [toSchema, toName] = partsOf(found.to);
    if (found.from !== from || toSchema !== schema) return false;
    if (found.self) {
      if (hint !== null) {
        return target === toName && found.kind === "one-to-many" && one(found, 1, hint);
      }
      return (target === toName && found.kind === "one-to-many") ||
        (found.kind === "many-to-one" && one(found, 0, target));
    }
    const byConstraint = (name: string) =>
      found.kind !== "many-to-many" && found.constraint === name;
    if (hint === null) {
      return target === toName ||
        (!found.toView && (byConstraint(target) || one(found, 0, target)));
    }
    return target === toName &&
      (byConstraint(hint) || one(found, 0, hint) || one(found, 1, hint) ||
        (found.junction !== undefined && partsOf(found.junction.relation)[1] === hint));
  });
  return [...named, ...derived];
}
