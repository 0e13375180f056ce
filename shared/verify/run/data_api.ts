/** The fifth test: the Data API answers alike through both names, once its schema cache knows them. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import { unambiguous } from "../../findings/embedding.ts";
import { reloadSchemaCache } from "../../plan/plan.ts";
import { requireTime, sleep } from "../../postgres/limits.ts";
import { counted } from "../both_names.ts";
import {
  type ApiAnswer,
  type ApiQuery,
  DataApi,
  type DataApiAccess,
  isAmbiguous,
  isUnexposed,
  isUnknownToCache,
  NEIGHBOUR,
  shownRequest,
  whyNotServed,
} from "./data_api_client.ts";
import { skipped, Untried, type VerifyRun } from "./verify_run.ts";

const NAME = "data_api";

const LIMIT = 20;

/** Longest wait for the schema cache, as a multiple of `max_ms`: 10 seconds by default. */
const CACHE_SHARE = 5;

const CACHE_PAUSE_MS = 200;

const ATTEMPTS = 3;

interface Request {
  api: DataApi;
  key: "secret key" | "publishable key";
  query: ApiQuery;
}

export async function testDataApi(
  run: VerifyRun,
  access: DataApiAccess | null,
): Promise<VerifyCheck> {
  if (access === null) return skipped(NAME, "SUPABASE_URL or a secret key is not set.");
  const why = await whyNotServed(access);
  if (why !== null) return skipped(NAME, `No Data API is served at SUPABASE_URL: ${why}.`);

  const { migration, table } = run.target;
  const api = new DataApi(access.url, access.secretKey, table.schema);
  const cache = new SchemaCacheWait(run);
  const answers: ShownAnswer[] = [];
  for (const request of requestsOf(run, api, access)) {
    const compared = await compare(run, request, cache);
    const shown = shownAs(request, migration.old_name);
    if (compared === "unexposed") {
      return skipped(NAME, `The Data API does not serve the schema ${table.schema}.`);
    }
    if (compared instanceof Untried) run.untried.push(`${shown}: ${compared.why}`);
    else {
      answers.push({ request: shown, answer: describeAnswer(compared.table) });
      if (compared.failure !== null) run.failures.push(compared.failure);
    }
  }
  const embedded = await embedJoinedTables(run, api, cache);
  return run.result(NAME, [
    `${answers.length} requests through both names, with supabase-js; they are uses of the old ` +
    "name, and counted as such.",
    embedded.length > 0 &&
    `${embedded.length} requests for tables that it joins, through neither name.`,
    cache.waitedMs !== null && `Waited ${cache.waitedMs} ms for its schema cache to be reloaded.`,
  ], { answers: [...answers, ...embedded], waited_ms: cache.waitedMs ?? 0 });
}

interface ShownAnswer {
  request: string;
  answer: string;
}

/** A plain read under each key, and one that embeds a neighbour. */
function requestsOf(run: VerifyRun, api: DataApi, access: DataApiAccess): Request[] {
  const { names, table, facts } = run.target;
  const plain: ApiQuery = { order: names.key, limit: LIMIT };
  const requests: Request[] = [{ api, key: "secret key", query: plain }];
  if (access.publishableKey !== null) {
    const open = new DataApi(access.url, access.publishableKey, table.schema);
    requests.push({ api: open, key: "publishable key", query: plain });
  }
  const embedding = (target: string, hint: string | null, columns: string[]) =>
    requests.push({
      api,
      key: "secret key",
      query: { ...plain, embed: { target, hint, columns } },
    });
  const near = facts.foreign_keys.filter(({ direction, schema, columns }) =>
    direction !== "self" && schema === table.schema &&
    columns.every((name) => names.columns.includes(name))
  );
  const neighbour = near.find(({ direction }) => direction === "out") ?? near[0];
  if (neighbour !== undefined) {
    embedding(neighbour.table, neighbour.name, neighbour.neighbour_columns);
  }
  for (const { column, references } of table.self_embeddings) embedding(column, null, [references]);
  return requests;
}

/**
 * Embeds in one another the tables that the renamed one joins, without naming it, as was possible before: the
 * view must not have made that ambiguous.
 */
