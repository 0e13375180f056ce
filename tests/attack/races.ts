/** Many callers of one function process at once: no 5xx, and no answer later than its limits. */
import { MAX_QUEUE_MS } from "../../shared/postgres/connection/database.ts";
import { createTestDatabase, type TestDatabase } from "../support/servers/database.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/programs/gateway_process.ts";
import { SECRET_KEY } from "../support/http/functions.ts";
import type { TestServer } from "../support/servers/servers.ts";
import type { Report } from "./report.ts";

export interface RacesOptions {
  callers: number;
  seconds: number;
  /** What an answer may take beside its limits: the work itself, on a machine with all these callers. */
  slackMs: number;
}

const TABLES = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];

/** The longest that a change waits for its first turn, whatever its max_wait_ms. */
const LEAST_TURN_MS = 2_000;

/** The longest that what only reads waits for its turn; it waits for no client's locks here. */
const READ_MS = MAX_QUEUE_MS;

const random = (below: number) => Math.floor(Math.random() * below);
const one = <T>(values: T[]): T => values[random(values.length)];
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A request, and how long its answer may take. */
interface Asked {
  name: string;
  query?: string;
  body?: Record<string, unknown>;
  limitMs: number;
}

function somethingToAsk(): Asked {
  const table = one(TABLES);
  const locks = { lock_timeout_ms: one([5, 50, 200]), max_wait_ms: one([0, 0, 200, 1_000, 3_000]) };
  const limitMs = Math.max(LEAST_TURN_MS, locks.max_wait_ms) + locks.lock_timeout_ms;
  const names = { old_name: table, new_name: `${table}_new` };
  const options = { rename_indexes: random(2) === 0, count_use: random(4) === 0 };
  const kind = random(12);
  if (kind < 4) return { name: "rename", body: { ...names, ...locks, ...options }, limitMs };
  if (kind < 8) {
    return { name: "rollback", body: { table, ...locks, carry_privileges: true }, limitMs };
  }
  if (kind === 8) return { name: "rename", body: { ...names, mode: "plan" }, limitMs: READ_MS };
  if (kind === 9) return { name: "analyze", query: `?table=${table}`, limitMs: READ_MS };
  const include = random(2) === 0 ? "?include=drift,usage&status=active" : "";
  return { name: "list-migrations", query: include, limitMs: READ_MS };
}

/** Lets callers loose, with clients that keep tables locked beside them. */
export async function attackByRaces(
  server: TestServer,
  report: Report,
  { callers, seconds, slackMs }: RacesOptions,
): Promise<void> {
  const db = await createTestDatabase(server);
  // Warnings say in which phases a refused request has spent its time.
  await using gateway = await startGatewayProcess(db.url, { LOG_LEVEL: "warn" });
  try {
    for (const table of TABLES) {
      await db.sql.unsafe(`create table ${table} (id int primary key, name text);
        create index ${table}_name_idx on ${table} (name)`).simple();
    }
    await warmUp(gateway);
    const end = performance.now() + seconds * 1_000;
    const over = () => performance.now() >= end;
    const worst = new Map<string, number>();
    const ticking = setInterval(() => {
      const left = Math.max(0, Math.round((end - performance.now()) / 1_000));
      report.say(`  ${report.count("answers to racing callers")} answers, ${left} s left`);
    }, 10_000);
    try {
      await Promise.all([
        ...Array.from({ length: callers }, () => caller(gateway, report, over, slackMs, worst)),
        ...[0, 1, 2].map(() => reader(db, over)),
      ]);
    } finally {
      clearInterval(ticking);
    }
    for (const [name, ms] of worst) report.say(`  longest ${name}: ${Math.round(ms)} ms`);
    await report.trying("invariants after the races", "races", () => locateRelations(db));
    if (report.count("changes that were made") === 0) report.failed("races", "nothing was changed");
  } finally {
    await gateway.kill();
    await db.close();
  }
}

