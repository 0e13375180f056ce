/**
 * A test double of the Data API (PostgREST): GET on a relation with `select`, `order`, `limit` and embedded
 * relations, answered from the test's real database under the role of the key. Like the real one it knows
 * relations and what can be embedded by a schema cache that it reads once, and again when it is notified; so a
 * stale cache is a cache that is not read again.
 */
import type postgres from "postgres";
import { type Cache, findEmbedded, keyOf, partsOf, readCache } from "./data_api_cache.ts";
import type { TestDatabase } from "../servers/database.ts";
import { PUBLISHABLE_KEY, SECRET_KEY } from "./functions.ts";

export interface StandInOptions {
  /** What it does when it is asked to read the schema again. Default: it does so at once. */
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
  /** Reads the schema again now. */
  reload(): Promise<void>;
}

/** How long a late reload takes, in milliseconds. */
const LATE_MS = 3_000;

export async function dataApiStandIn(
  db: TestDatabase,
  { reload = "at once", schemas = ["public"], instead }: StandInOptions = {},
): Promise<StandIn> {
  const sql = db.connect({ role: "authenticator", max: 3 });
  const reader = db.connect({ role: "supabase_admin", max: 2 });
  const state = { url: "", requests: [] as string[], reloads: 0 };
  let cache = await readCache(reader, schemas);
  const timers = new Set<ReturnType<typeof setTimeout>>();
  const listening = await reader.listen("pgrst", () => {
    if (reload === "never") return;
    const timer = setTimeout(async () => {
      timers.delete(timer);
      try {
        cache = await readCache(reader, schemas);
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
    reload: async () => {
      cache = await readCache(reader, schemas);
    },
    [Symbol.asyncDispose]: async () => {
      for (const timer of timers) clearTimeout(timer);
      await listening.unlisten();
      await server.shutdown();
    },
  });
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
  if (!cache.relations.has(keyOf(schema, relation))) {
    return problem(404, "PGRST205", `Could not find the table '${schema}.${relation}'`);
  }
  let selected: string;
  try {
    const items = parseSelect(query.get("select") ?? "*");
    selected = selectList(cache, schema, relation, items, "t", 0);
  } catch (error) {
    if (error instanceof Refused) return problem(error.status, error.code, error.message);
    throw error;
  }
  const order = query.get("order")?.split(",").map((one) => {
    const column = one.replace(/\.asc$/, "");
    return `t.${column.startsWith('"') ? column : quote(column)}`;
  });
  const text = `select ${selected} from ${quote(schema)}.${quote(relation)} t${
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

const quote = (name: string) => `"${name.split('"').join('""')}"`;
const relationOf = (key: string) => partsOf(key).map(quote).join(".");

class Refused extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

interface SelectItem {
  alias: string | null;
  name: string;
  hint: string | null;
  /** Null for a column. */
  items: SelectItem[] | null;
}

/** Reads `a,alias:b,c!hint(d,e(f))`. */
function parseSelect(text: string): SelectItem[] {
  let at = 0;
  const name = (): string => {
    if (text[at] === '"') {
      const [quoted] = /"(?:\\.|[^"\\])*"/y.exec(text.slice(at)) ?? [""];
      at += quoted.length;
      return JSON.parse(quoted);
    }
    const [plain] = /^[^,:!()"]+/.exec(text.slice(at)) ?? [""];
    at += plain.length;
    return plain;
  };
  const take = (character: string) => text[at] === character && ++at > 0;
  const list = (): SelectItem[] => {
    const items: SelectItem[] = [];
    do {
      const item: SelectItem = { alias: null, name: name(), hint: null, items: null };
      if (take(":")) [item.alias, item.name] = [item.name, name()];
      while (take("!")) {
        const hint = name();
        // All rows are answered, whichever kind of join is asked for.
        if (hint !== "inner" && hint !== "left") item.hint = hint;
      }
      if (take("(")) {
        item.items = list();
        take(")");
      }
      items.push(item);
    } while (take(","));
    return items;
  };
  return list();
}

/** The expressions that a SELECT from `relation`, called `alias`, has. */
function selectList(
  cache: Cache,
  schema: string,
  relation: string,
  items: SelectItem[],
  alias: string,
  depth: number,
): string {
  return items.map((item) => {
    const shown = quote(item.alias ?? item.name);
    if (item.items === null) {
      return item.name === "*" ? `${alias}.*` : `${alias}.${quote(item.name)} as ${shown}`;
    }
    const found = findEmbedded(cache, schema, relation, item.name, item.hint);
    if (found.length === 0) {
      throw new Refused(
        400,
        "PGRST200",
        `Could not find a relationship between '${relation}' and '${item.name}' in the schema cache`,
      );
    }
    if (found.length > 1) {
      throw new Refused(
        300,
        "PGRST201",
        "Could not embed because more than one relationship was found for " +
          `'${relation}' and '${item.name}'`,
      );
    }
    const [one] = found;
    const [n, j] = [`n${depth}`, `j${depth}`];
    const inner = selectList(cache, schema, partsOf(one.to)[1], item.items, n, depth + 1);
    const equal = (left: string, right: string, columns: [string, string][]) =>
      columns.map(([a, b]) => `${left}.${quote(a)} = ${right}.${quote(b)}`);
    const [from, single] = "kind" in one
      ? [
        one.junction === undefined
          ? `${relationOf(one.to)} ${n} where ${equal(alias, n, one.columns).join(" and ")}`
          : `${relationOf(one.to)} ${n}, ${relationOf(one.junction.relation)} ${j} where ${
            [...equal(alias, j, one.columns), ...equal(n, j, one.junction.columns)].join(" and ")
          }`,
        one.kind === "many-to-one" || one.kind === "one-to-one",
      ]
      : [`${quote(one.schema)}.${quote(one.name)}(${alias}) ${n}`, one.single];
    const rows = `select ${inner} from ${from}`;
    return single
      ? `(select to_json(x) from (${rows} limit 1) x) as ${shown}`
      : `(select coalesce(json_agg(x), '[]') from (${rows}) x) as ${shown}`;
  }).join(", ");
}
