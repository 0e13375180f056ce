/** `analyze-table`: what depends on tables, and what a rename would do to it. */
import type { Command } from "commander";
import type { RenameClient } from "../../client/client.ts";
import type { AnalyzedTable } from "../../contract/responses.ts";
import { describeAnalysis } from "../../report/analysis.ts";
import { PROGRAM, SILENT_PROGRAM } from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { addHelp } from "../arguments/help.ts";
import { defaultSchema } from "../project/defaults.ts";
import { EXIT } from "../exit_codes.ts";
import { NAMES_HELP, readName } from "../arguments/table_names.ts";

interface AnalyzeTableOptions {
  dbUrl?: string;
  schema?: string[];
  verbose?: boolean;
  json?: boolean;
}

const EXAMPLES = `Examples:
  ${PROGRAM} analyze-table experts
  ${PROGRAM} analyze-table experts teams --schema app --verbose
  ${PROGRAM} analyze-table --schema public --schema app
  ${SILENT_PROGRAM} analyze-table experts --json > analysis.json`;

const several = (name: string, earlier: string[] = []) => [...earlier, name];

export function addAnalyzeTable(program: Command, context: CommandContext): void {
  const command = program.command("analyze-table")
    .description(
      "Shows what depends on tables, by kind, what a rename with a compatibility view would do to each object, " +
        "and the findings of such a rename. Changes nothing. Without a table, all tables of the schema.",
    )
    .argument("[table...]", "names of tables, old or new, with their schema or without")
    .option("--schema <name>", "their schema (public); without a table, can be repeated", several)
    .option("--verbose", "show every object on a line of its own, with all that is known of it")
    .option("--json", "print the answer, or the problem document, as JSON");
  addHelp(command, EXAMPLES, NAMES_HELP)
    .action((tables: string[], options: AnalyzeTableOptions) =>
      analyzeTable(context, tables, options)
    );
}

async function analyzeTable(
  context: CommandContext,
  tables: string[],
  options: AnalyzeTableOptions,
): Promise<void> {
  const { verbose } = options;
  const table = tables.length === 0 ? undefined : tables;
  const ofProject = table === undefined
    ? context.project?.settings.schemas
    : defaultSchema(context);
  const schema = options.schema ?? ofProject;
  await runCommand(context, options, async ({ client, url }) => {
    const answer = table === undefined
      ? await client.analyze({ schema })
      : { tables: await analyzed(client, table, options.schema, schema) };
    const about = { url, whole: table !== undefined, verbose };
    printAnswer(context, answer, () => describeAnalysis(answer, about), options);
    return EXIT.done;
  });
}

/** The tables, schema by schema. */
async function analyzed(
  client: RenameClient,
  tables: string[],
  given: string[] | undefined,
  otherwise: string | string[] | undefined,
): Promise<AnalyzedTable[]> {
  const names = tables.map((table) => readName(table, given?.[0]));
  const found: AnalyzedTable[] = [];
  for (const [schema, some] of Map.groupBy(names, (one) => given ?? one.schema ?? otherwise)) {
    const answer = await client.analyze({ schema, table: some.map(({ name }) => name) });
    found.push(...answer.tables);
  }
  return found;
}
