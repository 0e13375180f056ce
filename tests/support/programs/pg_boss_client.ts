/** A running pg-boss: queues with workers, a schedule, a subscription, its own maintenance, and producers. */
import PgBoss from "pg-boss";
import type postgres from "postgres";
import { JobCounts, produce, type RunningClient, untilTrue } from "./running_client.ts";
import { until } from "../waiting.ts";

const PRODUCE_EVERY_MS = 15;
const QUEUE = "orders";
const BATCHED = "mails";
const FLAKY = "payments";
const CRON = "reports";

/** Starts pg-boss on its schema in the database at `url`; its queues are made with it. */
export async function startPgBoss(
  url: string,
  sql: postgres.Sql,
): Promise<RunningClient & { boss: PgBoss }> {
  const errors: string[] = [];
  const jobs = new JobCounts();
  /** Jobs that fail the first time, and are tried again. */
  const flaky = new JobCounts();
  const boss = new PgBoss({
    connectionString: url,
    max: 6,
    schedule: true,
    cronMonitorIntervalSeconds: 1,
    cronWorkerIntervalSeconds: 1,
    maintenanceIntervalSeconds: 1,
    monitorStateIntervalSeconds: 1,
    archiveCompletedAfterSeconds: 60,
  });
  boss.on("error", (error) => errors.push(error.message));
  const statements = countStatements(boss, errors);
  await boss.start();
  for (const name of [QUEUE, BATCHED, FLAKY, CRON]) await boss.createQueue(name);

  const ran = (handled: PgBoss.Job<unknown>[]) => {
    for (const { data } of handled) jobs.ran((data as { n: number }).n);
    return Promise.resolve();
  };
  const workers = await Promise.all([
    boss.work(QUEUE, { pollingIntervalSeconds: 0.5, batchSize: 5 }, ran),
    boss.work(QUEUE, { pollingIntervalSeconds: 0.5, batchSize: 5 }, ran),
    boss.work(BATCHED, { pollingIntervalSeconds: 0.5, batchSize: 50 }, ran),
    boss.work(FLAKY, { pollingIntervalSeconds: 0.5, includeMetadata: true }, ([job]) => {
      if (job.retryCount === 0) return Promise.reject(new Error("on purpose"));
      return Promise.resolve(flaky.ran((job.data as { n: number }).n));
    }),
  ]);
  let reports = 0;
  await boss.work(CRON, { pollingIntervalSeconds: 0.5 }, () => Promise.resolve(void reports++));
  await boss.schedule(CRON, "* * * * *", {});
  await boss.subscribe("ordered", BATCHED);

  const producer = produce(async () => {
    const n = ++jobs.added;
    try {
      if (n % 20 === 0) await boss.send(FLAKY, { n: ++flaky.added }, { retryLimit: 1 });
      if (n % 4 === 0) await boss.publish("ordered", { n });
      else if (n % 3 === 0) await boss.insert([{ name: BATCHED, data: { n } }]);
      else await boss.send(QUEUE, { n }, { retryLimit: 3, priority: n % 2 });
    } catch (error) {
      jobs.refused.add(n);
      errors.push(`send: ${(error as Error).message}`);
    }
    workers.forEach((worker) => boss.notifyWorker(worker));
  }, PRODUCE_EVERY_MS);

  /** What an application does with queues and jobs. */
  const manage = async () => {
    const id = await boss.send(CRON, {}, { startAfter: 3_600 });
    await boss.cancel(CRON, id!);
    await boss.resume(CRON, id!);
    await boss.deleteJob(CRON, id!);
    await boss.getJobById(CRON, id!, { includeArchive: true });
    await boss.getQueues();
    await boss.getQueueSize(QUEUE);
    await boss.updateQueue(QUEUE, { name: QUEUE, retryLimit: 4 });
    await boss.schedule(CRON, "* * * * *", {});
    await boss.subscribe("nothing", QUEUE);
    await boss.unsubscribe("nothing", QUEUE);
    // A queue that is there already.
    await boss.createQueue(QUEUE);
    // Old enough for the archive, to which its maintenance moves them.
    await sql`update pgboss.job set completed_on = completed_on - interval '1 day'
      where name = ${BATCHED} and state = 'completed'`;
    await boss.maintain();
  };
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await producer.stop();
    await boss.stop({ graceful: true, timeout: 5_000 });
  };
  const client: RunningClient & { boss: PgBoss } = {
    boss,
    errors,
    async progress(thorough) {
      const upTo = jobs.added + 10;
      const looked = statements.cron();
      await Promise.all([
        thorough && manage(),
        untilTrue("jobs run", () => jobs.added >= upTo && jobs.allRan(upTo)),
        thorough && untilTrue("the schedule", () => statements.cron() > looked),
      ]);
    },
    async stop() {
      await producer.stop();
      await untilTrue("the last jobs", () => [jobs, flaky].every((all) => all.allRan(all.added)))
        .catch(() => {});
      // Jobs are marked as done a moment after they were.
      const unfinished = () =>
        sql<{ what: string }[]>`
          select concat_ws(' ', name, state, data, output) as what from pgboss.job
          where name in (${QUEUE}, ${BATCHED}, ${FLAKY}) and state <> 'completed'`;
      await until("the last marks", async () => (await unfinished()).length === 0)
        .catch(() => {});
      const left = await unfinished();
      const again = await sql<{ what: string }[]>`
        select concat_ws(' ', name, data, retry_count) as what
        from (select name, data, retry_count from pgboss.job
          union all select name, data, retry_count from pgboss.archive) j
        where retry_count > case name when ${FLAKY} then 1 else 0 end`;
      await end();
      return [
        ...jobs.faults("job"),
        ...flaky.faults("flaky job"),
        ...left.map(({ what }) => `left behind: ${what}`),
        ...again.map(({ what }) => `tried again: ${what}`),
        ...(reports === 0 ? ["the schedule never ran"] : []),
      ];
    },
    [Symbol.asyncDispose]: end,
  };
  return client;
}

/** Watches the statements that pg-boss sends: it keeps silent about some that fail. */
function countStatements(boss: PgBoss, errors: string[]) {
  const db = (boss as unknown as { getDb(): PgBoss.Db }).getDb();
  const executeSql = db.executeSql.bind(db);
  let cron = 0;
  db.executeSql = async (text, values) => {
    try {
      const result = await executeSql(text, values);
      if (/FROM \S*schedule/.test(text)) cron++;
      return result;
    } catch (error) {
      errors.push(`${(error as Error).message}: ${text.trim().slice(0, 80)}`);
      throw error;
    }
  };
  return { cron: () => cron };
}
