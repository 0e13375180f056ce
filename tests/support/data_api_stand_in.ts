/**
 * A test double of the Data API (PostgREST), for the one test that asks it: GET on a relation with `select`,
 * `order`, `limit` and one embedded neighbour, answered from the test's real database under the role of the
 * key. Like the real one it knows relations and foreign keys by a schema cache that it reads once, and again
 * when it is notified; so a stale cache is a cache that is not read again.
 */
import type postgres from "postgres";
import type { TestDatabase } from "./database.ts";
import { PUBLISHABLE_KEY, SECRET_KEY } from "./functions.ts";

export interface StandInOptions {
  /** What it does when it is told to read the schema again. Default: it does so at once. */
  reload?: "at once" | "late" | "never";
  /** Schemas that it serves. Default: public. */
  schemas?: string[];
  /** Answers in place of the database. */
  instead?: (relation: string) => Response | null;
}

export interface StandIn extends AsyncDisposable {
  url: string;
  /** Paths and queries of the requests for relations, in order. */
  requests: string[];
  reloads: number;
}

interface ForeignKey {
  name: string;
  from: string;
  to: string;
  columns: string[];
  references: string[];
}

interface Cache {
  relations: Set<string>;
  /** Those of views as well, by the tables that they show. */
  keys: ForeignKey[];
}

/** How long a late reload takes, in milliseconds. */
const LATE_MS = 1_500;

export async function dataApiStandIn(
  db: TestDatabase,
  { reload = "at once", schemas = ["public"], instead }: StandInOptions = {},
): Promise<StandIn> {
  const sql = db.connect({ role: "authenticator", max: 3 });
  const reader = db.connect({ role: "supabase_admin", max: 2 });
  const state = { url: "", requests: [] as string[], reloads: 0 };
  let cache = await readCache(reader);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const listening = await reader.listen("pgrst", () => {
    if (reload === "never") return;
    const timer = setTimeout(async () => {
      timers.delete(timer);
      try {
        cache = await readCache(reader);
        state.reloads++;
      } catch {
        // The test is over.
      }
    }, reload === "late" ? LATE_MS : 0);
    timers.add(timer);
  });
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, (request) => {
    const url = new URL(request.url);
    const relation = decodeURIComponent(url.pathname.replace(/^\/rest\/v1\//, ""));
    if (relation === "") return Response.json({ swagger: "2.0" });
    state.requests.push(`${url.pathname}${url.search}`);
    const schema = request.headers.get("accept-profile") ?? schemas[0];
    if (!schemas.includes(schema)) {
      return problem(406, "PGRST106", `The schema must be one of the following: ${schemas}`);
    }
    return instead?.(relation) ??
      answer(sql, cache, schema, relation, url.searchParams, request.headers.get("apikey"));
  });
  state.url = `http://127.0.0.1:${server.addr.port}`;
  return Object.assign(state, {
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearTimeout(timer);
      await listening.unlisten();
      await server.shutdown();
    },
  });
}

async function readCache(sql: postgres.Sql): Promise<Cache> {
  const relations = await sql`
    select format('%I.%I', n.nspname, c.relname) as name
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v') and n.nspname !~ '^pg_'`;
  // A relation has the keys of the table that it is, or shows.
  const keys = await sql`
    with shown as (
      select c.oid, c.oid as base from pg_class c where c.relkind in ('r', 'p')
      union all
      select rw.ev_class, d.refobjid from pg_rewrite rw join pg_depend d on d.objid = rw.oid
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> rw.ev_class and d.refobjsubid = 0 and rw.rulename = '_RETURN'
      union
      select rw.ev_class, d.refobjid from pg_rewrite rw join pg_depend d on d.objid = rw.oid
      where d.classid = 'pg_rewrite'::regclass and d.refclassid = 'pg_class'::regclass
        and d.refobjid <> rw.ev_class and d.refobjsubid > 0 and rw.rulename = '_RETURN')
    select distinct k.conname as name, s.oid::regclass::text as from, r.oid::regclass::text as to,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = k.conrelid and a.attnum = any(k.conkey)
        order by array_position(k.conkey, a.attnum)) as columns,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = k.confrelid and a.attnum = any(k.confkey)
        order by array_position(k.confkey, a.attnum)) as references
    from pg_constraint k join shown s on s.base = k.conrelid join shown r on r.base = k.confrelid
    where k.contype = 'f'`;
  return {
    relations: new Set(relations.map(({ name }) => name)),
    keys: keys as unknown as ForeignKey[],
  };
}

