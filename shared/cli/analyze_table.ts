/** `analyze-table`: what hangs on tables, and what a rename would do to it. */
import type { Command } from "commander";
import { CONNECTION_HELP } from "./connection.ts";
import { type CommandContext, printJson, runCommand } from "./context.ts";
import { EXIT, EXIT_CODES_HELP } from "./exit_codes.ts";
import { describeAnalysis } from "./show_analysis.ts";

interface AnalyzeTableOptions {
  schema?: string[];
  verbose?: boolean;
  json?: boolean;
}

const EXAMPLES = `Examples:
  npm run cli -- analyze-table experts
  npm run cli -- analyze-table experts teams --schema app --verbose
  npm run cli -- analyze-table --schema public --schema app
  npm run --silent cli -- analyze-table experts --json > analysis.json`;

const several = (name: string, earlier: string[] = []) => [...earlier, name];

export function addAnalyzeTable(program: Command, context: CommandContext): void {
  program.command("analyze-table")
    .summary("show what hangs on tables, and what a rename would do to it")
    .description(
      "Shows what hangs on tables, by kind, what a rename with a compatibility view would do to each, and the " +
        "findings that it would have. Changes nothing. Without a table, all tables of the schema.",
    )
    .argument("[table...]", "names of tables, old or new")
    .option("--schema <name>", "their schema (public); without a table, several", several)
    .option("--verbose", "show every object on a line of its own, with all there is to know")
    .option("--json", "print the answer, or the problem document, as JSON")
    .addHelpText("after", `\n${[EXAMPLES, EXIT_CODES_HELP, CONNECTION_HELP].join("\n\n")}`)
    .action((tables, options) => analyzeTable(context, tables, options));
}

async function analyzeTable(
  context: CommandContext,
  tables: string[],
  { schema, verbose = false, json = false }: AnalyzeTableOptions,
): Promise<void> {
  const { terminal } = context;
  const table = tables.length === 0 ? undefined : tables;
  await runCommand(context, { json }, async ({ client, url }) => {
    const answer = await client.analyze({ schema, table });
    if (json) printJson(terminal, answer);
    else {
      const page = { ...terminal.out, url, whole: table !== undefined, verbose };
      terminal.out.write(describeAnalysis(answer, page));
    }
    return EXIT.done;
  });
}
