/** `npm start`: demonstrates a whole rename on an embedded PostgreSQL, which is deleted afterwards. */
import pc from "picocolors";
import { type Stack, startStack } from "../local/stack.ts";
import { watchForShutdown } from "../local/shutdown.ts";
import { runStory } from "./story.ts";

const HELP = `npm start

Starts an embedded PostgreSQL that is set up like a Supabase project, installs a real schema of about
thirty tables, renames them all over HTTP while an application goes on using the old names, rolls the
rename back, and says whether everything is exactly as before. Nothing is left behind.

Environment:
  PG_VERSION   version of the embedded database: 15, 17 or 18 (17)`;

async function main(): Promise<number> {
  if (Deno.args.some((argument) => argument === "--help" || argument === "-h")) {
    console.log(HELP);
    return 0;
  }
  using shutdown = watchForShutdown();
  const dir = await Deno.makeTempDir({ prefix: "table-rename-demo-" });
  // The database server's own user has to pass through it.
  if (Deno.build.os !== "windows") await Deno.chmod(dir, 0o711);
  let stack: Stack | undefined;
  try {
    const version = Number(Deno.env.get("PG_VERSION") || 17) as 15 | 17 | 18;
    console.log(pc.dim(`Starting PostgreSQL ${version} and the functions …`));
    for (const name of ["SUPABASE_SECRET_KEYS", "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_URL"]) {
      Deno.env.delete(name);
    }
    // Log lines of requests would come between the lines of the demonstration.
    if (!Deno.env.get("LOG_LEVEL")) Deno.env.set("LOG_LEVEL", "error");
    stack = await startStack({ port: 0, postgresPort: 0, postgresVersion: version, dir });
    const story = runStory(stack, version);
    const failures = await Promise.race([story, shutdown.requested.then(() => null)]);
    if (failures === null) return 130;
    if (failures.length === 0) {
      console.log(pc.green(pc.bold("\nEverything is as it should be.")));
      return 0;
    }
    console.log(pc.red(pc.bold(`\n${failures.length} things are not as they should be:`)));
    for (const failure of failures) console.log(pc.red(`  ✗ ${failure}`));
    return 1;
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    await stack?.stop();
    await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
}

Deno.exit(await main());