const problem = (status: number, code: string, message: string) =>
  Response.json({ code, message, details: null, hint: null }, { status });

async function answer(
  sql: postgres.Sql,
  cache: Cache,
  schema: string,
  relation: string,
  query: URLSearchParams,
  key: string | null,
): Promise<Response> {
  const role = key === SECRET_KEY ? "service_role" : key === PUBLISHABLE_KEY ? "anon" : null;
  if (role === null) return problem(401, "PGRST301", "No suitable key");
  const quote = (name: string) => `"${name.split('"').join('""')}"`;
  const plain = (name: string) => /^[a-z_][a-z0-9_]*$/.test(name) ? name : quote(name);
  if (!cache.relations.has(`${plain(schema)}.${plain(relation)}`)) {
    return problem(404, "PGRST205", `Could not find the table '${schema}.${relation}'`);
  }
  const selected = ["t.*"];
  const embed = /^\*,neighbour:"?(.+?)"?!"?(.+?)"?\((.+)\)$/.exec(query.get("select") ?? "");
  if (embed !== null) {
    const [, table, name, columns] = embed;
    // The reader's search path has public, so that its relations go by their bare names.
    const here = (one: string) => [plain(one), `${plain(schema)}.${plain(one)}`];
    const found = cache.keys.find((one) =>
      one.name === name &&
      ((here(relation).includes(one.from) && here(table).includes(one.to)) ||
        (here(table).includes(one.from) && here(relation).includes(one.to)))
    );
    if (found === undefined) {
      return problem(
        400,
        "PGRST200",
        `Could not find a relationship between ${relation} and ${table}`,
      );
    }
    const out = here(relation).includes(found.from);
    const [own, theirs] = out
      ? [found.columns, found.references]
      : [found.references, found.columns];
    const on = own.map((one, index) => `t.${quote(one)} = n.${quote(theirs[index])}`).join(" and ");
    const rows = `select ${columns} from ${quote(schema)}.${quote(table)} n where ${on}`;
    selected.push(
      out
        ? `(select to_json(x) from (${rows} limit 1) x) as neighbour`
        : `(select coalesce(json_agg(x), '[]') from (${rows}) x) as neighbour`,
    );
  }
  const order = query.get("order")?.split(",").map((one) => {
    const column = one.replace(/\.asc$/, "");
    return `t.${column.startsWith('"') ? column : quote(column)}`;
  });
  const text = `select ${selected.join(", ")} from ${quote(schema)}.${quote(relation)} t${
    order ? ` order by ${order.join(", ")}` : ""
  } limit ${Number(query.get("limit") ?? 1000)}`;
  try {
    const [{ body }] = await sql.begin("read only", async (tx) => {
      await tx`select set_config('role', ${role}, true),
        set_config('request.jwt.claims', ${JSON.stringify({ role })}, true)`;
      return await tx.unsafe(`select coalesce(json_agg(x), '[]')::text as body from (${text}) x`);
    });
    return new Response(body, { headers: { "content-type": "application/json" } });
  } catch (error) {
    const { code, message } = error as { code: string; message: string };
    const status = code === "42501" ? (role === "anon" ? 401 : 403) : code === "42P01" ? 404 : 400;
    return problem(status, code, message);
  }
}
