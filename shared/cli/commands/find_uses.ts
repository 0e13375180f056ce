/** `find-uses`: where the old names of renamed tables stand in source, and changing them there. */
import type { Command } from "commander";
import { basename, dirname, join, relative, resolve, sep } from "node:path";
import type { RenameClient } from "../../client/client.ts";
import type { ListMigrationsAnswer, Migration } from "../../contract/responses.ts";
import { describeUses, type ShownUse, type UsesAnswer } from "../../report/uses.ts";
import { counted, visible } from "../../report/document/text.ts";
import { isModule, isReadable, isSource, usesInAll } from "../../source/find_uses.ts";
import { loadParser } from "../../source/modules/module.ts";
import { sarifOf } from "../../source/sarif.ts";
import { isGenerated, reasonToSkip } from "../../source/skipped.ts";
import { makesOtherClients } from "../../source/forms/supabase_client.ts";
import { type Use, WantedNames, type WantedRename } from "../../source/uses.ts";
import {
  commandLine,
  optionIn,
  PROGRAM,
  SILENT_PROGRAM,
  withOption,
  withoutFlag,
} from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { ofPhase } from "../campaign/migrations.ts";
import { callerPath } from "../files/paths.ts";
import { importResolver } from "../files/resolve_imports.ts";
import { FILE_HELP, readRenamesFile } from "../files/renames_file.ts";
import { type Read, written } from "../files/change_uses.ts";
import { filesBelow, type FoundFile, readSource, repositoryOf } from "../files/source_files.ts";
import { addHelp } from "../arguments/help.ts";
import { PROJECT_FILE } from "../project/find_project_file.ts";
import { list } from "../arguments/options.ts";
import { readName } from "../arguments/table_names.ts";
import { reportUses } from "../files/report_uses.ts";
import { allPages } from "./list_migrations.ts";

interface FindUsesOptions {
  proposed?: true;
  fromFile?: string;
  phase?: string;
  table?: string[];
  schema?: string;
  toOld?: true;
  certain?: true;
  write?: true;
  force?: true;
  check?: true;
  report?: true;
  repository?: string;
  json?: true;
  sarif?: true;
  markdown?: true;
}

const ABOUT =
  "Lists where the old names of renamed tables stand in source, by file, line and column. What is certain can be " +
  "changed with --write; what is only possible is for a person to look at. Reads the files below the paths that git " +
  "does not ignore, except generated ones and migrations.";

const KINDS_HELP = `Read by a parser, and changed where it is certain:
  TypeScript, JavaScript, Vue, Svelte, Astro, SQL, Prisma schemas
Searched for strings, and never changed:
  Python, Dart, Swift, Kotlin, Java, Go, Ruby, C#, PHP, Rust, GraphQL, YAML
A comment with find-uses-ignore, on a line or alone on the line before, says that it is no use.`;

const EXAMPLES = `Examples:
  ${PROGRAM} find-uses
  ${PROGRAM} find-uses src supabase/functions --write
  ${PROGRAM} find-uses --report
  ${PROGRAM} find-uses --proposed
  ${PROGRAM} find-uses --from-file renames.csv --check --certain
  ${SILENT_PROGRAM} find-uses --sarif > uses.sarif
  ${PROGRAM} find-uses --to-old --write`;

export function addFindUses(program: Command, context: CommandContext): void {
  const command = program.command("find-uses")
    .description(ABOUT)
    .argument(
      "[paths...]",
      "files and folders (source of the project file, or else the current folder)",
    )
    .option("--proposed", "the names of proposed renames, in place of those of active ones")
    .option("--from-file <path>", "the renames that this .json or .csv file lists")
    .option("--phase <name>", "only the renames of this phase of the project file")
    .option(
      "--table <names>",
      "only these tables, by old or new name, with schema or without; several with commas",
      list,
    )
    .option("--schema <name>", "only tables of this schema")
    .option("--to-old", "the other way: find the new names, and change them to the old ones")
    .option("--certain", "leave out what is only possible")
    .option("--write", "change what is certain, and nothing else in the files")
    .option("--force", "with --write: also files that have uncommitted changes")
    .option(
      "--report",
      "send the project how many uses are left of each old name; no source is sent",
    )
    .option("--repository <name>", "with --report: which source this is (the repository's folder)")
    .option("--check", "exit code 1 if there is any use (left)")
    .option("--json", "print the uses as JSON")
    .option("--sarif", "print the uses as SARIF, for code scanning")
    .option("--markdown", "print the uses as Markdown for a pull request");
  addHelp(command, EXAMPLES, KINDS_HELP, FILE_HELP)
    .action((paths: string[], options: FindUsesOptions) => findUses(context, paths, options));
}

