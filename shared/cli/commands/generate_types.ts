/** `generate-types`: TypeScript for the database, in which old and new table names compile. */
import type { Command } from "commander";
import { join } from "node:path";
import type { RenameClient } from "../../client/client.ts";
import type { TableAlias } from "../../contract/responses.ts";
import { PROGRAM } from "../command_line.ts";
import { describeTypes, type FileState } from "../../report/types.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { sameButForLayout, tablesIn } from "../files/database_types.ts";
import { EXIT, UnavailableError, UsageError } from "../exit_codes.ts";
import { callerPath, readIfThere, replaceFiles } from "../files/paths.ts";
import { addHelp, list } from "../options.ts";
import { isDatabaseUrl, supabaseCli } from "../supabase_cli.ts";

interface GenerateTypesOptions {
  schema?: string[];
  out?: string;
  remote?: string;
  existing?: true;
  check?: true;
  json?: true;
}

/** In the folder that npm runs scripts in, wherever npm was called. */
const DEFAULT_OUT = join("supabase", "types");

/** How often the types are made again because a table was renamed meanwhile. */
const ATTEMPTS = 3;

const ABOUT =
  `Writes database.types.ts, as supabase gen types makes it, and table-aliases.ts beside it, in which
the old names of renamed tables are the tables that they stand for. Import from table-aliases.ts:
it has all that database.types.ts has. A file that differs only in its layout is left as it is.`;

const EXAMPLES = `Examples:
  SUPABASE_DB_URL=postgresql://… npm run types
  npm run types -- --schema public,shop --out src/types
  npm run types -- --existing    # where something else makes database.types.ts
  npm run types -- --check       # in CI: exit code 1 where the files are stale`;

const ENVIRONMENT = `  SUPABASE_DB_URL      the database to read, where --remote names none`;

export function addGenerateTypes(program: Command, context: CommandContext): void {
  const command = program.command("generate-types")
    .summary("write TypeScript types in which old and new names compile")
    .description(ABOUT)
    .option("--schema <names>", "schemas, several with commas (as supabase gen types)", list)
    .option("--out <dir>", "where the two files are (supabase/types)")
    .option("--remote <what>", "database URL, project ref or branch (SUPABASE_DB_URL)")
    .option("--existing", "take database.types.ts as it is there, and make only table-aliases.ts")
    .option("--check", "write nothing; exit with 1 where a file is stale or missing")
    .option("--json", "print what was done, or the problem document, as JSON");
  addHelp(command, EXAMPLES)
    .addHelpText("after", ENVIRONMENT)
    .action((options: GenerateTypesOptions) => generateTypes(context, options));
}

async function generateTypes(
  context: CommandContext,
  options: GenerateTypesOptions,
): Promise<void> {
  const { terminal } = context;
  const { check = false } = options;
  const out = options.out === undefined ? DEFAULT_OUT : callerPath(options.out, terminal.env);
  const typesPath = join(out, "database.types.ts");
  const aliasesPath = join(out, "table-aliases.ts");
  const readTypes = options.existing
    ? existingTypes(typesPath, options)
    : generatedTypes(terminal.env, options);

  await runCommand(context, options, async ({ client }) => {
    const { types, source, aliases } = await typesAndAliases(client, readTypes, options);
    const files = await Promise.all([
      // What is there already is not ours to judge.
      ...(options.existing ? [] : [stateOf(typesPath, types, check)]),
      stateOf(aliasesPath, source, check),
    ]);
    await replaceFiles(files.filter(({ state }) => state === "written"));
    const states = files.map(({ path, state }) => ({ path, state }));
    const answer = { files: states, aliases };
    printAnswer(context, answer, () => describeTypes(states, aliases), options);
    if (!states.some(({ state }) => state === "stale")) return EXIT.done;
    terminal.err.write(`The types are stale. Make them again with  ${PROGRAM} generate-types`);
    return EXIT.stale;
  });
}

/** A file with what should be in it, and whether it has that. */
async function stateOf(
  path: string,
  text: string,
  check: boolean,
): Promise<{ path: string; text: string; state: FileState }> {
  const there = await readIfThere(path);
  if (there !== undefined && sameButForLayout(there, text)) return { path, text, state: "current" };
  return { path, text, state: check ? "stale" : "written" };
}

/** Types and aliases that fit together, also where a table is renamed while they are read. */
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
      // Of a schema that the types leave out there is nothing to show.
      return { types, source, aliases: aliases.filter((alias) => tables.has(alias.schema)) };
    }
    if (existing || attempt === ATTEMPTS) {
      throw new UsageError(
        `database.types.ts does not have the table ${unknown.schema}.${unknown.new_name} ` +
          `(${unknown.old_name} until its rename)` +
          (existing ? "; make it again with supabase gen types" : "; is it the same database?"),
      );
    }
  }
}

function existingTypes(path: string, { remote }: GenerateTypesOptions): () => Promise<string> {
  if (remote !== undefined) throw new UsageError("give either --existing or --remote, not both");
  return async () => {
    const types = await readIfThere(path);
    if (types === undefined) {
      throw new UsageError(`${path} is not there; leave out --existing to have it made`);
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
  env: CommandContext["terminal"]["env"],
  { remote: named, schema }: GenerateTypesOptions,
): () => Promise<string> {
  const remote = named ?? env("SUPABASE_DB_URL")?.trim() ?? "";
  if (remote === "") {
    throw new UsageError(
      "which database? Set SUPABASE_DB_URL, or give --remote a URL or a project ref; " +
        "npm run serve prints the URL of the local one. --existing takes database.types.ts as it is",
    );
  }
  if (named === undefined && !isDatabaseUrl(remote)) {
    throw new UsageError("SUPABASE_DB_URL is not a postgresql:// URL");
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
