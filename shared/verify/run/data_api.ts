/** The fifth test: the Data API answers alike by both names, once its schema cache knows them. */
import type { VerifyCheck, VerifyFailure } from "../../contract/responses.ts";
import {
  type ApiAnswer,
  type ApiQuery,
  DataApi,
  type DataApiAccess,
  isAmbiguous,
  isUnexposed,
  isUnknownToCache,
  shownRequest,
  whyNotServed,
} from "./data_api_client.ts";
import { requireTime, sleep } from "../../postgres/limits.ts";
import { unambiguous } from "../../findings/embedding.ts";
import { reloadSchemaCache } from "../../plan/plan.ts";
import { rows } from "../trial.ts";
import { check, notTriedSentence, skipped, type VerifyRun } from "./verify_run.ts";

const NAME = "data_api";

/** Rows that are asked for. */
const LIMIT = 20;

/** Longest wait for the schema cache, as a multiple of `max_ms`: 10 seconds by default. */
const CACHE_SHARE = 5;

/** The pause between two looks at it, in milliseconds. */
const CACHE_PAUSE_MS = 200;

/** How often a request is made whose answer changes by itself. */
const ATTEMPTS = 3;

interface Request {
  api: DataApi;
  key: "secret key" | "publishable key";
  query: ApiQuery;
}

export async function testDataApi(
  verifyRun: VerifyRun,
  access: DataApiAccess | null,
): Promise<VerifyCheck> {
  if (access === null) return skipped(NAME, "SUPABASE_URL or a secret key is not set.");
  const why = await whyNotServed(access);
  if (why !== null) return skipped(NAME, `No Data API is served at SUPABASE_URL: ${why}.`);

  const { table } = verifyRun.subject;
  const api = new DataApi(access.url, access.secretKey, table.schema);
  const cache = new CacheWait(verifyRun);
  const failures: VerifyFailure[] = [];
  const untried: string[] = [];
  const answers: Record<string, unknown>[] = [];
  for (const request of requestsOf(verifyRun, api, access)) {
    const outcome = await compare(verifyRun, request, cache);
    const shown = shownOf(verifyRun, request);
    if (outcome === "unexposed") {
      return skipped(NAME, `The Data API does not serve the schema ${table.schema}.`);
    }
    if (outcome === "late") untried.push(`${shown}: the time for this test was up`);
    else if (outcome === "unsteady") untried.push(`${shown}: its answer kept changing`);
    else {
      answers.push({ request: shown, answer: saying(outcome.table) });
      if (outcome.failure !== null) failures.push(outcome.failure);
    }
  }
  const byBothNames = answers.length;
  const joined = await askThrough(verifyRun, api, cache);
  failures.push(...joined.failures);
  answers.push(...joined.answers);
  untried.push(...joined.untried);
  return check(
    NAME,
    [
      `${byBothNames} requests by both names, with supabase-js; they are uses of the old name, and counted as such.`,
      joined.answers.length > 0 &&
      `${joined.answers.length} requests for tables that it joins, by neither name.`,
      cache.waitedMs !== null && `Waited ${cache.waitedMs} ms for its schema cache to be reloaded.`,
      notTriedSentence([], untried),
    ],
    failures,
    { answers, waited_ms: cache.waitedMs ?? 0 },
  );
}

/** A plain read under each key, and one that embeds a neighbour. */
function requestsOf(verifyRun: VerifyRun, api: DataApi, access: DataApiAccess): Request[] {
  const { target, table, proof } = verifyRun.subject;
  const plain: ApiQuery = { order: target.key, limit: LIMIT };
  const requests: Request[] = [{ api, key: "secret key", query: plain }];
  if (access.publishableKey !== null) {
    const open = new DataApi(access.url, access.publishableKey, table.schema);
    requests.push({ api: open, key: "publishable key", query: plain });
  }
  const near = proof.foreign_keys.filter(({ direction, schema, columns }) =>
    direction !== "self" && schema === table.schema &&
    columns.every((name) => target.columns.includes(name))
  );
  const neighbour = near.find(({ direction }) => direction === "out") ?? near[0];
  if (neighbour !== undefined) {
    const embed = {
      target: neighbour.table,
      hint: neighbour.name,
      columns: neighbour.neighbour_columns,
    };
    requests.push({ api, key: "secret key", query: { ...plain, embed } });
  }
  for (const { column, references } of table.self_embeddings) {
    const embed = { target: column, hint: null, columns: [references] };
    requests.push({ api, key: "secret key", query: { ...plain, embed } });
  }
  return requests;
}

/**
 * Embeds in one another the tables that the renamed one joins, without naming it, as was possible before: the
 * view must not have made it ambiguous.
 */
