/** `status`: how far the renames are, phase by phase, and what to do next. */
import type { Command } from "commander";
import type { RenameClient } from "../../client/client.ts";
import { type CampaignPhase, describeCampaign } from "../../report/campaign.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import { phaseNamed, readPhase, wantedOf } from "../campaign/phases.ts";
import { byOldName, statesOf, tablesFrom, withNext } from "../campaign/status.ts";
import { tablesOf } from "../campaign/tables.ts";
import { optionIn, PROGRAM, SILENT_PROGRAM } from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { inOptionWords } from "../arguments/option_words.ts";
import { wholeNumber } from "../arguments/options.ts";

interface StatusOptions {
  dbUrl?: string;
  phase?: string;
  quietForDays?: number;
  json?: true;
  markdown?: true;
  verbose?: true;
}

const EXAMPLES = `Examples:
  ${PROGRAM} status
  ${PROGRAM} status --phase documents
  ${SILENT_PROGRAM} status --markdown > status.md`;

export function addStatus(program: Command, context: CommandContext): void {
  const command = program.command("status")
    .description(
      "Shows how far the renames are: of each phase of the project file, which tables are not begun, proposed, " +
        "active or finalized, which active ones are ready to be finalized, and the next step as a command. " +
        "Without phases, all tracked renames. Changes nothing.",
    )
    .option("--phase <name>", "only this phase, with all its tables")
    .option(
      "--quiet-for-days <n>",
      "days without any use of an old name that its finalization asks for (7)",
      wholeNumber,
    )
    .option("--verbose", "also list the tables that are not begun or finalized")
    .option("--json", "print it as JSON")
    .option("--markdown", "print it as Markdown");
  addHelp(command, EXAMPLES).action((options: StatusOptions) => showStatus(context, options));
}

async function showStatus(context: CommandContext, options: StatusOptions): Promise<void> {
  const { phase, verbose } = options;
  if (phase !== undefined) phaseNamed(context, phase);
  await runCommand(context, options, async ({ client, url }) => {
    const phases = inOptionWords(await phasesNow(context, client, options));
    const about = { url, all: verbose === true || phase !== undefined };
    printAnswer(context, { phases }, () => describeCampaign(phases, about), options);
    return EXIT.done;
  });
}

/** The phases of the project file with what became of each table, or all tracked renames. */
export async function phasesNow(
  context: CommandContext,
  client: RenameClient,
  { phase: only, quietForDays }: Pick<StatusOptions, "phase" | "quietForDays"> = {},
): Promise<CampaignPhase[]> {
  const all = context.project?.settings.phases ?? [];
  const read = await Promise.all(
    all.filter(({ name }) => only === undefined || name === only)
      .map((phase) => readPhase(context, phase)),
  );
  const migrations = [
    ...await allMigrations(client, {
      status: "active",
      include: "usage,drift,verification,uses_in_code",
      quiet_for_days: quietForDays,
    }),
    ...await allMigrations(client, { status: "pending" }),
    ...await allMigrations(client, { status: "finalized" }),
  ];
  const more = optionIn(context.args, "--db-url");
  if (all.length === 0) return [withNext({ name: null, tables: tablesFrom(migrations) }, more)];
  const rolledBack = await allMigrations(client, { status: "rolled_back" });
  const tables = await tablesOf(client, read.flatMap(({ schemas }) => schemas));
  const known = byOldName([...migrations, ...rolledBack]);
  const phases = read.map((one): CampaignPhase => ({
    name: one.phase.name,
    tables: statesOf(wantedOf(one, tables), tables, known),
  }));
  const inPhases = new Set(
    phases.flatMap(({ tables }) => tables.flatMap(({ migration }) => migration?.id ?? [])),
  );
  const others = only !== undefined
    ? []
    : migrations.filter(({ id, status }) => status !== "finalized" && !inPhases.has(id));
  const rest = others.length === 0 ? [] : [{ name: null, tables: tablesFrom(others) }];
  return [...phases, ...rest].map((phase) => withNext(phase, more));
}
