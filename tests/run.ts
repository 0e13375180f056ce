/**
 * `npm test [-- [paths…] [--unit] [--filter text] [options of deno test]]`: starts the PostgreSQL servers that
 * the chosen tests need, runs the tests, stops the servers. The last line of the output says
 * `N passed, N failed`, counted from the runner's JUnit report. The exit code is 0 only if tests ran, none
 * failed, and no secret is in the output. Types are checked by `npm run check`, not here.
 *
 * Of the slow tests (`support/runner/slow_tests.json`) the whole run does a twelfth, which one the commit decides; a run of some
 * paths, or with a filter, does all of them.
 *
 * `npm run test:full` (`--full`) samples nothing: PG_VERSIONS=15,17,18, TEST_FULL=1, TEST_SLOW=all.
 *
 * PG_VERSIONS    versions to test on, by default `15,17`; TEST_PG_18=1 adds 18
 * TEST_FULL      1: every test of the database on every version, and the whole of what is done in part otherwise.
 *                Without it a test runs on one version, which its name decides, unless it says that it has to
 *                run on each
 * TEST_SLOW      which of the slow tests are run: `all`, or a part such as `3/12`
 * TEST_ROLE      a role that the functions connect as instead of postgres; it is made a member of postgres
 * DENO_JOBS      test files that run at the same time, by default 3
 * TMPDIR         where the servers' files are; by default in memory where there is room
 * TEST_REPORT    where to keep the JUnit report
 */
import { statfs } from "node:fs/promises";
import { freemem } from "node:os";
import { basename, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { POSTGRES_VERSIONS, type PostgresVersion } from "../shared/local/postgres/binaries.ts";
import type { PostgresServer } from "../shared/local/postgres/server.ts";
import { type ShutdownWatch, watchForShutdown } from "../shared/local/shutdown.ts";
import { killCommand, startWatchdog } from "../shared/local/postgres/watchdog.ts";
import { grouped, withoutGroups } from "./support/runner/groups.ts";
import { countTests, describeCounts, type TestCounts } from "./support/runner/junit.ts";
import { prepareTemplates, startTestServer } from "./support/servers/prepare.ts";
import { slowPartAt } from "./support/runner/sampled.ts";
import { SecretWatch, watched } from "./support/http/secret_watch.ts";
import { variableOf } from "./support/servers/servers.ts";
import { helpIfAsked } from "./support/runner/options.ts";

helpIfAsked(import.meta.url);

const ROOT = new URL("../", import.meta.url);
const UNIT_FOLDER = "tests/unit";
const DATABASE_FOLDER = "tests/integration";
const FOLDERS = [
  UNIT_FOLDER,
  DATABASE_FOLDER,
  "tests/browser",
  "tests/acceptance",
  "tests/types",
];

/** Folders whose files are loaded in so many groups. */
const GROUPS: Record<string, number> = { [UNIT_FOLDER]: 6, [DATABASE_FOLDER]: 12 };

const LIST_TESTS = "tests/support/runner/list_tests.ts";

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

/** There is nothing to run, which is a failure. */
class NoTests extends Error {}

/** What `--full` sets. */
const FULL = {
  PG_VERSIONS: "15,17,18",
  TEST_FULL: "1",
  TEST_SLOW: "all",
};

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
    if (!shutdown.pending) console.error(error instanceof NoTests ? error.message : error);
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
  const { unitOnly, paths, filter, options } = readArguments(Deno.args);
  const folders = paths.length ? paths : await existing(unitOnly ? [UNIT_FOLDER] : FOLDERS);
  if (folders.length === 0) throw new NoTests("There are no tests.");
  const whole = paths.length === 0 && filter === null;
  const chosen = filter === null ? folders : await filesWith(filter, await testFiles(folders));
  const needsServers = !unitOnly && chosen.some((path) => !isUnit(path));
  const slow = Deno.env.get("TEST_SLOW") ?? (whole ? slowPartAt(await commit()) : "all");
  if (needsServers) console.log(whatRuns(slow));

  // The servers' own user has to pass through; each server's folder is closed to others.
  if (Deno.build.os !== "windows") await Deno.chmod(temporary, 0o711);
  const servers: PostgresServer[] = [];
  try {
    const env = needsServers ? await startServers(temporary, servers) : {};
    if (shutdown.pending) throw new Error("stopped before the tests began");
    const report = Deno.env.get("TEST_REPORT") || join(temporary, "report.xml");
    // What the tests leave in temporary folders goes with this one.
    const folders = { TMPDIR: temporary, TMP: temporary, TEMP: temporary };
    const files = whole ? await inGroups(chosen, temporary) : chosen;
    const args = [...options, ...files];
    const watches = [0, 1].map(() => new SecretWatch(servers.map(({ password }) => password)));
    const success = await runTests(
      args,
      report,
      { ...folders, ...env, TEST_SLOW: slow },
      shutdown,
      watches,
    );
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
  let filter: string | null = null;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index];
    if (argument === "--unit") unitOnly = true;
    else if (argument === "--full") setFull();
    else if (!argument.startsWith("-")) paths.push(argument);
    else {
      options.push(argument);
      if (OPTIONS_WITH_VALUE.has(argument)) options.push(args[++index] ?? "");
      if (argument.startsWith("--filter")) filter = options.at(-1)!.replace(/^--filter=/, "");
    }
  }
  return { unitOnly, paths, filter, options };
}