async function askThrough(verifyRun: VerifyRun, api: DataApi, cache: CacheWait) {
  const { table, view } = verifyRun.subject;
  const failures: VerifyFailure[] = [];
  const answers: Record<string, unknown>[] = [];
  const untried: string[] = [];
  for (const { schema, from, to } of unambiguous(table.join_table_pairs, [view.oid])) {
    const query: ApiQuery = {
      order: [],
      limit: 1,
      embed: { target: to, hint: null, columns: ["*"] },
    };
    const statement = `${shownRequest(from, query)} with the secret key`;
    if (schema !== table.schema) {
      untried.push(`${statement}: it is in another schema`);
      continue;
    }
    let answer = await api.read(from, query);
    while (isUnknownToCache(answer) && await cache.again()) answer = await api.read(from, query);
    answers.push({ request: statement, answer: saying(answer) });
    if (isAmbiguous(answer)) {
      failures.push({
        statement,
        expected: "an answer, as before the rename",
        got: saying(answer),
      });
    }
  }
  return { failures, answers, untried };
}

type Outcome =
  | { table: ApiAnswer; failure: VerifyFailure | null }
  /** The rows changed while they were asked for. */
  | "unsteady"
  | "late"
  | "unexposed";

async function compare(verifyRun: VerifyRun, request: Request, cache: CacheWait): Promise<Outcome> {
  const { migration, table } = verifyRun.subject;
  const ask = (name: string) => request.api.read(name, request.query);
  for (let attempt = 1; attempt <= ATTEMPTS;) {
    requireTime(verifyRun.context.limits);
    if (verifyRun.remainingMs < 1) return "late";
    const first = await ask(table.name);
    if (isUnexposed(first)) return "unexposed";
    const old = await ask(migration.old_name);
    if (isUnknownToCache(first) || isUnknownToCache(old)) {
      if (await cache.again()) continue;
      // Neither may be known: nobody answered for the table, and so there is nothing to compare with.
      const failed = isUnknownToCache(first);
      const failure = {
        statement: shownOf(verifyRun, request, failed ? table.name : migration.old_name),
        expected: failed ? "an answer, as the table is there" : saying(first),
        got: saying(failed ? first : old),
      };
      return { table: first, failure };
    }
    const again = await ask(table.name);
    const [a, b, c] = [first, old, again].map((answer) => canonical(verifyRun, answer));
    if (b === a || b === c) return { table: first, failure: null };
    if (a === c) {
      const same = old.rows?.length === first.rows?.length && old.code === first.code;
      const failure = {
        statement: shownOf(verifyRun, request),
        expected: saying(first),
        got: `${saying(old)}${same ? ", other ones than by the new name" : ""}`,
      };
      return { table: first, failure };
    }
    attempt++;
  }
  return "unsteady";
}

/** Asks for a reload of the schema cache at the first need, then waits for it, in all no longer than a limit. */
class CacheWait {
  #started: number | null = null;
  waitedMs: number | null = null;

  constructor(readonly verifyRun: VerifyRun) {}

  /** Waits a moment; false once the time is up. */
  async again(): Promise<boolean> {
    const { context: { database, limits }, request } = this.verifyRun;
    if (this.#started === null) {
      this.#started = performance.now();
      await database.query(reloadSchemaCache.sql);
    }
    this.waitedMs = Math.round(performance.now() - this.#started);
    if (
      this.waitedMs >= CACHE_SHARE * request.max_ms || this.verifyRun.remainingMs < CACHE_PAUSE_MS
    ) {
      return false;
    }
    await sleep(CACHE_PAUSE_MS, limits.signal);
    return !limits.signal.aborted;
  }
}

/** An answer as text: only columns that both names have, rows that are embedded in one order. */
function canonical(verifyRun: VerifyRun, { status, code, rows }: ApiAnswer): string {
  const shown = new Set([...verifyRun.subject.target.columns, "neighbour"]);
  const text = rows?.map((row) =>
    JSON.stringify(
      Object.entries(row).filter(([name]) => shown.has(name)).map(([name, value]) => [
        name,
        Array.isArray(value) && name === "neighbour"
          ? value.map((one) => JSON.stringify(one)).sort()
          : value,
      ]),
    )
  );
  return JSON.stringify([status, code, text]);
}

const shownOf = (verifyRun: VerifyRun, { key, query }: Request, name?: string): string =>
  `${shownRequest(name ?? verifyRun.subject.migration.old_name, query)} with the ${key}`;

const saying = ({ status, code, rows: found }: ApiAnswer): string =>
  code === null ? `${status}, ${rows(found?.length ?? 0)}` : `${status} ${code}`;
