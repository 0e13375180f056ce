/** Runs an operation, and prints its answer. */
import type { CallOptions, RenameClient } from "../client/client.ts";
import type { OperationAnswer, Progress } from "../contract/responses.ts";
import type { Operation } from "../report/document/document.ts";
import { describeOperation } from "../report/operation.ts";
import { commandLine, optionIn, quoted } from "./arguments/command_line.ts";
import { type Changes, confirmed } from "./terminal/confirm.ts";
import { type CommandContext, notVerified, printAnswer, runCommand } from "./context.ts";
import { EXIT } from "./exit_codes.ts";
import { withPath, writeMigrationFile } from "./files/migration_file.ts";
import { interruptedChange, interruptible } from "./terminal/interrupt.ts";
import { commandFor, inOptionWords } from "./arguments/option_words.ts";
import { asOnePiece, type OperationOptions, showsProgress } from "./arguments/options.ts";
import { withProgress } from "./terminal/progress.ts";
import { migrationsFolder } from "./project/defaults.ts";

/** Sends the command's request, with these fields beside its own. */
export type Send = (
  client: RenameClient,
  options: CallOptions,
  changes: Changes,
) => Promise<OperationAnswer>;

/** @param places Where each rename of the request was written. */
export async function runOperation(
  context: CommandContext,
  operation: Operation,
  options: OperationOptions,
  send: Send,
  places?: string[],
): Promise<void> {
  const { terminal, args } = context;
  const { acknowledge: acknowledged, migrationFile } = options;
  const database = optionIn(args, "--db-url");
  const afterRename = (selection: string[]) => [
    commandLine(["test-view-compatibility", ...selection, ...database]),
    commandLine(["find-uses", ...database]),
    commandLine(["generate-types", ...database]),
  ];
  await runCommand(context, { ...options, places }, async ({ client, url }) => {
    const about = {
      operation,
      url,
      acknowledged,
      commandFor: commandFor(args),
      afterRename,
      database: database.map(quoted).join(" "),
    };
    const print = (answer: OperationAnswer, file?: string) =>
      printAnswer(
        context,
        withPath(answer, file),
        () => describeOperation(inOptionWords(answer), { ...about, file }),
        options,
      );
    const look = commandLine(["list-migrations", "--limit", "5"]);
    const plan = () =>
      interruptible(
        (signal) => send(client, { signal }, { mode: "plan" }),
        () => interruptedChange(undefined, look),
      );
    const answered = await confirmed(context, operation, options, url, plan);
    if ("exitCode" in answered) return answered.exitCode;
    if ("refused" in answered) {
      print(answered.refused);
      return EXIT.refused;
    }
    let last: Progress | null | undefined = options.plan ? undefined : null;
    const answer = await interruptible(
      (signal) =>
        withProgress(terminal.err, showsProgress(options), (show) => {
          const onProgress = show && ((progress: Progress) => {
            last = progress;
            show(progress);
          });
          return send(client, { onProgress, signal, ...asOnePiece(options) }, answered.changes);
        }),
      () => interruptedChange(last, look),
    );
    const file = migrationFile &&
      await writeMigrationFile(answer, migrationFile, terminal.env, migrationsFolder(context));
    print(answer, file);
    if (answer.would_be_refused !== undefined) return EXIT.refused;
    return answer.verification?.passed === false ? notVerified(terminal) : EXIT.done;
  });
}
