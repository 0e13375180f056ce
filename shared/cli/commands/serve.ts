/** `serve`: the functions on this machine, for a database that can be reached from it. */
import type { Command } from "commander";
import process from "node:process";
import { PROGRAM } from "../arguments/command_line.ts";
import { checkedDatabaseUrl } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { messageOf, UnavailableError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { wantedDatabase } from "../project/defaults.ts";
import { addPageOptions, announce, pageFor, type PageOptions } from "./console.ts";

interface ServeOptions extends PageOptions {
  dbUrl?: string;
}

const EXAMPLES = `Examples:
  ${PROGRAM} serve --db-url postgresql://…
  ${PROGRAM} serve --db-url postgresql://… --port 8000
  ${PROGRAM} serve --db-url postgresql://… --read-only`;

const ABOUT =
  "Runs the functions on this machine until Ctrl-C, for a database that it can reach, with a page that shows the " +
  "renames. Nothing is deployed. Both are on 127.0.0.1 only. The functions answer to a key that is made for this " +
  "machine and kept for the next time; the page is opened by the link that is printed. Warnings and errors are " +
  "logged; LOG_LEVEL=info logs each request.";

/** That of a local Supabase project's API, so that the other commands find it. */
const PORT = 54321;

export function addServe(program: Command, context: CommandContext): void {
  addPageOptions(addHelp(program.command("serve").description(ABOUT), EXAMPLES), PORT)
    .action((options: ServeOptions) => serve(context, options));
}

async function serve(context: CommandContext, options: ServeOptions): Promise<void> {
  const { terminal: { out, err, env } } = context;
  const { dbUrl, port, host } = options;
  const url = dbUrl === undefined ? wantedDatabase(context) : checkedDatabaseUrl(dbUrl);
  const [{ hasTrackingTables, serveFunctions }, { stateFolder }, { watchForShutdown }, page] =
    await Promise
      .all([
        import("../../local/functions/functions_server.ts"),
        import("../../local/state_folder.ts"),
        import("../../local/shutdown.ts"),
        import("../../console/server/console.ts"),
      ]);
  using shutdown = watchForShutdown();
  // The lines of requests would push the page's link off the screen.
  process.env.LOG_LEVEL ||= "warn";
  // They lead elsewhere than to the database that was named.
  if (dbUrl !== undefined) delete process.env.RENAME_DB_URL;
  delete process.env.SUPABASE_URL;
  const shown = `${new URL(url).host}${new URL(url).pathname}`;
  let served: ReturnType<typeof page.createConsole> | undefined;
  const functions = await serveFunctions(
    {
      port,
      hostname: host,
      dir: stateFolder(env),
      portOption: "--port",
      page({ secretKey, ...at }) {
        served = page.createConsole(pageFor(context, options, { ...at, key: secretKey, shown }));
        return served.fetch;
      },
    },
    async () => {
      if (await hasTrackingTables(url, "that was named")) return url;
      err.write(
        `The database has no tracking tables yet. Make them:\n  ${PROGRAM} migrate --db-url …`,
      );
      return url;
    },
  ).catch((cause) => {
    throw new UnavailableError(messageOf(cause), { cause });
  });
  try {
    out.write(`Functions  ${functions.url}/functions/v1/
Database   ${shown}
Key        ${functions.secretKey}`);
    await announce(context, options, served!);
    out.write(`
In another terminal, for the other commands:
  export SUPABASE_URL=${functions.url} SUPABASE_SECRET_KEY=${functions.secretKey}

Ctrl-C stops it.
`);
    await shutdown.requested;
    out.write("Stopped.");
  } finally {
    await functions.stop();
  }
}
