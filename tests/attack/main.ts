/**
 * `npm run attack [-- --short] [--only planted,settings,races,kills,stops,bodies] [--seconds 120] [--callers 50]`:
 * attacks the running product, and looks after each attack whether everything is as it must be. Prints what was
 * counted; exits 1 if anything did not hold.
 *
 * --short        a tenth of everything, about two minutes a version
 * --kills 50     SIGKILLs, half of the function's process, half of its database sessions
 * --stops 30     immediate stops of the server
 * --slack 5000   what an answer may take beside its limits, in milliseconds
 * PG_VERSIONS    by default `15,17`
 */
import { join } from "node:path";
import type { PostgresVersion } from "../../shared/local/postgres/binaries.ts";
import { watchForShutdown } from "../../shared/local/shutdown.ts";
import { prepareTemplates, startTestServer } from "../support/servers/prepare.ts";
import { attackByBodies } from "./bodies.ts";
import { attackByKillingProcesses } from "./kills.ts";
import { attackByPlantedObjects } from "./planted.ts";
import { attackByRaces } from "./races.ts";
import { Report } from "./report.ts";
import { attackBySettings, ROLE_SETTINGS } from "./role_settings.ts";
import { attackByCrashes } from "./stops.ts";
import { parseOptions, refuse } from "../support/runner/options.ts";

const PARTS = ["planted", "settings", "races", "kills", "stops", "bodies"];

const values = parseOptions(import.meta.url, {
  short: { type: "boolean", default: false },
  only: { type: "string", default: PARTS.join(",") },
  seconds: { type: "string" },
  callers: { type: "string", default: "50" },
  kills: { type: "string" },
  stops: { type: "string" },
  slack: { type: "string", default: "5000" },
});
const { short } = values;
const only = values.only.split(",");
const unknown = only.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) {
  refuse(`--only names ${PARTS.join(", ")}, not ${unknown.join(", ")}`);
}
const seconds = Number(values.seconds ?? (short ? 12 : 120));
const kills = Number(values.kills ?? (short ? 6 : 50));
const stops = Number(values.stops ?? (short ? 3 : 30));
const versions = (Deno.env.get("PG_VERSIONS") ?? "15,17").split(",").map(Number);

const report = new Report((line) => console.log(line));
const started = performance.now();
using shutdown = watchForShutdown();
for (const version of versions) await attack(version as PostgresVersion);
if (only.includes("planted")) {
  console.log("Planted objects");
  await attackByPlantedObjects(versions, report);
}
console.log(`\nIn ${Math.round((performance.now() - started) / 1_000)} s:\n${report.describe()}`);
Deno.exit(report.failures.length > 0 ? 1 : 0);

async function attack(version: PostgresVersion): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "rename-attack-" });
  // The servers' own user passes through.
  if (Deno.build.os !== "windows") await Deno.chmod(folder, 0o711);
  const server = await startTestServer(version, join(folder, "postgres"));
  void shutdown.requested.then(async () => {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
    Deno.exit(1);
  });
  const part = async (name: string, title: string, work: () => Promise<void>) => {
    if (!only.includes(name)) return;
    console.log(`PostgreSQL ${version}: ${title}`);
    try {
      await work();
    } catch (error) {
      report.failed(name, error);
    }
  };
  try {
    const running = await prepareTemplates(server);
    const settings = short ? ROLE_SETTINGS.filter((_, index) => index % 10 === 0) : ROLE_SETTINGS;
    await part(
      "settings",
      `${settings.length} settings of the role`,
      () => attackBySettings(running, report, settings),
    );
    await part(
      "races",
      `${values.callers} callers for ${seconds} s`,
      () =>
        attackByRaces(running, report, {
          callers: Number(values.callers),
          seconds,
          slackMs: Number(values.slack),
        }),
    );
    await part("bodies", "slow, endless and broken bodies", () => attackByBodies(running, report));
    await part(
      "kills",
      `${Math.ceil(kills / 2)} SIGKILLs of the function's process`,
      () => attackByKillingProcesses(running, report, Math.ceil(kills / 2)),
    );
    await part(
      "stops",
      `${stops} immediate stops of the server`,
      () => attackByCrashes(version, report, { stops, kills: 0 }),
    );
    await part(
      "kills",
      `${Math.floor(kills / 2)} SIGKILLs of its database sessions`,
      () => attackByCrashes(version, report, { stops: 0, kills: Math.floor(kills / 2) }),
    );
  } finally {
    await server.stop("immediate");
    await Deno.remove(folder, { recursive: true });
  }
}
