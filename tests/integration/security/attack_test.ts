/** A short form of `npm run attack`: the same attacks, a few of each. */
import { assertEquals, assertGreater } from "@std/assert";
import { attackByBodies } from "../../attack/bodies.ts";
import { attackByKillingProcesses } from "../../attack/kills.ts";
import { attackByRaces } from "../../attack/races.ts";
import { Report } from "../../attack/report.ts";
import { attackBySettings, ROLE_SETTINGS } from "../../attack/role_settings.ts";
import { attackByCrashes } from "../../attack/stops.ts";
import { type TestServer, testServers } from "../../support/servers/servers.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const server = testServers().at(-1)!;

function attackTest(
  name: string,
  counted: string[],
  attack: (server: TestServer, report: Report) => Promise<void>,
): void {
  slowTest(`[pg${server.version}] ${name}`, async () => {
    const report = new Report();
    await attack(server, report);
    assertEquals(report.failures, [], report.describe());
    for (const what of counted) assertGreater(report.count(what), 0, what);
  });
}

attackTest(
  "settings of the functions' login change no result",
  ["settings of the role, each through a whole cycle"],
  (server, report) =>
    attackBySettings(server, report, ROLE_SETTINGS.filter((_, index) => index % 12 === 0)),
);

attackTest(
  "racing callers meet no 5xx, and what is recorded is what there is",
  ["answers to racing callers", "changes that were made", "invariants after the races"],
  // Other tests run beside: how long answers take is measured by `npm run attack`, on a quiet machine.
  (server, report) => attackByRaces(server, report, { callers: 10, seconds: 6, slackMs: 60_000 }),
);

attackTest(
  "strangers' bodies are refused in time, and keep no memory",
  ["bodies and methods of strangers"],
  attackByBodies,
);

attackTest(
  "a function that is killed at any moment leaves nothing half done",
  ["SIGKILLs of the function's process"],
  (server, report) => attackByKillingProcesses(server, report, 2),
);

attackTest(
  "a server that is stopped or crashes at any moment leaves nothing half done",
  ["immediate stops of the server", "SIGKILLs of the function's database sessions"],
  ({ version }, report) => attackByCrashes(version, report, { stops: 2, kills: 2 }),
);
