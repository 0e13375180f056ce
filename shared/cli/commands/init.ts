/** `init`: sets a repository up, or brings what an earlier `init` wrote up to date. */
import type { Command } from "commander";
import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join, relative } from "node:path";
import process from "node:process";
import { PROGRAM } from "../arguments/command_line.ts";
import type { CommandContext } from "../context.ts";
import { EXIT, UsageError } from "../exit_codes.ts";
import { callerFolder, readIfThere, replaceFiles } from "../files/paths.ts";
import { RULE_OF_HELP } from "../arguments/help.ts";
import { list } from "../arguments/options.ts";
import { type Changes, type FileChange, together } from "../project/changes.ts";
import { PROJECT_FILE } from "../project/find_project_file.ts";
import { functionChanges, hasOwnFunctions } from "../project/own_functions.ts";
import { migrationChanges } from "../project/own_migrations.ts";
import {
  parseProjectFile,
  projectFileText,
  type ProjectSettings,
  SCHEMA_PATH,
} from "../project/project_file.ts";

interface InitOptions {
  projectUrl?: string;
  schemas?: string[];
  functions?: true;
  overwrite?: true;
  plan?: true;
  yes?: true;
  verbose?: true;
}

const EXAMPLES = `Examples:
  ${PROGRAM} init                  # shows what it would write, and asks
  ${PROGRAM} init --yes --project-url https://abcd.supabase.co --schemas public,shop
  ${PROGRAM} init --functions      # a copy of the functions, too, to be deployed from here
`;

const ABOUT =
  `Writes ${PROJECT_FILE}, and copies the migrations that make the tracking tables into the project's own, ` +
  "for supabase db push. Run it again after an update of the package. It shows what it would change first, and " +
  "never changes a migration that is there, nor, without --overwrite, a file that was changed here.";

/** Folders that usually have code in them. */
const SOURCE_FOLDERS = ["src", "app", "lib", "pages", "packages", "apps", "supabase/functions"];

/** Of one folder so many changes are listed; more are counted. */
const MAX_LISTED = 10;

export function addInit(program: Command, context: CommandContext): void {
  program.command("init").description(ABOUT)
    .option("--project-url <url>", "the project (that of supabase link, if it was run here)")
    .option(
      "--schemas <names>",
      "schemas with tables to rename; several with commas (public)",
      list,
    )
    .option("--functions", "copy the functions to supabase/table-rename, to be deployed from there")
    .option("--overwrite", "write files of the copy that were changed here, too")
    .option("--plan", "show what would be written, and write nothing")
    .option("--yes", "write without asking")
    .option("--verbose", "list every file")
    .addHelpText("before", EXAMPLES)
    .addHelpText("after", `\n${RULE_OF_HELP}`)
    .action((options: InitOptions) => init(context, options));
}

async function init(context: CommandContext, options: InitOptions): Promise<void> {
  const { terminal, project } = context;
  const { out } = terminal;
  const dir = project?.dir ?? terminal.cwd ?? callerFolder(terminal.env);
  const settings = await wantedSettings(dir, project?.settings, options);
  const withFunctions = options.functions === true || hasOwnFunctions(dir);
  const all = together([
    await projectFileChange(dir, settings),
    await migrationChanges(dir, settings.migrations ?? "supabase/migrations"),
    ...(withFunctions ? [await functionChanges(dir, options.overwrite === true)] : []),
  ]);
  describe(context, dir, all, options.verbose === true);
  if (all.changes.length === 0 || options.plan) return;
  if (!options.yes) {
    if (terminal.ask === undefined) {
      terminal.err.write("Nothing was written. Add --yes to write this.");
      context.exitCode = EXIT.usage;
      return;
    }
    if (!/^y(es)?$/i.test((await terminal.ask("Write this? [y/N] ")).trim())) {
      out.write("Nothing was written.");
      return;
    }
  }
  await apply(dir, all.changes);
  out.write(nextSteps(context, settings, withFunctions));
}