async function findUses(
  context: CommandContext,
  paths: string[],
  options: FindUsesOptions,
): Promise<void> {
  const { env } = context.terminal;
  const { fromFile, proposed, json, sarif, markdown, force, write } = options;
  if ([json, sarif, markdown].filter((given) => given).length > 1) {
    throw new UsageError("give only one of --json, --sarif and --markdown");
  }
  if (fromFile !== undefined && options.phase !== undefined) {
    throw new UsageError("give either --phase or --from-file, not both");
  }
  if (fromFile !== undefined && proposed) {
    throw new UsageError("give either --proposed or --from-file, not both");
  }
  if (options.report && (fromFile !== undefined || options.toOld || options.certain)) {
    throw new UsageError(
      "--report counts all uses of the project's old names; leave out --from-file, --to-old and --certain",
    );
  }
  if (options.repository !== undefined && !options.report) {
    throw new UsageError("--repository needs --report");
  }
  if (force && !write) throw new UsageError("--force needs --write");
  const base = resolve(callerPath(".", env));
  const places = paths.length === 0
    ? placesOfProject(context) ?? [base]
    : paths.map((path) => callerPath(path, env));
  const work = async (renames: WantedRename[], client?: RenameClient) =>
    await searched(context, selected(renames, options), { base, places, client }, options);
  if (fromFile !== undefined) {
    const renames = await renamesIn(callerPath(fromFile, env), options);
    context.exitCode = await work(renames);
  } else {
    await runCommand(
      context,
      options,
      async ({ client }) => await work(await renamesOf(context, client, options), client),
    );
  }
}

/** The folders that the project file names as source; undefined if it names none. */
function placesOfProject({ terminal, project }: CommandContext): string[] | undefined {
  const { source = [] } = project?.settings ?? {};
  if (project === undefined || source.length === 0) return undefined;
  terminal.err.write(`Reads ${source.map(visible).join(", ")}, as ${PROJECT_FILE} says.`);
  return source.map((folder) => join(project.dir, folder));
}

async function renamesIn(path: string, { schema }: FindUsesOptions): Promise<WantedRename[]> {
  const { renames, faults } = await readRenamesFile(path);
  if (faults.length > 0) {
    throw new UsageError(
      faults.map(({ line, what }) => `${path}, line ${line}: ${what}`).join("\n       "),
    );
  }
  return renames.map((rename) => ({
    schema: rename.schema ?? schema ?? "public",
    from: rename.old_name,
    to: rename.new_name,
  }));
}

/** The project's renames. To go back to old names, those that were rolled back are needed, too. */
async function renamesOf(
  context: CommandContext,
  client: RenameClient,
  { proposed, toOld, phase }: FindUsesOptions,
): Promise<WantedRename[]> {
  const status = proposed ? "pending" : "active";
  const { migrations } = await allPages(client, { status });
  const rolledBack = toOld && !proposed ? await rolledBackRenames(client) : [];
  const all = [...migrations, ...rolledBack];
  const wanted = phase === undefined ? all : await ofPhase(context, client, phase, all);
  return wanted.map(({ schema_name: schema, old_name, new_name }) => ({
    ...{ schema, from: old_name, to: new_name },
  }));
}

/** The renames of which the rollback is the last thing that happened to any of their names. */
async function rolledBackRenames(client: RenameClient): Promise<Migration[]> {
  const { migrations }: ListMigrationsAnswer = await allPages(client, {});
  const seen = new Set<string>();
  return migrations.filter(({ schema_name, old_name, new_name, status }) => {
    const names = [old_name, new_name].map((name) => JSON.stringify([schema_name, name]));
    const isLast = names.every((name) => !seen.has(name));
    for (const name of names) seen.add(name);
    return isLast && status === "rolled_back";
  });
}

function selected(
  renames: WantedRename[],
  { table, schema, toOld }: FindUsesOptions,
): WantedRename[] {
  const kept = renames.filter((rename) =>
    (schema === undefined || rename.schema === schema) &&
    (table === undefined || table.some((name) => isNamed(rename, name)))
  );
  const unknown = table?.find((name) => !kept.some((rename) => isNamed(rename, name)));
  if (unknown !== undefined) {
    throw new UsageError(`there is no rename of ${unknown}; list-migrations shows which there are`);
  }
  const directed = toOld
    ? kept.map(({ schema, from, to }) => ({ schema, from: to, to: from }))
    : kept;
  const seen = new Set<string>();
  for (const { schema, from } of directed) {
    const key = JSON.stringify([schema, from]);
    if (seen.has(key)) {
      throw new UsageError(`two renames are about ${schema}.${from}; choose one with --table`);
    }
    seen.add(key);
  }
  return directed;
}

