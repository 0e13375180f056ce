/** SIGKILL for the function's process and for its database sessions, at any moment of a change. */
import { isConnectionLost } from "../../shared/postgres/database_errors.ts";
import { ToAndFro } from "../support/servers/broken_connections.ts";
import { createTestDatabase } from "../support/servers/database.ts";
import { type Functions, functionsFor } from "../support/http/functions.ts";
import { type GatewayProcess, startGatewayProcess } from "../support/programs/gateway_process.ts";
import { quietly } from "../support/quietly.ts";
import type { TestServer } from "../support/servers/servers.ts";
import { functionBackends, until } from "../support/waiting.ts";
import type { Report } from "./report.ts";

/** A change takes about that long; the moment of the kill is anywhere in it, or a little later. */
const MOMENTS_MS = 250;

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Kills the function's process.
 *
 * @param count How often.
 */
export async function attackByKillingProcesses(
  server: TestServer,
  report: Report,
  count: number,
): Promise<void> {
  const db = await createTestDatabase(server);
  const functions = functionsFor(db.url);
  try {
    const operations = await ToAndFro.prepare(db, functions);
    for (let kill = 1; kill <= count; kill++) {
      await report.trying("SIGKILLs of the function's process", `kill ${kill}`, async () => {
        await using gateway = await startGatewayProcess(db.url);
        // So that it is at work at once: the first request of a process loads modules.
        await gateway.post("rename", { old_name: "experts", new_name: "x", mode: "plan" });
        const answer = send(gateway, operations);
        await pause(Math.random() * MOMENTS_MS);
        await gateway.kill();
        await answer;
        // Whatever the server has received it brings to its end.
        await functions[Symbol.asyncDispose]();
        await until(
          "its sessions are gone",
          async () => (await functionBackends(db.sql)).length === 0,
        );
        await operations.look();
      });
      if (kill % 10 === 0) report.say(`  ${kill} of ${count} processes killed`);
    }
    await report.trying("a change after the kills", "next", async () => {
      await operations.secondTry(operations.next);
    });
  } finally {
    await functions[Symbol.asyncDispose]();
    await db.close();
  }
}

async function send(gateway: GatewayProcess, operations: ToAndFro): Promise<void> {
  const [name, body] = operations.renamed
    ? ["rollback", { table: "experts" }] as const
    : ["rename", { old_name: "experts", new_name: "expert_profiles" }] as const;
  await gateway.post(name, body).catch(() => {});
}

/**
 * Kills database sessions of the function: the server takes that for a crash, and starts again. On a server of the
 * attack's own.
 */
export async function attackByKillingSessions(
  admin: Admin,
  functions: Functions,
  operations: ToAndFro,
  report: Report,
  count: number,
): Promise<void> {
  for (let kill = 1; kill <= count; kill++) {
    const what = "SIGKILLs of the function's database sessions";
    await report.trying(what, `kill ${kill}`, () =>
      quietly(async () => {
        const answered = operations.attempt().catch((error) => error);
        const victim = await anySession(admin, Math.random() * MOMENTS_MS);
        if (victim !== null) {
          Deno.kill(victim, "SIGKILL");
          report.held("sessions that were at work when they were killed");
        }
        await answered;
        await functions[Symbol.asyncDispose]();
        await lookOnceBack(operations);
      }));
    if (kill % 10 === 0) report.say(`  ${kill} of ${count} sessions killed`);
  }
  await report.trying(
    "a change after the kills",
    "next",
    () => operations.secondTry(operations.next),
  );
}

type Admin = Awaited<ReturnType<typeof createTestDatabase>>["admin"];

/** A session of the function, after a while; null where there is none any more, or the server notices the kill before only now. */
async function anySession(admin: Admin, afterMs: number): Promise<number | null> {
  await pause(afterMs);
  try {
    const rows = await admin`
      select pid from pg_stat_activity
      where datname = current_database() and application_name = 'table-rename'
      order by (state = 'active') desc, random() limit 1`;
    return rows.length === 0 ? null : rows[0].pid;
  } catch (error) {
    if (isConnectionLost(error)) return null;
    throw error;
  }
}

/**
 * Looks at the database once the server has started again. It may answer for a moment after a session was killed, before
 * it notices.
 */
export async function lookOnceBack(operations: ToAndFro): Promise<void> {
  await until("the server is back", async () => {
    try {
      await operations.look();
      return true;
    } catch (error) {
      if (isConnectionLost(error)) return false;
      throw error;
    }
  }, 30_000);
}
