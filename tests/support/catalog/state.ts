/** The state of a database as the catalog has it, for tests that say "nothing has changed". */
import type postgres from "postgres";
import { factsFromRow, factsQuery } from "../../../shared/catalog/read_facts.ts";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import { type Fingerprint, fingerprint } from "../../../shared/facts/fingerprint.ts";

/** Catalog rows by `catalog key`, as JSON text. */
export type State = Record<string, string>;

/** Catalogs to compare, with what identifies a row of each. Objects of initdb are left out. */
const CATALOGS: [catalog: string, key: string, where: string, volatile?: string[]][] = [
  ["pg_namespace", "oid", "oid >= 16384 and nspname !~ '^pg_(toast_)?temp_'"],
  ["pg_class", "oid", "oid >= 16384", [
    "relpages",
    "reltuples",
    "relallvisible",
    "relfrozenxid",
    "relminmxid",
    // What a vacuum puts right when there are none left any more.
    "relhasindex",
    "relhasrules",
    "relhastriggers",
    "relhassubclass",
  ]],
  ["pg_attribute", "concat_ws(':', attrelid, attnum)", "attrelid >= 16384"],
  ["pg_attrdef", "oid", "true"],
  ["pg_type", "oid", "oid >= 16384"],
  ["pg_proc", "oid", "oid >= 16384"],
  ["pg_policy", "oid", "true"],
  ["pg_trigger", "oid", "true"],
  ["pg_event_trigger", "oid", "true"],
  ["pg_rewrite", "oid", "oid >= 16384"],
  ["pg_constraint", "oid", "oid >= 16384"],
  ["pg_index", "indexrelid", "indexrelid >= 16384"],
  ["pg_inherits", "concat_ws(':', inhrelid, inhparent)", "true"],
  ["pg_partitioned_table", "partrelid", "true"],
  ["pg_cast", "oid", "oid >= 16384"],
  ["pg_statistic_ext", "oid", "true"],
  ["pg_publication", "oid", "true"],
  ["pg_publication_rel", "oid", "true"],
  ["pg_description", "concat_ws(':', classoid, objoid, objsubid)", "objoid >= 16384"],
  ["pg_default_acl", "oid", "true"],
  [
    "pg_depend",
    "concat_ws(':', classid, objid, objsubid, refclassid, refobjid, refobjsubid, deptype)",
    "objid >= 16384",
  ],
];

/** Everything that users have in the database's catalog, row by row. */
export async function catalogState(sql: postgres.Sql): Promise<State> {
  const parts = CATALOGS.map(([catalog, key, where, volatile = []]) =>
    `select '${catalog} ' || ${key} as key, (to_jsonb(c) - '{${volatile.join()}}'::text[])::text as row
     from pg_catalog.${catalog} c where ${where}`
  );
  return stateFrom(await sql.unsafe(parts.join("\nunion all\n")));
}

/** The catalog and the recorded migrations: all that a refused request must leave alone. */
export async function databaseState(sql: postgres.Sql): Promise<State> {
  const rows = await sql`
    select 'migration ' || m.id as key, to_jsonb(m)::text as row from public.sys_table_migrations m`;
  return { ...await catalogState(sql), ...stateFrom(rows) };
}

/** Before PostgreSQL 17 a stored expression has places in the text of the statement that it came in. */
const stateFrom = (rows: Iterable<Record<string, unknown>>): State =>
  Object.fromEntries(
    [...rows].map(({ key, row }) => [
      key as string,
      (row as string).replaceAll(/ :location -?\d+/g, ""),
    ]),
  );

/** What differs, one line each, for a message that can be read. */
export function stateDifferences(before: State, after: State): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((key) => before[key] !== after[key])
    .map((key) => `${key}: ${before[key] ?? "(none)"} -> ${after[key] ?? "(none)"}`);
}

/** The facts of every table and view of the schemas, by `schema.name`. */
export async function factsOf(
  sql: postgres.Sql,
  schemas: string[],
): Promise<Record<string, RelationFacts>> {
  return await sql.begin("read only", async (tx) => {
    await tx`set local search_path = pg_catalog, pg_temp`;
    const oids = await tx`
      select oid::int8::float8 as oid from pg_class
      where relnamespace::regnamespace::text = any(${schemas}) and relkind in ('r', 'p', 'v')`;
    const query = factsQuery({ names: [], oids: oids.map(({ oid }) => oid) });
    const [row] = await tx.unsafe(query).simple() as unknown as { facts: string }[];
    return Object.fromEntries(
      factsFromRow(row).relations.map((facts) => [`${facts.schema}.${facts.name}`, facts]),
    );
  });
}

/** The fingerprint of every table and view of the schemas, by `schema.name`. */
export async function fingerprintsOf(
  sql: postgres.Sql,
  schemas: string[],
): Promise<Record<string, Fingerprint>> {
  return Object.fromEntries(
    Object.entries(await factsOf(sql, schemas)).map(([name, facts]) => [name, fingerprint(facts)]),
  );
}
