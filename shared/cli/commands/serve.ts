/** `serve`: the functions on this machine, before a database that can be reached from it. */
import type { Command } from "commander";
import process from "node:process";
import { PROGRAM } from "../command_line.ts";
import { checkedDatabaseUrl } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { messageOf, UnavailableError } from "../exit_codes.ts";
import { addHelp } from "../help.ts";
import { wholeNumber } from "../options.ts";
import { wantedDatabase } from "../project/defaults.ts";

interface ServeOptions {
  dbUrl?: string;
  port: number;
}

const EXAMPLES = `Examples:
  ${PROGRAM} serve --db-url postgresql://…
  ${PROGRAM} serve --db-url postgresql://… --port 8000`;

const ABOUT =
  "Runs the functions on this machine until Ctrl-C, before a database that it can reach. Nothing is deployed. They " +
  "answer on 127.0.0.1 only, to a key that is made for this machine and kept for the next time.";

export function addServe(program: Command, context: CommandContext): void {
  addHelp(program.command("serve").description(ABOUT), EXAMPLES)
    .option("--port <port>", "port on 127.0.0.1; 0: a free one", wholeNumber, 54321)
    .action((options: ServeOptions) => serve(context, options));
}

async function serve(context: CommandContext, { dbUrl, port }: ServeOptions): Promise<void> {
  const { terminal: { out, err, env } } = context;
  const url = dbUrl === undefined ? wantedDatabase(context) : checkedDatabaseUrl(dbUrl);
  const [{ hasTrackingTables, serveFunctions }, { stateFolder }, { watchForShutdown }] =
    await Promise
      .all([
        import("../../local/functions_server.ts"),
        import("../../local/state_folder.ts"),
        import("../../local/shutdown.ts"),
      ]);
  using shutdown = watchForShutdown();
  // They lead elsewhere than to the database that was named.
  if (dbUrl !== undefined) delete process.env.RENAME_DB_URL;
  delete process.env.SUPABASE_URL;
  const functions = await serveFunctions(
    { port, dir: stateFolder(env), portOption: "--port" },
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
Database   ${new URL(url).host}${new URL(url).pathname}
Key        ${functions.secretKey}

In another terminal:
  SUPABASE_URL=${functions.url} ${PROGRAM} list-migrations
`);
    await shutdown.requested;
    out.write("Stopped.");
  } finally {
    await functions.stop();
  }
}
