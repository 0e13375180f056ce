/** `pg_dump --schema-only` of a test's database, where the installed client can dump its server. */
import type { TestDatabase } from "../servers/database.ts";

let clients: { program: string; major: number }[] | undefined;
const warned = new Set<number>();

/** The schema as SQL text; null, said loudly once, where no client here can dump the server. */
export async function dumpSchema(db: TestDatabase): Promise<string | null> {
  clients ??= await installedClients();
  const client = clients.find(({ major }) => major >= db.version);
  if (client === undefined) {
    if (!warned.has(db.version)) {
      warned.add(db.version);
      const newest = clients.map(({ major }) => `pg_dump ${major}`).join(", ") || "no pg_dump";
      console.warn(
        `\n*** PostgreSQL ${db.version} IS NOT DUMPED HERE (${newest} installed): its catalog rows ` +
          `and fingerprints are compared instead. ***`,
      );
    }
    return null;
  }
  const { success, stdout, stderr } = await new Deno.Command(client.program, {
    args: ["--schema-only", "--restrict-key=x", `--dbname=${db.adminUrl}`],
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  if (!success) throw new Error(`${client.program} failed: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

/** Newest first: the one in the PATH, and Debian's, which has a folder a version. */
async function installedClients(): Promise<{ program: string; major: number }[]> {
  const programs = [
    "pg_dump",
    ...[15, 16, 17, 18].map((n) => `/usr/lib/postgresql/${n}/bin/pg_dump`),
  ];
  const found = await Promise.all(programs.map(async (program) => {
    try {
      const { stdout } = await new Deno.Command(program, { args: ["--version"] }).output();
      const major = Number(new TextDecoder().decode(stdout).match(/\) (\d+)/)?.[1]);
      return major > 0 ? [{ program, major }] : [];
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }));
  return found.flat().sort((a, b) => b.major - a.major);
}

/** The dump's entries: the header that pg_dump writes above each object, and its statements. */
export function dumpEntries(dump: string): { header: string; text: string }[] {
  return dump.split(/^--\n-- (?=Name: )/m).slice(1).map((entry) => {
    const [header, , ...lines] = entry.split("\n");
    return { header, text: lines.join("\n").trim() };
  });
}
