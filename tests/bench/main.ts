/**
 * `npm run bench [-- --only NAME,…] [--quick] [--pg 17]`: measures every number that the design promises, side by side
 * in one run, and prints goals, figures and spreads. It takes about ten minutes, on a machine that does nothing else.
 * A run of everything also writes them to tests/bench/results/.
 *
 * --only     blocking-window, batches, reader-convoy, facts-and-plan, query-through-view, list-migrations, health,
 *            campaign, module-load
 * --quick    repeats less, and writes nothing
 * --pg       15, 17 or 18
 */
import { POSTGRES_VERSIONS, type PostgresVersion } from "../../shared/local/postgres/binaries.ts";
import { startPostgres } from "../../shared/local/postgres/server.ts";
import { watchForShutdown } from "../../shared/local/shutdown.ts";
import { prepareTemplates } from "../support/servers/prepare.ts";
import { batches } from "./batches.ts";
import { makeBench, type Measured, type Measurement } from "./bench.ts";
import { blockingWindow } from "./blocking_window.ts";
import { campaign } from "./campaign.ts";
import { factsAndPlan } from "./facts_and_plan.ts";
import { health } from "./health.ts";
import { listPages } from "./list_migrations.ts";
import { moduleLoad } from "./module_load.ts";
import { queryThroughView } from "./query_through_view.ts";
import { readerConvoy } from "./reader_convoy.ts";
import { printRows, writeResults } from "./report.ts";
import { parseOptions, refuse } from "../support/runner/options.ts";
import { withMaintenance } from "../support/servers/servers.ts";
import type postgres from "postgres";

const MEASUREMENTS: Measurement[] = [
  blockingWindow,
  batches,
  readerConvoy,
  factsAndPlan,
  queryThroughView,
  listPages,
  health,
  campaign,
  moduleLoad,
];

/** What the WAL segments take that `writeSegments` leaves; a measurement writes less. */
const SEGMENTS_MB = 2_048;

/**
 * The server is durable, and small as that of the smallest hosted project. What runs by itself and would
 * come at one competitor's cost, checkpoints and autovacuum, is kept out; the measurements vacuum themselves.
 */
const SETTINGS = {
  max_connections: "60",
  max_locks_per_transaction: "64",
  autovacuum_naptime: "1h",
  checkpoint_timeout: "1h",
  max_wal_size: "8GB",
  min_wal_size: `${SEGMENTS_MB}MB`,
  // Lets the measurements know when a rename was committed.
  track_commit_timestamp: "on",
};

/**
 * Leaves WAL segments to write over, as a server in use has them. A new one is filled with zeros while those wait who
 * need it: 40 to 130 ms, at whoever's cost.
 */
async function writeSegments(sql: postgres.Sql): Promise<void> {
  for (let megabytes = 0; megabytes < SEGMENTS_MB; megabytes += 16) {
    await sql`select pg_logical_emit_message(false, '', ''), pg_switch_wal()`;
  }
  await sql`checkpoint`;
}

const values = parseOptions(import.meta.url, {
  only: { type: "string" },
  quick: { type: "boolean", default: false },
  pg: { type: "string", default: "17" },
});
const version = Number(values.pg) as PostgresVersion;
if (!POSTGRES_VERSIONS.includes(version)) {
  refuse(`--pg can be ${POSTGRES_VERSIONS.join(", ")}, not ${values.pg}`);
}
const chosen = values.only === undefined ? MEASUREMENTS : values.only.split(",").map((name) => {
  const found = MEASUREMENTS.find((measurement) => measurement.name === name);
  if (found) return found;
  return refuse(`--only can name ${MEASUREMENTS.map((one) => one.name).join(", ")}, not ${name}`);
});

using shutdown = watchForShutdown();
const dir = await Deno.makeTempDir({ prefix: "rename-bench-" });
if (Deno.build.os !== "windows") await Deno.chmod(dir, 0o711);
const server = await startPostgres({ version, dir: `${dir}/postgres`, settings: SETTINGS });
let code = 1;
try {
  const prepared = await prepareTemplates(server);
  await withMaintenance(prepared, writeSegments);
  const bench = makeBench(prepared, values.quick);
  const results: { title: string; measured: Measured }[] = [];
  const measuring = (async () => {
    for (const { title, run } of chosen) {
      console.error(title);
      const measured = await run(bench);
      results.push({ title, measured });
      printRows(title, measured);
    }
  })();
  const stopped = await Promise.race([measuring, shutdown.requested]);
  if (stopped === undefined) {
    const complete = values.only === undefined && !values.quick;
    if (complete) await writeResults(results, bench);
    const goals = results.flatMap(({ measured }) =>
      measured.rows.flatMap(({ met }) => met === null ? [] : [met])
    );
    console.log(`\n${goals.filter((met) => met).length} of ${goals.length} goals met`);
    code = 0;
  }
} catch (error) {
  console.error(error);
} finally {
  await server.stop("immediate");
  await Deno.remove(dir, { recursive: true });
}
Deno.exit(code);