async function wantedSettings(
  dir: string,
  there: ProjectSettings | undefined,
  { projectUrl, schemas }: InitOptions,
): Promise<ProjectSettings> {
  const linked = (await readIfThere(join(dir, "supabase/.temp/project-ref")))?.trim();
  const settings: ProjectSettings = there ?? {
    $schema: SCHEMA_PATH,
    ...(linked && /^[a-z]{20}$/.test(linked) && { project_url: `https://${linked}.supabase.co` }),
    keys: { secret_key: "SUPABASE_SECRET_KEY", database_url: "SUPABASE_DB_URL" },
    schemas: ["public"],
    migrations: "supabase/migrations",
    types: "supabase/types/database.types.ts",
    source: SOURCE_FOLDERS.filter((folder) => existsSync(join(dir, folder))),
    phases: [],
  };
  const { $schema, ...rest } = settings;
  const wanted = {
    ...($schema !== undefined && { $schema }),
    ...(projectUrl !== undefined && { project_url: projectUrl }),
    ...rest,
    ...(projectUrl !== undefined && { project_url: projectUrl }),
    ...(schemas !== undefined && { schemas }),
  };
  try {
    return parseProjectFile(projectFileText(wanted), PROJECT_FILE);
  } catch (cause) {
    // Only the options can be wrong: what is there was read before.
    const what = cause instanceof Error ? /line \d+: (.*)/.exec(cause.message)?.[1] : undefined;
    throw new UsageError(what ?? "the options are not valid", { cause });
  }
}

async function projectFileChange(dir: string, settings: ProjectSettings): Promise<Changes> {
  const there = await readIfThere(join(dir, PROJECT_FILE));
  const text = projectFileText(settings);
  if (there === undefined) {
    return { changes: [{ path: PROJECT_FILE, action: "create", text }], kept: [] };
  }
  const before: Record<string, unknown> = parseProjectFile(there, PROJECT_FILE);
  const changed = Object.entries(settings)
    .filter(([name, value]) => JSON.stringify(before[name]) !== JSON.stringify(value))
    .map(([name]) => name);
  if (changed.length === 0) return together([]);
  return {
    changes: [{
      path: PROJECT_FILE,
      action: "update",
      text,
      what: `changes ${changed.join(", ")}`,
    }],
    kept: [],
  };
}

function describe(
  { terminal: { out } }: CommandContext,
  dir: string,
  { changes, kept }: Changes,
  verbose: boolean,
): void {
  const { bold, yellow } = out.colors;
  if (changes.length === 0) {
    out.write(`Everything in ${relative(process.cwd(), dir) || "."} is up to date.`);
  } else out.write(bold(`What ${PROGRAM} init writes in ${dir}`));
  const groups = Map.groupBy(changes, ({ path, action }) => {
    const copied = /^supabase\/table-rename\//.exec(path)?.[0];
    return copied === undefined || action === "overwrite" ? path : `${action} ${copied}`;
  });
  for (const group of groups.values()) {
    if (group.length > MAX_LISTED && !verbose) {
      const folder = group[0].path.split("/").slice(0, 2).join("/");
      out.write(`  ${group[0].action.padEnd(9)}  ${folder}/  (${group.length} files)`);
    } else for (const change of group) out.write(lineOf(change, yellow));
  }
  if (kept.length === 0) return;
  out.write(bold("\nLeft as it is; --overwrite writes it, too"));
  for (const { path, why } of kept) out.write(`  ${path}  (${why})`);
}

function lineOf({ path, action, what }: FileChange, warn: (text: string) => string): string {
  const lost = action === "overwrite" ? "  (what was changed here is lost)" : "";
  const line = `  ${action.padEnd(9)}  ${path}${what === undefined ? "" : `  (${what})`}${lost}`;
  return lost === "" ? line : warn(line);
}

async function apply(dir: string, changes: FileChange[]): Promise<void> {
  await replaceFiles(
    changes.flatMap(({ path, text }) =>
      text === undefined ? [] : [{ path: join(dir, path), text }]
    ),
  );
  for (const { path, action } of changes) {
    if (action === "delete") await rm(join(dir, path), { force: true });
  }
}

function nextSteps(
  { terminal: { out } }: CommandContext,
  { project_url, keys }: ProjectSettings,
  withFunctions: boolean,
): string {
  const key = keys?.secret_key ?? "SUPABASE_SECRET_KEY";
  return [
    `${out.colors.green("✓")} Written. Next:`,
    "  npx supabase db push                       # makes the tracking tables",
    ...(withFunctions
      ? [
        "  npx supabase functions deploy --use-api    # deploys the functions",
        ...(project_url === undefined
          ? [`  set "project_url" in ${PROJECT_FILE}, and ${key} in the environment`]
          : [`  set ${key} in the environment`]),
        `  ${PROGRAM} analyze-table`,
      ]
      : [`  ${PROGRAM} analyze-table --db-url postgresql://…`]),
  ].join("\n");
}
