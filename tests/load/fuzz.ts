/**
 * `npm run fuzz [-- --seed 1 --count 1000]`: random schemas, renamed, built upon and rolled back, on a server of
 * its own. Prints the seed first; a fault is made as small as it gets and printed with it, and the exit code is 1.
 *
 * PG_VERSION     one version of PostgreSQL, or
 * PG_VERSIONS    several, by default `15,17`
 */
import { join } from "node:path";
import type { PostgresVersion } from "../../shared/local/postgres/binaries.ts";
import { watchForShutdown } from "../../shared/local/shutdown.ts";
import { createTestDatabase } from "../support/servers/database.ts";
import { runStories } from "../support/generated/generated_schema_run.ts";
import { prepareTemplates, startTestServer } from "../support/servers/prepare.ts";
import { parseOptions, refuse } from "../support/runner/options.ts";

/** After so many stories comes a new database: what is dropped stays in the catalog until a vacuum. */
const STORIES_A_DATABASE = 500;

const values = parseOptions(import.meta.url, {
  "seed": { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
  "count": { type: "string", default: "1000" },
});
const seed = Number(values.seed);
const count = Number(values.count);
if (!Number.isInteger(seed) || !(Number.isInteger(count) && count > 0)) {
  refuse("--seed and --count are whole numbers");
}
const versions = (Deno.env.get("PG_VERSION") ?? Deno.env.get("PG_VERSIONS") ?? "15,17").split(",");
let failed = false;
for (const version of versions) failed = !await fuzz(Number(version) as PostgresVersion) || failed;
Deno.exit(failed ? 1 : 0);

async function fuzz(version: PostgresVersion): Promise<boolean> {
  using shutdown = watchForShutdown();
  const folder = await Deno.makeTempDir({ prefix: "rename-fuzz-" });
  if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o711);
  const server = await startTestServer(version, join(folder, "postgres"));
  void shutdown.requested.then(async () => {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
    Deno.exit(1);
  });
  try {
    console.log(`PostgreSQL ${version}, seed ${seed}, ${count} schemas`);
    const description = await prepareTemplates(server);
    for (let first = 0; first < count; first += STORIES_A_DATABASE) {
      const db = await createTestDatabase(description);
      try {
        await runStories(db, {
          // A database's stories can be run again by themselves.
          seed: seed + first,
          count: Math.min(STORIES_A_DATABASE, count - first),
          progress: (done) => (first + done) % 100 === 0 && console.log(`  ${first + done}`),
        });
      } finally {
        await db.close();
      }
    }
    console.log("  no fault");
    return true;
  } catch (error) {
    console.error((error as Error).message);
    return false;
  } finally {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
  }
}
