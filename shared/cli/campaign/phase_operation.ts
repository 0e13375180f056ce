/** `--phase`: an operation on all renames of a phase, batch by batch. */
import { type CallOptions, type RenameClient, RenameError } from "../../client/client.ts";
import type { Migration, OperationAnswer } from "../../contract/responses.ts";
import type { Operation } from "../../report/document/document.ts";
import { describeOperation } from "../../report/operation.ts";
import { counted } from "../../report/document/text.ts";
import { describeWanted } from "../../report/waves.ts";
import { commandLine, withOption, withoutValue } from "../arguments/command_line.ts";
import { ask, type Changes, mustAsk, requireSomebody } from "../terminal/confirm.ts";
import {
  type CommandContext,
  notVerified,
  printAnswer,
  printProblem,
  runCommand,
} from "../context.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit_codes.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { runOperation } from "../operation.ts";
import { commandFor, inOptionWords } from "../arguments/option_words.ts";
import { asOnePiece, type OperationOptions, showsProgress } from "../arguments/options.ts";
import { withProgress } from "../terminal/progress.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import { ofPhase } from "./migrations.ts";
import { phaseNamed } from "./phases.ts";
import { together } from "./together.ts";

type Selected = { batch_id: string } | { migration_id: string };

/** Sends one request of the operation. */
type SendSelected = (
  client: RenameClient,
  selected: Selected,
  call: CallOptions,
  changes: Changes,
) => Promise<OperationAnswer>;

/** A batch, or a rename of a batch that is not wholly in the phase. */
interface Part {
  selected: Selected;
  migrations: Migration[];
}

interface PhaseOptions extends OperationOptions {
  phase?: string;
}

/**
 * Runs the operation on what is active in a phase, for a rollback also on what is proposed, newest first. It stops at the
 * first refusal; the same command goes on, since it takes what is still active.
 *
 * @param operation A view is refreshed by itself, the others by batch where a whole batch is in the phase.
 */
export async function runOnPhase(
  context: CommandContext,
  operation: Exclude<Operation, "rename">,
  options: PhaseOptions & { phase: string },
  send: SendSelected,
): Promise<void> {
  phaseNamed(context, options.phase);
  let only: Part | undefined;
  await runCommand(context, options, async ({ client, url }) => {
    const parts = await partsOf(context, client, operation, options.phase);
    if (parts.length === 0) {
      const text = `Nothing to do: no rename of the phase "${options.phase}" is ${
        operation === "rollback" ? "active or proposed" : "active"
      }.`;
      printAnswer(
        context,
        { answers: [] },
        () => ({ sections: [[{ is: "text", text }]] }),
        options,
      );
      return EXIT.done;
    }
    if (parts.length > 1) {
      return await runParts(context, operation, options, { client, url }, parts, send);
    }
    only = parts[0];
    return EXIT.done;
  });
  if (only === undefined) return;
  const { selected } = only;
  await runOperation(
    context,
    operation,
    options,
    (client, call, changes) => send(client, selected, call, changes),
  );
}

async function partsOf(
  context: CommandContext,
  client: RenameClient,
  operation: Operation,
  phase: string,
): Promise<Part[]> {
  const open = [
    ...operation === "rollback" ? await allMigrations(client, { status: "pending" }) : [],
    ...await allMigrations(client, { status: "active" }),
  ];
  const own = await ofPhase(context, client, phase, open);
  const ids = new Set(own.map(({ id }) => id));
  const single = (migration: Migration): Part => ({
    selected: { migration_id: migration.id },
    migrations: [migration],
  });
  if (operation === "refresh") {
    return own.filter((one) => one.compatibility_view_created).map(single);
  }
  return [...Map.groupBy(own, ({ batch_id }) => batch_id)].flatMap(([batch_id, migrations]) => {
    const whole = open.every((one) => one.batch_id !== batch_id || ids.has(one.id));
    return whole ? [{ selected: { batch_id }, migrations }] : migrations.map(single);
  });
}

async function runParts(
  context: CommandContext,
  operation: Exclude<Operation, "rename">,
  options: PhaseOptions,
  { client, url }: { client: RenameClient; url: string },
  parts: Part[],
  send: SendSelected,
): Promise<number> {
  const { terminal: { err }, args } = context;
  const { plan, json, expectedPlanHash, migrationFile } = options;
  if (expectedPlanHash !== undefined || migrationFile !== undefined) {
    throw new UsageError(
      `the phase is ${parts.length} operations; --expected-plan-hash and --migration-file are for one`,
    );
  }
  const all = parts.flatMap(({ migrations }) => migrations);
  if (mustAsk(operation, options, url)) {
    requireSomebody(context, operation, url);
    const names = all.map(({ schema_name, old_name, new_name }) => (
      { schema: schema_name, old_name, new_name }
    ));
    const document = describeWanted(names, [
      `In ${counted(parts.length, "operation")} one after the other, each all or nothing.`,
    ], "Renamed");
    const yes = await ask(context, operation, url, { count: all.length, document });
    if (!yes) return EXIT.unexpected;
  }
  const answers: OperationAnswer[] = [];
  let error: RenameError | undefined;
  const said = () => `${answers.length} of ${counted(parts.length, "operation")} are done.`;
  const goOn = `To go on with the rest:\n  ${commandLine(args)}`;
  await interruptible(async (signal) => {
    for (const { selected } of parts) {
      try {
        answers.push(
          await withProgress(
            err,
            showsProgress(options),
            (onProgress) =>
              send(client, selected, { onProgress, signal, ...asOnePiece(options) }, {}),
          ),
        );
      } catch (caught) {
        if (!(caught instanceof RenameError)) throw caught;
        error = caught;
        return;
      }
    }
  }, () => `Interrupted. ${said()} The one under way may be, too. ${goOn}`);
  const about = (selected: Selected) => {
    const [[field, id]] = Object.entries(selected);
    const own = withOption(withoutValue(args, "--phase"), `--${field.replace("_", "-")}`, id);
    return { operation, url, acknowledged: options.acknowledge, commandFor: commandFor(own) };
  };
  if (json) {
    const problem = error && (error.problem ?? { detail: error.detail });
    printAnswer(
      context,
      { answers, ...(problem && { problem }) },
      () => ({ sections: [] }),
      options,
    );
  } else if (plan) {
    answers.forEach((answer, index) => {
      if (index > 0) context.terminal.out.write("");
      const document = describeOperation(inOptionWords(answer), about(parts[index].selected));
      printAnswer(context, answer, () => document, options);
    });
  } else if (answers.length > 0) {
    const answer = together(answers);
    const shown = { operation, url, acknowledged: options.acknowledge };
    printAnswer(context, answer, () => describeOperation(inOptionWords(answer), shown), options);
  }
  if (error !== undefined) {
    if (!json) printProblem(context, error, options);
    err.write(`\nStopped: ${said()} ${goOn}`);
    return exitCodeOf(error);
  }
  if (answers.some(({ would_be_refused }) => would_be_refused !== undefined)) return EXIT.refused;
  return answers.some(({ verification }) => verification?.passed === false)
    ? notVerified(context.terminal)
    : EXIT.done;
}
