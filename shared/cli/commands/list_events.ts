/** `list-events`: what was requested and what came of it, newest first. */
import { type Command, InvalidArgumentError, Option } from "commander";
import { EVENT_OPERATIONS, EVENT_OUTCOMES } from "../../contract/queries.ts";
import type { ListEventsInput } from "../../contract/requests.ts";
import { describeEvents } from "../../report/events.ts";
import { commandLine, PROGRAM, withOption, withoutValue } from "../arguments/command_line.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT } from "../exit_codes.ts";
import { addHelp } from "../arguments/help.ts";
import { wholeNumber } from "../arguments/options.ts";

interface ListEventsOptions {
  dbUrl?: string;
  operation?: ListEventsInput["operation"];
  outcome?: ListEventsInput["outcome"];
  madeBy?: string;
  migrationId?: string;
  batchId?: string;
  requestId?: string;
  since?: string;
  limit?: number;
  cursor?: string;
  verbose?: true;
  json?: true;
  markdown?: true;
}

const EXAMPLES = `Examples:
  ${PROGRAM} list-events
  ${PROGRAM} list-events --outcome refused --since 2026-11-01
  ${PROGRAM} list-events --operation finalize --verbose`;

export function addListEvents(program: Command, context: CommandContext): void {
  const command = program.command("list-events")
    .description(
      "Lists the events, newest first: every request that changed something or tried to, found drift, failed " +
        "verifications and refused webhooks.",
    )
    .addOption(new Option("--operation <name>").choices(EVENT_OPERATIONS))
    .addOption(new Option("--outcome <outcome>").choices(EVENT_OUTCOMES))
    .option("--made-by <actor>", "only those of this actor, as --verbose shows it")
    .option("--migration-id <id>", "only those about one migration")
    .option("--batch-id <id>", "only those about one batch")
    .option("--request-id <id>", "only those of one request")
    .option("--since <time>", "only those since this day or time, in UTC or with a zone", moment)
    .option("--limit <n>", "how many, 1 to 200 (50)", wholeNumber)
    .option("--cursor <cursor>", "the next page, as the page before it shows")
    .option("--verbose", "ids, lock figures and details, too")
    .option("--json", "print the answer, or the problem document, as JSON")
    .option("--markdown", "print it as Markdown");
  addHelp(command, EXAMPLES)
    .action((options: ListEventsOptions) => listEvents(context, options));
}

async function listEvents(context: CommandContext, options: ListEventsOptions): Promise<void> {
  const { operation, outcome, madeBy: actor, since, limit, cursor } = options;
  const { migrationId: migration_id, batchId: batch_id, requestId: request_id } = options;
  const filters = { operation, outcome, actor, migration_id, batch_id, request_id, since };
  const query = { ...filters, limit, cursor };
  const nextPage = (cursor: string) =>
    commandLine(withOption(withoutValue(context.args, "--cursor"), "--cursor", cursor));
  await runCommand(context, options, async ({ client }) => {
    const answer = await client.listEvents(query);
    const page = { nextPage, verbose: options.verbose === true };
    printAnswer(context, answer, () => describeEvents(answer, page), options);
    return EXIT.done;
  });
}

/** A day is its beginning; what has no zone is in UTC. */
function moment(text: string): string {
  const withTime = /^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00` : text.replace(" ", "T");
  const time = new Date(/(Z|[+-]\d\d:?\d\d)$/i.test(withTime) ? withTime : `${withTime}Z`);
  if (!/^\d{4}-/.test(text) || Number.isNaN(time.getTime())) {
    throw new InvalidArgumentError("It should be a day or a time, such as 2026-11-29T12:00:00Z.");
  }
  return time.toISOString();
}
