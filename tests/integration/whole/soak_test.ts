/** A short form of `npm run soak`: clients of old and new names meet no error while tables are renamed. */
import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { describe, summarize } from "../../load/report.ts";
import { runSoak } from "../../load/run_soak.ts";
import { findPgbouncer } from "../../support/servers/pgbouncer.ts";
import { testServers } from "../../support/servers/servers.ts";
import { needing } from "../../support/runner/not_tested.ts";
import { isChosen } from "../../support/runner/sampled.ts";

const LOCK_TIMEOUT_MS = 200;
const NO_PGBOUNCER = findPgbouncer() === undefined;

function soakTest(name: string, options: { version: number; seconds: number; pgbouncer: boolean }) {
  if (!isChosen(name)) return;
  const server = testServers().find(({ version }) => version === options.version)!;
  const missing = options.pgbouncer && NO_PGBOUNCER && "pgbouncer is not installed";
  Deno.test({
    ...needing(`[pg${options.version}] ${name}`, missing),
    fn: async () => {
      const result = await runSoak(server, { ...options, lockTimeoutMs: LOCK_TIMEOUT_MS });
      const { errors, operations, statements, longestMs } = summarize(result);
      const said = describe(result, LOCK_TIMEOUT_MS);
      assertEquals(errors, 0, said);
      assertGreater(operations, 2, said);
      assertGreater(statements, 500, said);
      // Other tests run beside; the stalls are measured by `npm run soak`, on a quiet machine.
      assertLess(longestMs, 5_000, said);
      for (const client of result.clients) assertGreater(client.statements, 0, client.name);
    },
  });
}

for (const { version } of testServers()) {
  soakTest("no client notices that its tables are renamed and rolled back", {
    version,
    seconds: 8,
    pgbouncer: false,
  });
}
const last = testServers().at(-1)!.version;
soakTest("no client notices it through a pooler in transaction mode", {
  version: last,
  seconds: 5,
  pgbouncer: true,
});
