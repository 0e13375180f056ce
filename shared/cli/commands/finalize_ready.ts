/** `finalize-rename --ready`: finalizes the renames whose old names can be given up, one after the other. */
import { type RenameClient, RenameError } from "../../client/client.ts";
import type { FinalizeInput } from "../../contract/requests.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import { ofPhase } from "../campaign/migrations.ts";
import { phaseNamed } from "../campaign/phases.ts";
import { together } from "../campaign/together.ts";
import type { Migration, OperationAnswer } from "../../contract/responses.ts";
import { describeReady, isJudged } from "../../report/migrations.ts";
import { describeOperation } from "../../report/operation.ts";
import { ask, requireSomebody } from "../terminal/confirm.ts";
import {
  type CommandContext,
  notVerified,
  printAnswer,
  printProblem,
  runCommand,
} from "../context.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit_codes.ts";
import { counted } from "../../report/document/text.ts";
import { commandLine } from "../arguments/command_line.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { inOptionWords } from "../arguments/option_words.ts";
import { asOnePiece, type SelectionOptions } from "../arguments/options.ts";

export async function finalizeReady(
  context: CommandContext,
  table: string | undefined,
  options: SelectionOptions & { phase?: string },
  fields: Omit<FinalizeInput, "migration_id" | "batch_id" | "table">,
): Promise<void> {
  const { batchId, migrationId, migrationFile, expectedPlanHash, schema, plan, yes, json } =
    options;
  if (table !== undefined || batchId !== undefined || migrationId !== undefined) {
    throw new UsageError("give either --ready or what to finalize");
  }
  if (migrationFile !== undefined || expectedPlanHash !== undefined) {
    throw new UsageError("--ready goes with neither --migration-file nor --expected-plan-hash");
  }
  if (options.phase !== undefined) phaseNamed(context, options.phase);
  await runCommand(context, options, async ({ client, url }) => {
    if (!plan && !yes) requireSomebody(context, "finalize", url);
    const all = await allMigrations(client, {
      status: "active",
      schema,
      quiet_for_days: fields.quiet_for_days,
      include: "usage,drift",
    });
    const active = options.phase === undefined
      ? all
      : await ofPhase(context, client, options.phase, all);
    const ready = active.filter((one) => isJudged(one) && one.ready_to_finalize.ready);
    const document = () => describeReady(inOptionWords(active), { url });
    if (plan || ready.length === 0) {
      printAnswer(context, { ready, active }, document, options);
      return EXIT.done;
    }
    const asked = { count: ready.length, document: document() };
    if (!yes && !await ask(context, "finalize", url, asked)) return EXIT.unexpected;
    const answers: OperationAnswer[] = [];
    const request = { ...fields, ...asOnePiece(options) };
    const errors = await interruptible(
      (signal) => finalizeEach(client, ready, request, { answers, signal }),
      () =>
        `Interrupted. ${answers.length} of ${
          counted(ready.length, "rename")
        } are finalized; the one ` +
        `under way may be, too. To see:\n  ${
          commandLine(["list-migrations", "--status", "active"])
        }`,
    );
    const answer = together(answers);
    const about = { operation: "finalize" as const, url };
    if (json) {
      const problems = errors.map(({ problem, detail }) => problem ?? { detail });
      printAnswer(
        context,
        { ...answer, problems },
        () => describeOperation(answer, about),
        options,
      );
    } else {
      if (answers.length > 0) {
        printAnswer(
          context,
          answer,
          () => describeOperation(inOptionWords(answer), about),
          options,
        );
      }
      for (const error of errors) printProblem(context, error, options);
    }
    if (errors.length > 0) return exitCodeOf(errors[0]);
    return answer.verification?.passed === false ? notVerified(context.terminal) : EXIT.done;
  });
}

/** Adds the answers to `answers`. What is refused does not keep the others; where the project cannot be reached, the rest is left. */
async function finalizeEach(
  client: RenameClient,
  migrations: Migration[],
  { idempotencyKey, retries, ...fields }:
    & Parameters<RenameClient["finalize"]>[0]
    & ReturnType<typeof asOnePiece>,
  { answers, signal }: { answers: OperationAnswer[]; signal: AbortSignal },
): Promise<RenameError[]> {
  const errors: RenameError[] = [];
  for (const { id } of migrations) {
    const key = idempotencyKey === undefined
      ? {}
      : { idempotencyKey: `${idempotencyKey}/${id}`, retries };
    try {
      answers.push(await client.finalize({ ...fields, migration_id: id }, { ...key, signal }));
    } catch (error) {
      if (!(error instanceof RenameError)) throw error;
      errors.push(error);
      if (exitCodeOf(error) !== EXIT.refused) break;
    }
  }
  return errors;
}
