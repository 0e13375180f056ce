/** The database server is stopped as a crash does, at any moment of a change. */
import { ToAndFro } from "../support/servers/broken_connections.ts";
import { withFragileServer } from "../support/servers/fragile_server.ts";
import { functionsFor } from "../support/http/functions.ts";
import { quietly } from "../support/quietly.ts";
import { attackByKillingSessions, lookOnceBack } from "./kills.ts";
import type { Report } from "./report.ts";

const MOMENTS_MS = 250;

/** Stops the server, and kills sessions; both on a server of its own. */
export async function attackByCrashes(
  version: number,
  report: Report,
  { stops, kills }: { stops: number; kills: number },
): Promise<void> {
  await withFragileServer(version, {}, async ({ db, crash }) => {
    const functions = functionsFor(db.url);
    try {
      const operations = await ToAndFro.prepare(db, functions);
      for (let stop = 1; stop <= stops; stop++) {
        await report.trying(
          "immediate stops of the server",
          `stop ${stop}`,
          () =>
            quietly(async () => {
              const answered = operations.attempt().catch((error) => error);
              await new Promise((resolve) => setTimeout(resolve, Math.random() * MOMENTS_MS));
              await crash();
              await answered;
              await functions[Symbol.asyncDispose]();
              await lookOnceBack(operations);
            }),
        );
        if (stop % 10 === 0) report.say(`  ${stop} of ${stops} stops`);
      }
      if (stops > 0) {
        await report.trying(
          "a change after the stops",
          "next",
          () => operations.secondTry(operations.next),
        );
      }
      if (kills > 0) await attackByKillingSessions(db.admin, functions, operations, report, kills);
    } finally {
      await functions[Symbol.asyncDispose]();
    }
  });
}