function setFull(): void {
  for (const [name, value] of Object.entries(FULL)) Deno.env.set(name, value);
}

function isUnit(path: string): boolean {
  const root = fileURLToPath(ROOT);
  return relative(root, resolve(root, path)).startsWith(UNIT_FOLDER);
}

/** The test files in the folders, or the files themselves. */
async function testFiles(paths: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const path of paths) {
    const url = new URL(path, ROOT);
    if ((await Deno.stat(url)).isFile) {
      found.push(path);
      continue;
    }
    const entries = await Array.fromAsync(Deno.readDir(url));
    const inside = entries
      .filter(({ name, isDirectory }) => isDirectory || name.endsWith("_test.ts"))
      .map(({ name }) => `${path.replace(/\/$/, "")}/${name}`);
    found.push(...await testFiles(inside));
  }
  return found.sort();
}

/**
 * The files that have a test which the filter lets through: only they are loaded, and only they decide whether
 * a server has to be started.
 *
 * @throws {Error} No test has such a name.
 */
async function filesWith(filter: string, files: string[]): Promise<string[]> {
  const none = JSON.stringify({ version: 0, port: 0, password: "" });
  const { success, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", LIST_TESTS, ...files],
    cwd: ROOT,
    // A test of the database is named after its server, which need not run for that.
    env: Object.fromEntries(
      wantedVersions().map((version) => [
        variableOf(version),
        none.replace("0", String(version)),
      ]),
    ),
    stderr: "inherit",
  }).output();
  if (!success) throw new Error("the test files could not be loaded");
  const lines = new TextDecoder().decode(stdout).trimEnd().split("\n");
  const names = JSON.parse(lines.at(-1)!) as Record<string, string[]>;
  const pattern = /^\/(.*)\/$/.exec(filter);
  const matches = (name: string) =>
    pattern ? new RegExp(pattern[1]).test(name) : name.includes(filter);
  const found = files.filter((file) => names[file].some(matches));
  if (found.length === 0) throw new NoTests(`No test has ${filter} in its name.`);
  return found;
}

/** What this run does and what it leaves out, in one line. */
function whatRuns(slow: string): string {
  const full = Object.entries(FULL).every(([name, value]) => Deno.env.get(name) === value);
  if (full) {
    return `PostgreSQL ${wantedVersions().join(", ")}; every test on each, nothing is sampled.`;
  }
  const slowTests = slow === "all"
    ? "all slow tests"
    : `of the slow tests part ${slow} (TEST_SLOW)`;
  return `PostgreSQL ${
    wantedVersions().join(", ")
  }; most tests run on one of them each, ${slowTests}; cuts, hostile ` +
    "input, random schemas and the corpus are sampled; npm run test:full runs all.";
}

/** The commit that is tested; empty where there is no Git. */
async function commit(): Promise<string> {
  const git = new Deno.Command("git", { args: ["rev-parse", "HEAD"], cwd: ROOT, stderr: "null" });
  return await git.output().then(({ stdout }) => new TextDecoder().decode(stdout).trim(), () => "");
}

/** The folders, but of some of them modules that import many of their files each. */
async function inGroups(folders: string[], dir: string): Promise<string[]> {
  const inside = folders.map(async (folder) => {
    const count = GROUPS[folder];
    if (count === undefined) return [folder];
    const files = (await testFiles([folder])).map((file) => fileURLToPath(new URL(file, ROOT)));
    return await grouped(files, { name: basename(folder), count, dir });
  });
  return (await Promise.all(inside)).flat();
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
    args: ["test", "-A", "--no-check", "--parallel", `--junit-path=${report}`, ...args],
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
    watched(withoutGroups(child.stdout), Deno.stdout, ofOutput),
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
