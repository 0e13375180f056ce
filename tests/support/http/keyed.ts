/** Requests that carry an idempotency key, and what the database keeps of them. */
import { assert, assertEquals } from "@std/assert";
import type postgres from "postgres";
import type { Functions } from "./functions.ts";

export interface KeyedAnswer {
  status: number;
  replayed: boolean;
  requestId: string;
  // deno-lint-ignore no-explicit-any -- an operation's answer or a problem document
  body: any;
}

/** Posts a body with a key; the answer is whatever comes. */
export async function postKeyed(
  functions: Functions,
  name: string,
  key: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<KeyedAnswer> {
  const response = await functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key, ...headers },
    body: JSON.stringify(body),
  });
  const replayed = response.headers.get("idempotency-replayed");
  assert(replayed === null || replayed === "true", `idempotency-replayed: ${replayed}`);
  return {
    status: response.status,
    replayed: replayed === "true",
    requestId: response.headers.get("x-request-id") ?? "",
    body: await response.json(),
  };
}

/** How often a retry is sent, and the pause before each, in milliseconds. */
const MOST_RETRIES = 200;
const PAUSE_MS = 100;

/** Sends a request again and again with its key, as a caller does, until it is done. */
export async function untilDone(
  functions: Functions,
  name: string,
  key: string,
  body: unknown,
): Promise<KeyedAnswer> {
  for (let attempt = 0;; attempt++) {
    const answer = await postKeyed(functions, name, key, body);
    if (answer.status === 200) return answer;
    const passing = ["request_in_progress", "database_unavailable"];
    assert(passing.includes(answer.body.code), JSON.stringify(answer.body));
    assert(attempt < MOST_RETRIES, JSON.stringify(answer.body));
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** Fails unless the answer is a refusal with this code. */
export function assertRefused(answer: KeyedAnswer, code: string): void {
  assertEquals(answer.body.code, code, JSON.stringify(answer.body));
  assertEquals(answer.replayed, false);
}

/** The table of requests, in the order in which they came. */
export async function recordedRequests(sql: postgres.Sql) {
  return await sql`
    select *, finished_at is not null as finished, response_body is not null as made
    from table_rename.sys_table_migration_requests order by created_at`;
}

/** How many migrations and successful events there are: what was done, and how often. */
export async function workDone(sql: postgres.Sql): Promise<{ migrations: number; events: number }> {
  const [row] = await sql`
    select (select count(*)::int from sys_table_migrations) as migrations,
      (select count(*)::int from table_rename.sys_table_migration_events where outcome = 'succeeded') as events`;
  return { migrations: row.migrations, events: row.events };
}

/** Makes the tracking of all requests look as if they had been made earlier. */
export async function backdate(sql: postgres.Sql, by: string): Promise<void> {
  await sql`update table_rename.sys_table_migration_requests set created_at = created_at - ${by}::interval`;
  await sql`update table_rename.sys_table_migration_events set occurred_at = occurred_at - ${by}::interval`;
}