/** A process loads modules, and the server reads its catalog, at the first requests: that is no race. */
async function warmUp(gateway: GatewayProcess): Promise<void> {
  const names = { old_name: TABLES[0], new_name: `${TABLES[0]}_new` };
  for (const [name, body] of [["rename", names], ["rollback", { table: TABLES[0] }]] as const) {
    await (await gateway.fetch(name, body)).body?.cancel();
  }
  for (const path of [`analyze?table=${TABLES[0]}`, "list-migrations?include=drift,usage"]) {
    const response = await fetch(`${gateway.url}/functions/v1/${path}`, {
      headers: { apikey: SECRET_KEY },
    });
    await response.body?.cancel();
  }
}

/** What the function has logged of a request that failed. */
function lastError(gateway: GatewayProcess, { headers }: Response): string {
  const id = headers.get("x-request-id") ?? "";
  return gateway.errors().split("\n").filter((line) => line.includes(id)).join(" ");
}

async function caller(
  gateway: GatewayProcess,
  report: Report,
  over: () => boolean,
  slackMs: number,
  worst: Map<string, number>,
): Promise<void> {
  while (!over()) {
    const { name, query = "", body, limitMs } = somethingToAsk();
    const started = performance.now();
    const response = body === undefined
      ? await fetch(`${gateway.url}/functions/v1/${name}${query}`, {
        headers: { apikey: SECRET_KEY },
      })
      : await gateway.fetch(name, body);
    const text = await response.text();
    const took = performance.now() - started;
    worst.set(name, Math.max(worst.get(name) ?? 0, took));
    const what = `${name} ${JSON.stringify(body ?? query)}`;
    if (response.status >= 500) {
      report.failed("a 5xx", `${what}: ${response.status} ${text} ${lastError(gateway, response)}`);
    } else if (took > limitMs + slackMs) {
      report.failed(
        "a late answer",
        `${what}: ${Math.round(took)} ms, at most ${limitMs}: ${response.status} ${
          lastError(gateway, response)
        }`,
      );
    } else report.held("answers to racing callers");
    if (response.ok && body !== undefined && !("mode" in body)) {
      report.held("changes that were made");
    }
  }
}

/** A client that reads a table for a while, by whichever name it has. */
async function reader(db: TestDatabase, over: () => boolean): Promise<void> {
  const client = db.connect({ max: 1, connection: { application_name: "long_reader" } });
  while (!over()) {
    const table = one(TABLES);
    await client.begin(async (tx) => {
      const [{ name }] =
        await tx`select coalesce(to_regclass(${table}), to_regclass(${`${table}_new`}))::text as name`;
      await tx.unsafe(`select from ${name}`);
      await pause(300 + random(4_000));
    }).catch(() => {
      // It has another name by now.
    });
  }
}

/** Every table has one name, and what is recorded is what there is. */
export async function locateRelations(db: TestDatabase): Promise<void> {
  const wrong = await db.sql`
    select m.id, m.old_name, m.status from sys_table_migrations m
    where m.status = 'active' and (
      m.table_oid is distinct from to_regclass(format('%I.%I', m.schema_name, m.new_name))::oid
      or m.view_oid is distinct from to_regclass(format('%I.%I', m.schema_name, m.old_name))::oid)
    union all
    select null, c.relname::text, 'renamed, and not recorded' from pg_class c
    where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and c.relname like '%\\_new'
      and not exists (select from sys_table_migrations m
        where m.status = 'active' and m.table_oid = c.oid)`;
  if (wrong.length > 0) throw new Error(`database and record disagree: ${JSON.stringify(wrong)}`);
  const left = await db.sql`
    select pid, state, query from pg_stat_activity
    where datname = current_database() and application_name = 'table-rename'
      and state like 'idle in transaction%' and state_change < now() - interval '5 s'`;
  if (left.length > 0) throw new Error(`transactions are left open: ${JSON.stringify(left)}`);
}
