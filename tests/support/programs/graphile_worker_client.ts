/** A running graphile-worker: two of them with four workers each, producers, named queues, job keys, and cron. */
import { Logger, run, type Runner, type TaskList } from "graphile-worker";
import type postgres from "postgres";
import { JobCounts, produce, type RunningClient, untilTrue } from "./running_client.ts";

const PRODUCE_EVERY_MS = 10;

const ON_PURPOSE = "fails on purpose";

/** Cron works by the minute; so that it has something to do, it is made to believe it slept for so many. */
const MISSED_MINUTES = 3;

/**
 * Starts graphile-worker on its schema in the database at `url`.
 *
 * @param sql The application's own connection, for what it does with jobs by SQL.
 */
export async function startGraphileWorker(
  url: string,
  sql: postgres.Sql,
): Promise<RunningClient> {
  const errors: string[] = [];
  const jobs = new JobCounts();
  /** Jobs that fail the first time, and are run again some seconds later. */
  const flaky = new JobCounts();
  const ticks = new Map<string, number>();
  const logger = new Logger(() => (level, message) => {
    if ((level === "error" || level === "warning") && !message.includes(ON_PURPOSE)) {
      errors.push(message);
    }
  });
  const taskList: TaskList = {
    count: (payload) => jobs.ran((payload as { n: number }).n),
    fail_once: (payload, { job }) => {
      if (job.attempts === 1) throw new Error(ON_PURPOSE);
      flaky.ran((payload as { n: number }).n);
    },
    tick: (payload) => {
      const { phase, _cron: { ts } } = payload as { phase: number; _cron: { ts: string } };
      const key = `${phase} ${ts}`;
      ticks.set(key, (ticks.get(key) ?? 0) + 1);
    },
  };
  const start = (crontab: string, concurrency: number): Promise<Runner> =>
    run({
      connectionString: url,
      concurrency,
      maxPoolSize: concurrency + 2,
      noHandleSignals: true,
      pollInterval: 200,
      taskList,
      crontab,
      logger,
    });
  // One after the other: the first makes the schema.
  const runners = [await start("* * * * * tick ?id=first {phase:0}", 4)];
  runners.push(await start("* * * * * tick ?id=first {phase:0}", 4));
  const [runner] = runners;
  const producer = produce(async () => {
    const n = ++jobs.added;
    if (n % 40 === 0) await runner.addJob("fail_once", { n: ++flaky.added });
    const options = n % 3 === 0
      ? { queueName: `queue ${n % 2}` }
      : n % 5 === 0
      ? { jobKey: `key ${n}`, jobKeyMode: "unsafe_dedupe" as const }
      : {};
    await runner.addJob("count", { n }, options).catch((error) => {
      jobs.refused.add(n);
      errors.push(`add_job: ${error.message}`);
    });
  }, PRODUCE_EVERY_MS);

  let phase = 0;
  /** Starts a worker whose schedule has missed some minutes, which it makes good for. */
  const catchUp = async () => {
    phase++;
    await sql`
      insert into graphile_worker._private_known_crontabs (identifier, known_since, last_execution)
      select 'slept', since, since
      from (select date_trunc('minute', now()) - interval '1 minute' * ${MISSED_MINUTES} as since) s
      on conflict (identifier) do update set last_execution = excluded.last_execution`;
    const late = await start(`* * * * * tick ?id=slept&fill=10m {phase:${phase}}`, 1);
    const ticked = () => [...ticks.keys()].filter((key) => key.startsWith(`${phase} `)).length;
    await untilTrue("cron catches up", () => ticked() >= MISSED_MINUTES - 1);
    await late.stop();
  };
  /** What an application does with jobs by SQL. */
  const manage = async () => {
    await sql`select graphile_worker.add_job('count', '{}', run_at => now() + interval '1 day', job_key => 'later')`;
    await sql`select graphile_worker.reschedule_jobs(array(
      select id from graphile_worker._private_jobs where key = 'later'), priority => 1)`;
    await sql`select graphile_worker.remove_job('later')`;
    await sql`select graphile_worker.force_unlock_workers('{nobody}')`;
  };
  let ended = false;
  const end = async () => {
    if (ended) return;
    ended = true;
    await producer.stop();
    await Promise.all(runners.map((one) => one.stop()));
  };
  const client: RunningClient = {
    errors,
    async progress(thorough) {
      const upTo = jobs.added + 10;
      await Promise.all([
        thorough && catchUp(),
        thorough && manage(),
        untilTrue("jobs run", () => jobs.added >= upTo && jobs.allRan(upTo)),
      ]);
    },
    async stop() {
      await producer.stop();
      await untilTrue("the last jobs", () => [jobs, flaky].every((all) => all.allRan(all.added)))
        .catch(() => {});
      await end();
      const left = await sql<{ what: string }[]>`
        select concat_ws(' ', task_id, payload, attempts, last_error) as what
        from graphile_worker._private_jobs where payload ->> 'n' is not null`;
      const doubled = [...ticks].filter(([, times]) => times > 1);
      return [
        ...jobs.faults("job"),
        ...flaky.faults("flaky job"),
        ...left.map(({ what }) => `left behind: ${what}`),
        ...doubled.map(([tick, times]) => `tick ${tick} ran ${times} times`),
      ];
    },
    [Symbol.asyncDispose]: end,
  };
  return client;
}
