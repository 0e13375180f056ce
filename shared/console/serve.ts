/** `npm run serve`: the local stack until Ctrl-C. */
import postgres from "postgres";
import { type Console, createConsole } from "./server/console.ts";
import { printLinks } from "./server/links.ts";
import { readSettings } from "../local/settings.ts";
import { watchForShutdown } from "../local/shutdown.ts";
import { type Stack, startStack } from "../local/stack.ts";

const EXAMPLE = new URL("../local/sql/example.sql", import.meta.url);

const HELP = `npm run serve

Serves the Edge Functions at http://127.0.0.1:PORT/functions/v1/NAME until Ctrl-C, with an embedded
PostgreSQL that is set up like a Supabase project, or with the database that you name. The page at
http://127.0.0.1:PORT/ shows its tables and renames; open it by the link that is printed.

Environment:
  PORT                  port of the functions (54321; 0: a free one)
  SUPABASE_DB_URL       use this database and start none; npm run migrate prepares it
  RENAME_DB_URL         with it, the login that the functions use there (that of SUPABASE_DB_URL)
  PG_VERSION            version of the embedded database: 15, 17 or 18 (17)
  PG_PORT               its port (54322; 0: a free one)
  LOCAL_DIR             where its data and the keys are kept (.local)
  READ_ONLY             1: the page can show everything, and change nothing
  LOG_LEVEL             what the functions log: debug, info, warn, error or silent (warn)
  SUPABASE_SECRET_KEYS  {"default":"sb_secret_…"}; a key is made and kept if it is not set`;

async function main(): Promise<number> {
  if (Deno.args.some((argument) => argument === "--help" || argument === "-h")) {
    console.log(HELP);
    return 0;
  }
  // The lines of requests would push the page's link off the screen.
  if (!Deno.env.get("LOG_LEVEL")) Deno.env.set("LOG_LEVEL", "warn");
  using shutdown = watchForShutdown();
  let stack: Stack | undefined;
  try {
    const settings = readSettings(Deno.env.get);
    let page: Console | undefined;
    stack = await startStack(
      settings,
      (message) => console.error(message),
      ({ url, port, secretKey: key }) => {
        page = createConsole({
          url,
          port,
          key,
          readOnly: settings.readOnly === true,
          actor: "console",
          ...(settings.databaseUrl && { project: withoutLogin(settings.databaseUrl) }),
        });
        return page.fetch;
      },
    );
    if (stack.server) await makeExampleTable(stack.databaseUrl);
    if (!shutdown.pending) {
      console.log(describe(stack));
      printLinks(page!, console.log);
      console.log(describeEnd(stack, settings.dir));
    }
    console.log(`stopping: ${await shutdown.requested}`);
    return 0;
  } catch (error) {
    // Ctrl-C also ends the programs that a start runs, which then fails.
    if (shutdown.pending) return 0;
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await stack?.stop();
  }
}

/** Makes public.experts to try things on, unless the name is taken or something was renamed before. */
async function makeExampleTable(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  try {
    await sql.unsafe(await Deno.readTextFile(EXAMPLE)).simple();
  } finally {
    await sql.end({ timeout: 5 });
  }
}

function describe(stack: Stack): string {
  const database = stack.server ? stack.databaseUrl : withoutPassword(stack.databaseUrl);
  return `Functions  ${stack.url}/functions/v1/
Database   ${database}
Key        ${stack.secretKey}

For the commands, in another terminal:
  export SUPABASE_URL=${stack.url} SUPABASE_SECRET_KEY=${stack.secretKey}

  curl ${stack.url}/functions/v1/list-migrations -H "apikey: ${stack.secretKey}"
`;
}

function withoutLogin(databaseUrl: string): string {
  const { host, pathname } = new URL(databaseUrl);
  return `${host}${pathname}`;
}

const describeEnd = ({ server }: Stack, dir: string): string =>
  server === undefined
    ? "           Ctrl-C stops it"
    : `           Ctrl-C stops it; the data stays in ${dir}`;

function withoutPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.password = "";
  return url.href;
}

Deno.exit(await main());
