/** `generate-types`: TypeScript for the database, in which old and new table names compile. */
import type { Command } from "commander";
import { join } from "node:path";
import type { RenameClient } from "../../client/client.ts";
import type { TableAlias } from "../../contract/responses.ts";
import { PROGRAM } from "../arguments/command_line.ts";
import { describeTypes, type FileState } from "../../report/types.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { sameButForLayout, tablesIn } from "../files/database_types.ts";
import { EXIT, UnavailableError, UsageError } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { isDatabaseUrl } from "../../local/database_url.ts";
import { databaseFromEnvironment } from "../connection.ts";
import { callerPath, readIfThere, replaceFiles } from "../files/paths.ts";
import { list } from "../arguments/options.ts";
import { typesFolder } from "../project/defaults.ts";
import { supabaseCli } from "../supabase_cli.ts";

interface GenerateTypesOptions {
  dbUrl?: string;
  schema?: string[];
  out?: string;
  remote?: string;
  existing?: true;
  check?: true;
  json?: true;
}

const ATTEMPTS = 3;

const ABOUT =
  "Writes database.types.ts, from supabase gen types, and table-aliases.ts beside it, in which the old names of " +
  "renamed tables stand for the tables. Import from table-aliases.ts: it has everything that database.types.ts " +
  "has. A file that differs only in its layout is not changed.";

const EXAMPLES = `Examples:
  SUPABASE_DB_URL=postgresql://… npm run types
  npm run types -- --schema public,shop --out src/types
  npm run types -- --existing    # if something else writes database.types.ts
  npm run types -- --check       # in CI: exit code 1 if a file is stale`;

export function addGenerateTypes(program: Command, context: CommandContext): void {
  const command = program.command("generate-types")
    .description(ABOUT)
    .option("--schema <names>", "schemas, several with commas (as supabase gen types)", list)
    .option("--out <dir>", "folder of the two files (supabase/types)")
    .option("--remote <what>", "database URL, project ref or branch (SUPABASE_DB_URL)")
    .option("--existing", "use the existing database.types.ts, and write only table-aliases.ts")
    .option("--check", "write nothing; exit code 1 if a file is stale or missing")
    .option("--json", "print what was done, or the problem document, as JSON");
  addHelp(command, EXAMPLES)
    .action((options: GenerateTypesOptions) => generateTypes(context, options));
}

async function generateTypes(
  context: CommandContext,
  given: GenerateTypesOptions,
): Promise<void> {
  const options = { schema: context.project?.settings.schemas, ...given };
  const { terminal } = context;
  const { check = false } = options;
  const out = options.out === undefined
    ? typesFolder(context)
    : callerPath(options.out, terminal.env);
  const typesPath = join(out, "database.types.ts");
  const aliasesPath = join(out, "table-aliases.ts");
  const readTypes = options.existing
    ? existingTypes(typesPath, options)
    : generatedTypes(context, options);

  await runCommand(context, options, async ({ client }) => {
    const { types, source, aliases } = await typesAndAliases(client, readTypes, options);
    const files = await Promise.all([
      // An existing database.types.ts is never stale.
      ...(options.existing ? [] : [stateOf(typesPath, types, check)]),
      stateOf(aliasesPath, source, check),
    ]);
    await replaceFiles(files.filter(({ state }) => state === "written"));
    const states = files.map(({ path, state }) => ({ path, state }));
    const answer = { files: states, aliases };
    printAnswer(context, answer, () => describeTypes(states, aliases), options);
    if (!states.some(({ state }) => state === "stale")) return EXIT.done;
    terminal.err.write(`The types are stale. Write them again with  ${PROGRAM} generate-types`);
    return EXIT.stale;
  });
}

async function stateOf(
  path: string,
  text: string,
  check: boolean,
): Promise<{ path: string; text: string; state: FileState }> {
  const there = await readIfThere(path);
  if (there !== undefined && sameButForLayout(there, text)) return { path, text, state: "current" };
  return { path, text, state: check ? "stale" : "written" };
}

/** Types and aliases that fit together, even if a table is renamed while they are read. */
async function typesAndAliases(
  client: RenameClient,
  readTypes: () => Promise<string>,
  { schema, existing }: GenerateTypesOptions,
): Promise<{ types: string; source: string; aliases: TableAlias[] }> {
  const query = schema === undefined ? {} : { schema: schema.join(",") };
  for (let attempt = 1;; attempt++) {
    const types = await readTypes();
    const tables = tablesIn(types) ?? new Map<string, Set<string>>();
    const missing = schema?.find((name) => !tables.has(name));
    if (missing !== undefined) throw new UsageError(`there is no schema ${missing} in the types`);
    const source = await client.tableAliasesFile(query);
    const { aliases } = await client.tableAliases(query);
    const unknown = aliases.find((alias) =>
      tables.get(alias.schema)?.has(alias.new_name) === false
    );
    if (unknown === undefined) {
      // Schemas that the types leave out are not shown.
      return { types, source, aliases: aliases.filter((alias) => tables.has(alias.schema)) };
    }
    if (existing || attempt === ATTEMPTS) {
      throw new UsageError(
        `database.types.ts does not have the table ${unknown.schema}.${unknown.new_name} ` +
          `(${unknown.old_name} until its rename)` +
          (existing ? "; write it again with supabase gen types" : "; is it the same database?"),
      );
    }
  }
}

function existingTypes(path: string, { remote }: GenerateTypesOptions): () => Promise<string> {
  if (remote !== undefined) throw new UsageError("give either --existing or --remote, not both");
  return async () => {
    const types = await readIfThere(path);
    if (types === undefined) {
      throw new UsageError(`${path} does not exist; leave out --existing to write it`);
    }
    if (tablesIn(types) === null) {
      throw new UsageError(
        `${path} does not have "export type Database", as supabase gen types does`,
      );
    }
    return types;
  };
}

function generatedTypes(
  { terminal, project }: CommandContext,
  { remote: named, dbUrl, schema }: GenerateTypesOptions,
): () => Promise<string> {
  const { variable, url } = databaseFromEnvironment(terminal.env, project);
  const remote = named ?? dbUrl ?? url;
  if (remote === undefined) {
    throw new UsageError(
      `which database? Set ${variable}, or give --db-url, or --remote with a URL or project ref. ` +
        "Or give --existing to use the database.types.ts you have",
    );
  }
  if (named === undefined && !isDatabaseUrl(remote)) {
    throw new UsageError(`${variable} is not a postgresql:// URL`);
  }
  const schemas = schema === undefined ? [] : [`--schema=${schema.join(",")}`];
  return async () => {
    const args = ["gen", "types", "--lang", "typescript", ...schemas];
    const { success, stdout, stderr } = await supabaseCli(args, remote);
    if (success && tablesIn(stdout) !== null) return stdout;
    const message = `supabase gen types failed:\n${stderr.trim()}`;
    throw /failed to connect|dial error|timeout|ENOTFOUND/i.test(stderr)
      ? new UnavailableError(message)
      : new Error(message);
  };
}
