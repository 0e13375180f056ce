/** Every option of a change waits for its locks and gets them, whatever attempt that takes. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { eventsOf } from "../../support/http/events.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { holdInTurns } from "../../support/waiting.ts";

/** The least number of attempts: the second one has what the first one left, the third what the second did. */
const ATTEMPTS = 3;

interface Case {
  name: string;
  endpoint: "rename" | "rollback" | "finalize" | "refresh";
  /** Options of the request under test. */
  options?: Record<string, unknown>;
  /** Options of the rename before it. */
  renamed?: Record<string, unknown>;
  /** What happens between that rename and the request, with `t` for the old name and `t_new` for the new one. */
  meanwhile?: string;
  /** Proposes the rename first, and applies the proposal. */
  proposed?: boolean;
}

const BUILT_ON_VIEW = `create view t_seen with (security_invoker = true) as select id, name from t;
  create materialized view t_kept as select count(*) from t;
  create function t_first(t) returns text language sql stable as 'select $1.name'`;

const CASES: Case[] = [
  { name: "rename", endpoint: "rename" },
  { name: "no view", endpoint: "rename", options: { compatibility_view: false } },
  { name: "indexes", endpoint: "rename", options: { rename_indexes: true } },
  { name: "counted use", endpoint: "rename", options: { count_use: true } },
  { name: "no history", endpoint: "rename", options: { record_history: "never" } },
  { name: "notes", endpoint: "rename", options: { notes: "n", acknowledge: ["nothing"] } },
  {
    name: "all at once",
    endpoint: "rename",
    options: { rename_indexes: true, count_use: true, notes: "n" },
  },
  { name: "proposal", endpoint: "rename", proposed: true },
  {
    name: "proposal with indexes",
    endpoint: "rename",
    proposed: true,
    options: { rename_indexes: true, count_use: true },
  },
  ...(["rollback", "finalize"] as const).flatMap((endpoint): Case[] => [
    { name: endpoint, endpoint },
    // To finalize such a rename only the record is changed: it waits for nobody.
    ...(endpoint === "rollback"
      ? [{ name: "rollback without a view", endpoint, renamed: { compatibility_view: false } }]
      : []),
    { name: `${endpoint} of indexes`, endpoint, renamed: { rename_indexes: true } },
    { name: `${endpoint} of counted use`, endpoint, renamed: { count_use: true } },
    { name: `${endpoint} without history`, endpoint, options: { record_history: "never" } },
    {
      name: `${endpoint} of what is built on the view`,
      endpoint,
      renamed: { rename_indexes: true },
      meanwhile: BUILT_ON_VIEW,
    },
    {
      name: `${endpoint} with privileges carried`,
      endpoint,
      options: { carry_privileges: true },
      meanwhile: "revoke select on t from anon",
    },
  ]),
  { name: "finalize after quiet days", endpoint: "finalize", options: { quiet_for_days: 1 } },
  {
    name: "refresh in place",
    endpoint: "refresh",
    meanwhile: "alter table t_new add column more int default 7",
  },
  {
    name: "refresh without columns",
    endpoint: "refresh",
    options: { without_columns: ["name"] },
  },
  {
    name: "refresh of what is built on the view",
    endpoint: "refresh",
    options: { without_columns: ["extra"], record_history: "never" },
    meanwhile: BUILT_ON_VIEW.replace(/;\s*create function[^;]*$/, ""),
  },
  {
    name: "refresh with privileges carried",
    endpoint: "refresh",
    options: { carry_privileges: true },
    meanwhile: "revoke select on t from anon",
  },
  {
    name: "refresh of a view with counted use",
    endpoint: "refresh",
    renamed: { count_use: true },
    meanwhile: "alter table t_new add column more int default 7",
  },
];

const HISTORY = `create schema if not exists supabase_migrations;
  create table if not exists supabase_migrations.schema_migrations
    (version text primary key, statements text[], name text)`;

databaseTest(
  "every option of a change is carried out at the third attempt",
  async ({ db, test }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(HISTORY).simple();
    for (const [index, one] of CASES.entries()) {
      await test.step(one.name, () => carriedOut(db, functions, one, `case_${index}`));
    }
  },
);

async function carriedOut(db: TestDatabase, functions: Functions, one: Case, table: string) {
  const renamed = `${table}_new`;
  await db.sql.unsafe(`
    create table ${table} (id int primary key, name text default 'x' unique, extra int);
    create index ${table}_extra_idx on ${table} (extra);
    insert into ${table} select n, n::text from generate_series(1, 10) n`).simple();
  const names = { old_name: table, new_name: renamed };
  let body: Record<string, unknown>;
  if (one.proposed) {
    const { batch_id } = await functions.rename({ ...names, mode: "propose", ...one.options });
    body = { batch_id };
  } else if (one.endpoint === "rename") body = { ...names, ...one.options };
  else {
    const { migrations: [{ id }] } = await functions.rename({ ...names, ...one.renamed });
    body = { migration_id: id, ...one.options };
    if (one.meanwhile !== undefined) {
      await db.sql.unsafe(one.meanwhile.replaceAll(/\bt(?=\b|_)/g, table)).simple();
    }
  }
  const answer = await whileHeld(
    db,
    one.endpoint === "rename" ? table : renamed,
    (enough) =>
      streamed(functions, one.endpoint, {
        acknowledge: ["not_quiet_long_enough", "old_name_in_use", "reads_as_owner"],
        ...body,
        lock_timeout_ms: 5,
      }, enough),
  );
  assertGreater(answer.lock!.attempts, ATTEMPTS - 1);
  assert(answer.verification!.passed, JSON.stringify(answer.verification));
  const [{ left }] = await db.sql`
    select count(*)::int as left from pg_stat_activity
    where datname = current_database() and application_name = 'table-rename'
      and state like 'idle in transaction%'`;
  assertEquals(left, 0);
}

/** Holds a lock on the table, and the view over it if there is one, until `work` says that it is enough. */
async function whileHeld(
  db: TestDatabase,
  table: string,
  work: (enough: () => Promise<void>) => Promise<OperationAnswer>,
): Promise<OperationAnswer> {
  const view = table.replace(/_new$/, "");
  const [{ there }] = await db.sql`select to_regclass(${view}) is not null as there`;
  const holder = await holdInTurns(db, there && view !== table ? [view, table] : table);
  let released: Promise<void> | undefined;
  const release = () => released ??= holder.release();
  try {
    return await work(release);
  } finally {
    await release();
  }
}

/** Asks for an event stream, and says when as many attempts were made as there have to be. */
async function streamed(
  functions: Functions,
  name: string,
  body: unknown,
  enough: () => Promise<void>,
): Promise<OperationAnswer> {
  let plans = 0;
  const response = await functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/event-stream" },
    body: JSON.stringify(body),
  });
  assertEquals(response.status, 200, await (response.ok ? "" : response.text()));
  for await (const { event, data } of eventsOf(response)) {
    if (event === "progress" && data.phase === "preparing") plans++;
    if (event === "progress" && data.phase === "locking" && data.attempt >= ATTEMPTS) {
      await enough();
    }
    if (event === "progress") continue;
    assertEquals(event, "result", JSON.stringify(data));
    assertEquals(plans, 1, "what was made ready before the first attempt serves the others");
    return data;
  }
  throw new Error("the stream ended without a result");
}