/** Whether the name, with its schema or without, is the rename's old or new one. */
function isNamed({ schema, from, to }: WantedRename, written: string): boolean {
  const read = readName(written);
  return [from, to].some((name) =>
    name === written || (name === read.name && schema === (read.schema ?? schema))
  );
}

async function searched(
  context: CommandContext,
  renames: WantedRename[],
  { base, places, client }: { base: string; places: string[]; client?: RenameClient },
  options: FindUsesOptions,
): Promise<number> {
  const wanted = new WantedNames(renames);
  const files = (await filesBelow(places, base))
    .filter(({ path, shown }) => isSource(shown) && reasonToSkip(posix(path)) === null);
  const texts = await readAll(files);
  // Loading the parser takes longer than reading a project without a use.
  const needsParser = texts.some(({ shown, text }) => isModule(shown) && wanted.mayBeIn(text));
  const parser = needsParser ? await loadParser() : null;
  const usualSchema = texts.some(({ text }) => makesOtherClients(text)) ? null : "public";
  const found = usesInAll(
    texts.map(({ shown, text }) => ({ path: shown, text })),
    { wanted, parser, usualSchema },
    parser === null ? undefined : await importResolver(texts),
  );
  const read: Read[] = texts.map((file, index) => ({
    ...file,
    uses: found[index].filter(({ certainty }) => !options.certain || certainty === "certain"),
  })).filter(({ uses }) => uses.length > 0);

  const { changed, notChanged } = options.write
    ? await written(
      read,
      options.force ?? false,
      (path, text) => isReadable({ path, text }, parser),
    )
    : { changed: new Set<string>(), notChanged: [] };
  const isChanged = ({ file, certainty }: Use) => certainty === "certain" && changed.has(file);
  const uses = read.flatMap((file) => file.uses);
  const answer: UsesAnswer = {
    renames: wanted.all.map(({ schema, from, to, unclear }) => ({
      ...{ schema, name: from, renamed_to: to, unclear },
    })),
    uses: uses.map((use) => shownUse(use, isChanged(use))),
    files: { read: texts.length, with_uses: read.length, changed: changed.size },
    certain: uses.filter(({ certainty }) => certainty === "certain").length,
    possible: uses.filter(({ certainty }) => certainty === "possible").length,
    not_changed: notChanged,
  };
  const left = uses.filter((use) => !isChanged(use));
  if (options.sarif) {
    const uriOf = await addresses(read, base);
    context.terminal.out.write(JSON.stringify(sarifOf(left, uriOf), null, 2));
  } else {
    const args = ["--check", "--markdown"].reduce(withoutFlag, context.args);
    const write = options.write ? null : commandLine(withOption(args, "--write"));
    const database = optionIn(context.args, "--db-url");
    const about = {
      write,
      after: [commandLine(["generate-types", ...database])],
      otherNames: [
        commandLine(["find-uses", ...database, "--proposed"]),
        commandLine(["find-uses", "--from-file", "renames.csv"]),
      ],
    };
    printAnswer(context, answer, () => describeUses(answer, about), options);
  }
  if (options.report && client !== undefined) {
    const repository = options.repository ?? basename(await repositoryOf(base) ?? base);
    await reportUses(client, { renames: wanted.all, left, repository });
    context.terminal.err.write(
      `Reported what is left of ${counted(wanted.all.length, "old name")} in ${
        visible(repository)
      }.`,
    );
  }
  if (notChanged.length > 0) return EXIT.refused;
  return options.check && left.length > 0 ? EXIT.stale : EXIT.done;
}

const posix = (path: string) => path.split(sep).join("/");

async function readAll(files: FoundFile[]): Promise<(FoundFile & { text: string })[]> {
  const read = [];
  for (const file of files) {
    const text = await readSource(file.path);
    if (text !== null && !isGenerated(text)) read.push({ ...file, text });
  }
  return read;
}

const shownUse = (use: Use, changed: boolean): ShownUse => ({
  file: use.file,
  line: use.line,
  column: use.column,
  offset: use.offset,
  length: use.length,
  kind: use.kind,
  certainty: use.certainty,
  schema: use.renamed.schema,
  name: use.renamed.from,
  renamed_to: use.renamed.to,
  text: use.text,
  replacement: use.replacement,
  reason: use.reason,
  changed,
});

/** The address of each file from the root of its repository, or from the caller's folder. */
async function addresses(read: Read[], base: string): Promise<(file: string) => string> {
  const roots = new Map<string, string>();
  for (const { path, shown } of read) {
    const root = await repositoryOf(dirname(path)) ?? base;
    roots.set(shown, posix(relative(root, path)).split("/").map(encodeURIComponent).join("/"));
  }
  return (file) => roots.get(file) ?? file;
}
