/** `analyze-table`: what depends on tables, and what a rename would do to it. */
import type { Command } from "commander";
import { describeAnalysis } from "../../report/analysis.ts";
import { PROGRAM, SILENT_PROGRAM } from "../command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { addHelp } from "../help.ts";
import { defaultSchema } from "../project/defaults.ts";
import { EXIT } from "../exit_codes.ts";

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
    .argument("[table...]", "names of tables, old or new")
    .option("--schema <name>", "their schema (public); without a table, can be repeated", several)
    .option("--verbose", "show every object on a line of its own, with all that is known of it")
    .option("--json", "print the answer, or the problem document, as JSON");
  addHelp(command, EXAMPLES)
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
    const answer = await client.analyze({ schema, table });
    const about = { url, whole: table !== undefined, verbose };
    printAnswer(context, answer, () => describeAnalysis(answer, about), options);
    return EXIT.done;
  });
}
