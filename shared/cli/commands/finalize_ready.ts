/** `finalize-rename --ready`: finalizes the renames whose old names can be given up, one after the other. */
import { type RenameClient, RenameError } from "../../client/client.ts";
import type { FinalizeInput } from "../../contract/requests.ts";
import type { Migration, OperationAnswer } from "../../contract/responses.ts";
import { describeReady, isJudged } from "../../report/migrations.ts";
import { describeOperation } from "../../report/operation.ts";
import { ask, requireSomebody } from "../confirm.ts";
import {
  type CommandContext,
  notVerified,
  printAnswer,
  printProblem,
  runCommand,
} from "../context.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit_codes.ts";
import { counted } from "../../report/text.ts";
import { commandLine } from "../command_line.ts";
import { interruptible } from "../interrupt.ts";
import { inOptionWords } from "../option_words.ts";
import { asOnePiece, type SelectionOptions } from "../options.ts";

const LARGEST_PAGE = 1_000;

export async function finalizeReady(
  context: CommandContext,
  table: string | undefined,
  options: SelectionOptions,
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
  await runCommand(context, options, async ({ client, url }) => {
    if (!plan && !yes) requireSomebody(context, "finalize", url);
    const active = await activeMigrations(client, schema, fields.quiet_for_days);
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

async function activeMigrations(
  client: RenameClient,
  schema: string | undefined,
  quiet_for_days: number | undefined,
): Promise<Migration[]> {
  const found: Migration[] = [];
  let cursor: string | undefined;
  do {
    const page = await client.listMigrations({
      status: "active",
      schema,
      quiet_for_days,
      include: "usage,drift",
      limit: LARGEST_PAGE,
      cursor,
    });
    found.push(...page.migrations);
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
  return found;
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

/** Several answers as that of one operation. */
function together(answers: OperationAnswer[]): OperationAnswer {
  const verifications = answers.flatMap(({ verification }) => verification ?? []);
  const locks = answers.flatMap(({ lock }) => lock ?? []);
  return {
    batch_id: null,
    mode: "apply",
    plan_hash: answers.map(({ plan_hash }) => plan_hash).join(" "),
    migrations: answers.flatMap(({ migrations }) => migrations),
    statements: answers.flatMap(({ statements }) => statements),
    findings: answers.flatMap(({ findings }) => findings),
    lock: locks.length === 0 ? null : {
      attempts: Math.max(...locks.map(({ attempts }) => attempts)),
      waited_ms: Math.max(...locks.map(({ waited_ms }) => waited_ms)),
      held_ms: Math.max(...locks.map(({ held_ms }) => held_ms)),
    },
    verification: verifications.length === 0 ? null : {
      passed: verifications.every(({ passed }) => passed),
      checks: verifications.flatMap(({ checks }) => checks),
    },
  };
}