async function embedJoinedTables(
  run: VerifyRun,
  api: DataApi,
  cache: SchemaCacheWait,
): Promise<ShownAnswer[]> {
  const { table, view } = run.target;
  const answers: ShownAnswer[] = [];
  for (const { schema, from, to } of unambiguous(table.join_table_pairs, [view.oid])) {
    const embed = { target: to, hint: null, columns: ["*"] };
    const query: ApiQuery = { order: [], limit: 1, embed };
    const statement = `${shownRequest(from, query)} with the secret key`;
    if (schema !== table.schema) {
      run.untried.push(`${statement}: it is in another schema`);
      continue;
    }
    let answer = await api.read(from, query);
    while (isUnknownToCache(answer) && await cache.again()) answer = await api.read(from, query);
    const got = describeAnswer(answer);
    answers.push({ request: statement, answer: got });
    if (isAmbiguous(answer)) {
      run.failures.push({ statement, expected: "an answer, as before the rename", got });
    }
  }
  return answers;
}

type Comparison = { table: ApiAnswer; failure: VerifyFailure | null } | Untried | "unexposed";

async function compare(
  run: VerifyRun,
  request: Request,
  cache: SchemaCacheWait,
): Promise<Comparison> {
  const { migration, table } = run.target;
  const ask = (name: string) => request.api.read(name, request.query);
  for (let attempt = 1; attempt <= ATTEMPTS;) {
    requireTime(run.context.limits);
    if (run.remainingMs < 1) return new Untried("the time for this test was up");
    const first = await ask(table.name);
    if (isUnexposed(first)) return "unexposed";
    const old = await ask(migration.old_name);
    if (isUnknownToCache(first) || isUnknownToCache(old)) {
      if (await cache.again()) continue;
      const known = !isUnknownToCache(first);
      const failure = {
        statement: shownAs(request, known ? migration.old_name : table.name),
        expected: known ? describeAnswer(first) : "an answer, as the table is there",
        got: describeAnswer(known ? old : first),
      };
      return { table: first, failure };
    }
    const again = await ask(table.name);
    const [a, b, c] = [first, old, again].map((answer) => canonical(run, answer));
    if (b === a || b === c) return { table: first, failure: null };
    if (a === c) {
      const alike = old.rows?.length === first.rows?.length && old.code === first.code;
      const failure = {
        statement: shownAs(request, migration.old_name),
        expected: describeAnswer(first),
        got: describeAnswer(old) + (alike ? ", but other rows than through the new name" : ""),
      };
      return { table: first, failure };
    }
    attempt++;
  }
  return new Untried("its answer kept changing");
}

/** Asks for a reload of the schema cache when first needed, then waits for it, in all no longer than a limit. */
class SchemaCacheWait {
  #started: number | null = null;
  waitedMs: number | null = null;

  constructor(readonly run: VerifyRun) {}

  /** Waits a moment; false once the time is up. */
  async again(): Promise<boolean> {
    const { context: { database, limits }, request } = this.run;
    if (this.#started === null) {
      this.#started = performance.now();
      await database.query(reloadSchemaCache.sql);
    }
    this.waitedMs = Math.round(performance.now() - this.#started);
    const tooLong = this.waitedMs >= CACHE_SHARE * request.max_ms;
    if (tooLong || this.run.remainingMs < CACHE_PAUSE_MS) return false;
    await sleep(CACHE_PAUSE_MS, limits.signal);
    return !limits.signal.aborted;
  }
}

/** An answer as text: only columns that both names have, embedded rows in one order. */
function canonical(run: VerifyRun, { status, code, rows }: ApiAnswer): string {
  const shown = [...run.target.names.columns, NEIGHBOUR];
  const inOrder = (name: string, value: unknown) =>
    name === NEIGHBOUR && Array.isArray(value)
      ? value.map((one) => JSON.stringify(one)).sort()
      : value;
  const text = rows?.map((row) =>
    JSON.stringify(
      Object.entries(row).filter(([name]) => shown.includes(name))
        .map(([name, value]) => [name, inOrder(name, value)]),
    )
  );
  return JSON.stringify([status, code, text]);
}

const shownAs = ({ key, query }: Request, name: string): string =>
  `${shownRequest(name, query)} with the ${key}`;

const describeAnswer = ({ status, code, rows }: ApiAnswer): string =>
  code === null ? `${status}, ${counted(rows?.length ?? 0, "row")}` : `${status} ${code}`;
