/**
 * `npm test [-- [paths…] [--unit] [--filter text] [options of deno test]]`: starts the PostgreSQL
 * servers that the tests need, runs the tests, stops the servers. The last line of the output says
 * `N passed, N failed`, counted from the runner's JUnit report; the exit code is 0 only if tests
 * ran, none failed, and no secret is in the output.
 *
 * PG_VERSIONS    versions to test on, by default `15,17`; TEST_PG_18=1 adds 18
 * EVERY_VERSION  1: every test of the database on every version, where of some, of which there are many
 *                alike, each is run on one of them
 * CUTS, CORPUS   full: all that is sampled otherwise
 * TEST_ROLE      a role that the functions connect as instead of postgres; it is made a member of postgres
 * DENO_JOBS      test files that run at the same time, by default 3
 * TMPDIR         where the servers' files are; by default in memory where there is room
 * TEST_REPORT    where to keep the JUnit report
 */
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { join } from "node:path";
import { POSTGRES_VERSIONS, type PostgresVersion } from "../shared/local/postgres_binaries.ts";
import type { PostgresServer } from "../shared/local/postgres_server.ts";
import { type ShutdownWatch, watchForShutdown } from "../shared/local/shutdown.ts";
import { killCommand, startWatchdog } from "../shared/local/watchdog.ts";
import { countTests, describeCounts, type TestCounts } from "./support/junit.ts";
import { prepareTemplates, startTestServer } from "./support/prepare.ts";
import { SecretWatch, watched } from "./support/secret_watch.ts";
import { variableOf } from "./support/servers.ts";

const ROOT = new URL("../", import.meta.url);
const UNIT_FOLDER = "tests/unit";
const FOLDERS = [UNIT_FOLDER, "tests/integration", "tests/acceptance", "tests/types"];

const MEMORY_FOLDER = "/dev/shm";

/** What the servers' files may need at most, with what the tests themselves need of memory, in bytes. */
const ROOM_BYTES = 8 * 2 ** 30;

/** How long stacks that tests have started may take to stop with them, in milliseconds. */
const STACKS_STOP_MS = 3_000;

/** How long what was written last is waited for once the tests have ended, in milliseconds. */
const OUTPUT_END_MS = 2_000;

const delay = (ms: number) => new Promise((resolve) => Deno.unrefTimer(setTimeout(resolve, ms)));

/** Options of deno test whose value is the next argument. */
const OPTIONS_WITH_VALUE = new Set(["--filter", "--ignore", "--location", "--seed"]);

if (import.meta.main) {
  using shutdown = watchForShutdown();
  const temporary = await Deno.makeTempDir({ prefix: "rename-tests-", dir: await roomInMemory() });
  let succeeded = false;
  let summary = describeCounts({ passed: 0, failed: 1, skipped: 0 });
  try {
    const counts = await run(temporary, shutdown);
    summary = describeCounts(counts);
    succeeded = counts.failed === 0 && counts.passed > 0;
  } catch (error) {
    if (!shutdown.pending) console.error(error);
  } finally {
    // Stacks of interrupted tests notice in a moment, and need their files to stop.
    if (shutdown.pending) await new Promise((resolve) => setTimeout(resolve, STACKS_STOP_MS));
    await Deno.remove(temporary, { recursive: true }).catch(() => {});
  }
  console.log(summary);
  Deno.exit(succeeded ? 0 : 1);
}

/**
 * Linux's folder in memory, if there is room: to make and drop a database, hundreds of files, costs a fraction
 * there. Not where TMPDIR says otherwise.
 */
async function roomInMemory(): Promise<string | undefined> {
  if (Deno.build.os !== "linux" || Deno.env.get("TMPDIR")) return undefined;
  try {
    const { bavail, bsize } = await statfs(MEMORY_FOLDER);
    return Math.min(bavail * bsize, freemem()) >= ROOM_BYTES ? MEMORY_FOLDER : undefined;
  } catch {
    return undefined;
  }
}

