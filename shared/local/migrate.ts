/**
 * `npm run migrate`: applies supabase/migrations to the database SUPABASE_DB_URL with the Supabase
 * CLI. Migrations that the database has already are left alone.
 */
import { fileURLToPath } from "node:url";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
const CLI = fileURLToPath(new URL("../../node_modules/supabase/dist/supabase.js", import.meta.url));

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"]);

/**
 * Applies the migrations to the database at `databaseUrl` and returns what the CLI said.
 *
 * @param databaseUrl `postgresql://…`; on a loopback host without `sslmode` TLS is not asked for
 * @param workdir the folder with supabase/migrations; default: this repository
 * @throws {Error} not a PostgreSQL URL, no Node.js, or the CLI failed (with its output)
 */
export async function migrate(databaseUrl: string, workdir = REPOSITORY): Promise<string> {
  const { url, password } = withoutPassword(databaseUrl);
  const { success, stdout, stderr } = await new Deno.Command("node", {
    args: [CLI, "db", "push", `--remote=${url}`, "--yes", "--workdir", workdir],
    // Arguments can be read by every user of the machine, the environment cannot.
    env: { PGPASSWORD: password, DO_NOT_TRACK: "1", NO_UPDATE_NOTIFIER: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output().catch((cause) => {
    throw new Error("the Supabase CLI needs Node.js, and node could not be run", { cause });
  });
  const decoder = new TextDecoder();
  const output = [decoder.decode(stderr), decoder.decode(stdout)].join("").trim();
  if (!success) throw new Error(`supabase db push failed:\n${output}`);
  return output;
}

function withoutPassword(databaseUrl: string): { url: string; password: string } {
  const url = URL.canParse(databaseUrl) ? new URL(databaseUrl) : undefined;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol)) {
    throw new Error("SUPABASE_DB_URL is not a postgresql:// URL");
  }
  const password = decodeURIComponent(url.password);
  url.password = "";
  if (LOOPBACK.has(url.hostname) && !url.searchParams.has("sslmode")) {
    url.searchParams.set("sslmode", "disable");
  }
  return { url: url.href, password };
}

if (import.meta.main) {
  const databaseUrl = Deno.env.get("SUPABASE_DB_URL");
  try {
    if (!databaseUrl) {
      throw new Error(
        "SUPABASE_DB_URL is not set. Say which database to migrate, for example\n" +
          "  SUPABASE_DB_URL='postgresql://postgres:PASSWORD@db.PROJECT.supabase.co:5432/postgres' " +
          "npm run migrate\n" +
          "(npm run serve without SUPABASE_DB_URL migrates its own database by itself)",
      );
    }
    console.log(await migrate(databaseUrl));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    Deno.exit(1);
  }
}
