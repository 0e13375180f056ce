/** `console`: the page of a project with deployed functions. */
import type { Command } from "commander";
import { createRenameClient } from "../../client/client.ts";
import { PROGRAM } from "../arguments/command_line.ts";
import { isLocal, readConnection } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { messageOf, UnavailableError, UsageError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { optionIn } from "../arguments/command_line.ts";
import { wholeNumber } from "../arguments/options.ts";
import { phasesNow } from "./status.ts";

export interface PageOptions {
  host: string;
  port: number;
  actor?: string;
  readOnly?: true;
}

const EXAMPLES = `Examples:
  ${PROGRAM} console
  ${PROGRAM} console --read-only
  SUPABASE_URL=https://abcd.supabase.co ${PROGRAM} console`;

const ABOUT =
  "Shows the renames of a project with deployed functions as a page, until Ctrl-C: tables, plans, progress, use of old " +
  "names, the whole campaign. The page is opened by the link that is printed. It is served on this machine; the " +
  "secret key stays in this process.";

/** Port of the page when nothing else is asked for. */
const PORT = 54380;

export function addConsole(program: Command, context: CommandContext): void {
  addPageOptions(addHelp(program.command("console").description(ABOUT), EXAMPLES), PORT)
    .action((options: PageOptions) => serveConsole(context, options));
}

/** @param port Default of `--port`. */
export const addPageOptions = (command: Command, port: number): Command =>
  command
    .option("--port <port>", "port to listen on; 0: a free one", wholeNumber, port)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--read-only", "the page can show everything, and change nothing")
    .option("--actor <name>", "who makes the page's changes; recorded after the key's name");

async function serveConsole(context: CommandContext, options: PageOptions): Promise<void> {
  const { terminal: { out, env }, project, args } = context;
  if (optionIn(args, "--db-url").length > 0) {
    throw new UsageError(
      `console shows a project with deployed functions. For a database, use ${PROGRAM} serve --db-url …, which ` +
        "shows the same page",
    );
  }
  const connection = await readConnection(env, project);
  const [{ listen }, { findFreePort }, { watchForShutdown }, page] = await Promise.all([
    import("../../local/functions/http_server.ts"),
    import("../../local/port.ts"),
    import("../../local/shutdown.ts"),
    import("../../console/server/console.ts"),
  ]);
  using shutdown = watchForShutdown();
  const port = options.port || await findFreePort();
  const served = page.createConsole(pageFor(context, options, { ...connection, port }));
  const server = await listen({ hostname: options.host, port }, served.fetch).catch((cause) => {
    throw new UnavailableError(`${messageOf(cause)}; choose another with --port=…`, { cause });
  });
  try {
    out.write(`Project    ${connection.url}`);
    await announce(context, options, served);
    await shutdown.requested;
    out.write("Stopped.");
  } finally {
    await server.close();
  }
}

/** Prints the page's link, and a warning where others can open it. */
export async function announce(
  { terminal: { out, err } }: CommandContext,
  { host, readOnly }: PageOptions,
  page: { newLink(): string },
): Promise<void> {
  const [{ printLinks }, { inUrl }] = await Promise.all([
    import("../../console/server/links.ts"),
    import("../../local/functions/http_server.ts"),
  ]);
  printLinks(page, out.write);
  if (readOnly) out.write("           read only: it changes nothing");
  if (!isLocal(inUrl(host))) {
    err.write(
      `Warning: the page listens on ${host}, without encryption. Whoever reaches it and sees the link, or the ` +
        "traffic, can use it. Prefer 127.0.0.1 and a tunnel (ssh -L).",
    );
  }
}

/** What the page's server needs to know. */
export function pageFor(
  context: CommandContext,
  { host, readOnly, actor }: PageOptions,
  { url, key, port, shown }: { url: string; key: string; port: number; shown?: string },
) {
  const client = createRenameClient({ url, key, actor });
  return {
    url,
    key,
    port,
    hostname: host,
    readOnly: readOnly === true,
    actor: actor ?? "console",
    ...(shown !== undefined && { project: shown }),
    ...(context.project?.settings.phases !== undefined && {
      campaign: () => phasesNow(context, client),
    }),
  };
}