async function run(temporary: string, shutdown: ShutdownWatch): Promise<TestCounts> {
  const { unitOnly, paths, options } = readArguments(Deno.args);
  const chosen = paths.length ? paths : await existing(unitOnly ? [UNIT_FOLDER] : FOLDERS);
  if (chosen.length === 0) throw new Error("there are no tests");

  // The servers' own user has to pass through; each server's folder is closed to others.
  if (Deno.build.os !== "windows") await Deno.chmod(temporary, 0o711);
  const servers: PostgresServer[] = [];
  try {
    const env = unitOnly ? {} : await startServers(temporary, servers);
    if (shutdown.pending) throw new Error("stopped before the tests began");
    const report = Deno.env.get("TEST_REPORT") || join(temporary, "report.xml");
    // What the tests leave in temporary folders goes with this one.
    const folders = { TMPDIR: temporary, TMP: temporary, TEMP: temporary };
    const args = [...options, ...chosen];
    const watches = [0, 1].map(() => new SecretWatch(servers.map(({ password }) => password)));
    const success = await runTests(args, report, { ...folders, ...env }, shutdown, watches);
    if (shutdown.pending) throw new Error("stopped before the tests ended");
    const found = watches.flatMap(({ found }) => found);
    if (found.length > 0) console.error(`Secrets are in the output: ${found.join("; ")}`);
    const counts = countTests(await Deno.readTextFile(report));
    counts.failed += found.length;
    // A file that does not load, or an error outside of any test, is in no test case.
    return success || counts.failed ? counts : { ...counts, failed: 1 };
  } finally {
    await Promise.all(servers.map(async (server) => {
      await server.stop("immediate");
      await Deno.remove(server.dir, { recursive: true });
    }));
  }
}

function readArguments(args: string[]) {
  const options: string[] = [];
  const paths: string[] = [];
  let unitOnly = false;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    if (argument === "--unit") unitOnly = true;
    else if (!argument.startsWith("-")) paths.push(argument);
    else {
      options.push(argument);
      if (OPTIONS_WITH_VALUE.has(argument)) options.push(args[++index] ?? "");
    }
  }
  return { unitOnly, paths, options };
}

async function existing(folders: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const folder of folders) {
    const files = await Array.fromAsync(Deno.readDir(new URL(folder, ROOT))).catch(() => []);
    if (files.length) found.push(folder);
  }
  return found;
}

function wantedVersions(): PostgresVersion[] {
  const wanted = (Deno.env.get("PG_VERSIONS") ?? "15,17").split(",").map(Number);
  if (Deno.env.get("TEST_PG_18") === "1") wanted.push(18);
  const unknown = wanted.filter((version) => !POSTGRES_VERSIONS.includes(version as 15));
  if (unknown.length) {
    throw new Error(`PG_VERSIONS can name ${POSTGRES_VERSIONS.join(", ")}, not ${unknown}`);
  }
  return [...new Set(wanted)] as PostgresVersion[];
}

/** Adds each server to `servers` as soon as it runs, so that all are stopped whatever happens. */
async function startServers(
  temporary: string,
  servers: PostgresServer[],
): Promise<Record<string, string>> {
  const env: Record<string, string> = {};
  const started = wantedVersions().map(async (version) => {
    const server = await startTestServer(version, join(temporary, `postgres-${version}`));
    servers.push(server);
    env[variableOf(version)] = JSON.stringify(await prepareTemplates(server));
  });
  const failed = (await Promise.allSettled(started)).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
  return env;
}

async function runTests(
  args: string[],
  report: string,
  env: Record<string, string>,
  shutdown: ShutdownWatch,
  [ofOutput, ofErrors]: SecretWatch[],
): Promise<boolean> {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["test", "-A", "--parallel", `--junit-path=${report}`, ...args],
    cwd: ROOT,
    env: {
      DENO_JOBS: Deno.env.get("DENO_JOBS") ?? "3",
      TEST_PG_18: "",
      LOG_LEVEL: "error",
      // It sees no terminal behind the pipe.
      ...(Deno.stdout.isTerminal() && !Deno.noColor ? { FORCE_COLOR: "1" } : {}),
      ...env,
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const passed = [
    watched(child.stdout, Deno.stdout, ofOutput),
    watched(child.stderr, Deno.stderr, ofErrors),
  ];
  const watchdog = startWatchdog(killCommand(child.pid));
  const stopped = shutdown.requested.then((reason) => {
    console.error(`stopped: ${reason}`);
    child.kill("SIGTERM");
  }).catch(() => {});
  const { success } = await child.status;
  // Whatever a test has left running may keep the streams open.
  await Promise.race([Promise.all(passed), delay(OUTPUT_END_MS)]);
  if (shutdown.pending) await stopped;
  await watchdog.dismiss();
  return success;
}
