/**
 * `npm run soak [-- --seconds 180] [--lock-timeout 200] [--pgbouncer]`: a dozen clients use tables by
 * their old and new names while the tables are renamed and rolled back without a pause. Prints what
 * the clients met; exits 1 if any of them met an error.
 *
 * PG_VERSION     one version of PostgreSQL, or
 * PG_VERSIONS    several, by default `15,17`
 */
import { join } from "node:path";
import type { PostgresVersion } from "../../shared/local/postgres/binaries.ts";
import { watchForShutdown } from "../../shared/local/shutdown.ts";
import { findPgbouncer } from "../support/servers/pgbouncer.ts";
import { prepareTemplates, startTestServer } from "../support/servers/prepare.ts";
import { describe, summarize } from "./report.ts";
import { runSoak } from "./run_soak.ts";
import { parseOptions } from "../support/runner/options.ts";

const values = parseOptions(import.meta.url, {
  "seconds": { type: "string", default: "180" },
  "lock-timeout": { type: "string", default: "200" },
  "pgbouncer": { type: "boolean", default: false },
});
const seconds = Number(values.seconds);
const lockTimeoutMs = Number(values["lock-timeout"]);
const versions = (Deno.env.get("PG_VERSION") ?? Deno.env.get("PG_VERSIONS") ?? "15,17").split(",");
const live = Deno.stdout.isTerminal();

if (values.pgbouncer && findPgbouncer() === undefined) {
  console.error("pgbouncer is not installed: apt-get install pgbouncer");
  Deno.exit(1);
}
let errors = 0;
for (const version of versions) errors += await soak(Number(version) as PostgresVersion);
Deno.exit(errors > 0 ? 1 : 0);

async function soak(version: PostgresVersion): Promise<number> {
  using shutdown = watchForShutdown();
  const folder = await Deno.makeTempDir({ prefix: "rename-soak-" });
  if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o711);
  const server = await startTestServer(version, join(folder, "postgres"));
  void shutdown.requested.then(async () => {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
    Deno.exit(1);
  });
  try {
    const description = await prepareTemplates(server);
    const through = values.pgbouncer ? " through pgbouncer" : "";
    console.log(`PostgreSQL ${version}${through}, ${seconds} s`);
    const result = await runSoak(description, {
      seconds,
      lockTimeoutMs,
      pgbouncer: values.pgbouncer,
      progress: showProgress,
    });
    if (live) console.log();
    console.log(`${describe(result, lockTimeoutMs)}\n`);
    return summarize(result).errors;
  } finally {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
  }
}

/** One line that is written over on a terminal; elsewhere a line every half minute. */
function showProgress(errors: number, operations: number, elapsedMs: number): void {
  const elapsed = Math.round(elapsedMs / 1_000);
  const text = `${elapsed} of ${seconds} s, ${operations} operations, ${errors} errors`;
  if (live) Deno.stdout.writeSync(new TextEncoder().encode(`\r  ${text} `));
  else if (elapsed % 30 === 0) console.log(`  ${text}`);
}
