/**
 * graphile-worker and pg-boss, running with their own code while the tables they stand on are renamed under them.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { startGraphileWorker } from "../../support/programs/graphile_worker_client.ts";
import { startPgBoss } from "../../support/programs/pg_boss_client.ts";
import type { RunningClient } from "../../support/programs/running_client.ts";
import { until } from "../../support/waiting.ts";

/** What the findings must call breaking: pg-boss makes tables that refer to these when a queue is made. */
const BREAKING = ["pgboss.job", "pgboss.queue"];

/**
 * What functions of graphile-worker name in their texts: it cannot be finalized. That a running client uses the
 * others, too, is in no text of the database.
 */
const NAMED = ["_private_job_queues", "_private_jobs", "_private_tasks"]
  .map((name) => `graphile_worker.${name}`);

interface Table {
  schema: string;
  name: string;
}

async function tablesOf(db: TestDatabase, schema: string): Promise<Table[]> {
  return await db.sql<Table[]>`
    select ${schema}::text as schema, relname as name from pg_class
    where relnamespace = to_regnamespace(${schema}) and relkind in ('r', 'p') order by relname`;
}

const renameOf = ({ schema, name }: Table) => ({
  schema,
  old_name: name,
  new_name: `renamed_${name}`.slice(0, 63),
});

const spelled = ({ schema, name }: Table) => `${schema}.${name}`;

const isBreaking = ({ severity }: Finding) => severity === "breaking";

/** Those of the tables that the findings call safe, and the others. */
async function judged(functions: Functions, tables: Table[]) {
  const safe: Table[] = [];
  const breaking: Table[] = [];
  for (const table of tables) {
    const { findings } = await functions.rename({ ...renameOf(table), mode: "plan" });
    (findings.some(isBreaking) ? breaking : safe).push(table);
  }
  return { safe, breaking };
}

databaseTest(
  "running job queues live through renames of every table that the findings call safe",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using worker = await startGraphileWorker(db.url, db.sql);
    await using boss = await startPgBoss(db.url, db.sql);
    const clients: RunningClient[] = [worker, boss];
    const goOn = async (what: string, thorough = false) => {
      await Promise.all(clients.map((client) => client.progress(thorough)));
      assertEquals([...worker.errors, ...boss.errors], [], what);
    };
    await goOn("before any rename", true);

    const { safe: ofWorker, breaking } = await judged(
      functions,
      await tablesOf(db, "graphile_worker"),
    );
    assertEquals(breaking, []);
    const ofBoss = await judged(functions, await tablesOf(db, "pgboss"));
    assertEquals(ofBoss.breaking.map(spelled), BREAKING);
    // Of the partitions, which are alike, one.
    const partitions = ofBoss.safe.filter(({ name }) => /^j[0-9a-f]{56}$/.test(name));
    const safe = ofBoss.safe.filter((table) => !partitions.slice(1).includes(table));
    assertGreater(ofWorker.length + safe.length, 9);

    // A table of each at a time, so that the one's minute of budget is the other's, too.
    let refused = 0;
    const rounds = Math.max(ofWorker.length, safe.length);
    for (let n = 0; n < rounds; n++) {
      const tables = [ofWorker[n], safe[n]].filter((table) => table !== undefined);
      const names = tables.map(spelled).join(" and ");
      const rename = () => Promise.all(tables.map((table) => functions.rename(renameOf(table))));
      const rollback = (answers: Awaited<ReturnType<typeof rename>>) =>
        Promise.all(answers.map(({ batch_id }) => functions.rollback({ batch_id: batch_id! })));
      const renamed = await rename();
      await goOn(`${names} renamed`, true);
      await rollback(renamed);
      await goOn(`${names} rolled back`);
      const again = await rename();
      await goOn(`${names} renamed again`);
      for (const [place, { batch_id }] of again.entries()) {
        if (!NAMED.includes(spelled(tables[place]))) continue;
        await functions.refused("old_name_in_use", "finalize", { batch_id });
        refused++;
      }
      await goOn(`${names} not finalized`);
      await rollback(again);
    }
    assertEquals(refused, NAMED.length);
    await goOn("in the end");
    assertEquals(await worker.stop(), []);
    assertEquals(await boss.stop(), []);
    assertEquals([...worker.errors, ...boss.errors], []);
  },
);

databaseTest(
  "a running pg-boss fails at what the findings call breaking, and at nothing else",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using client = await startPgBoss(db.url, db.sql);
    const { boss } = client;
    const tables = await tablesOf(db, "pgboss");
    const codes = (findings: Finding[]) => findings.map(({ code }) => code);
    for (const table of tables.filter((table) => BREAKING.includes(spelled(table)))) {
      const problem = await functions.refused("breaking_findings", "rename", renameOf(table));
      const { findings } = problem as unknown as { findings: Finding[] };
      assert(
        findings.filter(isBreaking).every(({ message, object }) =>
          `${object} ${message}`.includes("create_queue")
        ),
        JSON.stringify(findings),
      );
      const renamed = await functions.rename({ ...renameOf(table), acknowledge: codes(findings) });
      const failed = await boss.createQueue(`made while ${table.name} is renamed`).then(
        () => null,
        (error) => error.code,
      );
      assertEquals(failed, "42809", spelled(table));
      // Jobs and schedules go on all the same.
      client.errors.splice(0);
      await client.progress(true);
      assertEquals(client.errors, []);
      await functions.refused("old_name_in_use", "finalize", { batch_id: renamed.batch_id });
      await functions.rollback({ batch_id: renamed.batch_id! });
      await boss.createQueue(`made after ${table.name} was`);
      await client.progress(false);
      assertEquals(client.errors, []);
    }
    assertEquals(await client.stop(), []);
  },
);

databaseTest(
  "what a client sends by itself is seen once it has been sent, and not before",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using client = await startPgBoss(db.url, db.sql);
    const { boss } = client;
    const archive = renameOf({ schema: "pgboss", name: "archive" });
    // pg-boss can empty its archive with TRUNCATE, which no text in the database says.
    const before = await functions.rename({ ...archive, mode: "plan" });
    assertEquals(before.findings.filter(isBreaking), []);
    const renamed = await functions.rename(archive);
    const failed = await boss.clearStorage().then(() => null, (error) => error.code);
    assertEquals(failed, "42809");
    await functions.rollback({ batch_id: renamed.batch_id! });

    // The server drops rare statements when others fill its list, so that it can take more than one go.
    await until("the truncation is recorded", async () => {
      await boss.clearStorage();
      const { findings } = await functions.rename({ ...archive, mode: "plan" });
      return findings.some((finding) => finding.code === "truncate" && isBreaking(finding));
    });
  },
);

databaseTest(
  "a table that a client knows by a row of its own is not seen: a renamed partition of pg-boss cannot be dropped",
  { versions: [17] },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using client = await startPgBoss(db.url, db.sql);
    const { boss } = client;
    await boss.createQueue("short-lived");
    const [{ name }] = await db.sql`
      select partition_name as name from pgboss.queue where name = 'short-lived'`;
    const renamed = await functions.rename(renameOf({ schema: "pgboss", name }));
    assertEquals(renamed.findings.filter(isBreaking), []);
    const failed = await boss.deleteQueue("short-lived").then(() => null, (error) => error.code);
    assertEquals(failed, "42809");
    await functions.rollback({ batch_id: renamed.batch_id! });
    await boss.deleteQueue("short-lived");
  },
);
