/** `test-view-compatibility` for several renames: one after the other, with one summary. */
import { type RenameClient, RenameError } from "../../client/client.ts";
import type { VerifyInput } from "../../contract/requests.ts";
import type { Migration, VerifyAnswer } from "../../contract/responses.ts";
import { describeCompatibilities, type TestedName } from "../../report/compatibilities.ts";
import { shownName } from "../../report/migrations.ts";
import { type CommandContext, type OutputOptions, printAnswer } from "../context.ts";
import { EXIT, exitCodeOf } from "../exit_codes.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { inOptionWords } from "../arguments/option_words.ts";
import { withProgress } from "../terminal/progress.ts";

/** Problems of one table, after which the next is tested. */
const OF_ONE: number[] = [EXIT.refused, EXIT.notFound, EXIT.locked, EXIT.notAllowed, EXIT.usage];

export async function verifyMany(
  context: CommandContext,
  { client, url }: { client: RenameClient; url: string },
  migrations: Migration[],
  request: VerifyInput,
  options: OutputOptions & { quiet?: boolean },
): Promise<number> {
  const { terminal: { err } } = context;
  const withView = migrations.filter((one) => one.compatibility_view_created);
  const tested: (TestedName & { answer?: VerifyAnswer; migration_id: string })[] = [];
  const shows = !options.quiet && !options.json;
  let failed: RenameError | undefined;
  await interruptible(async (signal) => {
    for (const { id, schema_name, old_name } of withView) {
      const name = shownName(schema_name, old_name);
      const place = `${tested.length + 1} of ${withView.length}: ${name}`;
      // A live line says what is under way; elsewhere each name has a line.
      const stream = err.showLine === undefined
        ? err
        : { ...err, showLine: (text: string) => err.showLine!(text && `${place}  ${text}`) };
      if (shows && err.showLine === undefined) err.write(`Testing ${place}`);
      try {
        const answer = await withProgress(
          stream,
          shows,
          (onProgress) => client.verify({ ...request, migration_id: id }, { onProgress, signal }),
        );
        tested.push({ name, passed: answer.passed, answer, migration_id: id });
      } catch (error) {
        if (!(error instanceof RenameError)) throw error;
        const { code, detail } = error;
        tested.push({ name, passed: false, problem: { code, detail }, migration_id: id });
        if (OF_ONE.includes(exitCodeOf(error))) continue;
        failed = error;
        return;
      }
    }
  }, () => `Interrupted after ${tested.length} of ${withView.length} tests. Nothing was changed.`);
  const passed = tested.every((one) => one.passed) && failed === undefined;
  const left = withView.length - tested.length;
  printAnswer(
    context,
    { passed, tested, not_tested: left },
    () => describeCompatibilities(inOptionWords(tested), { url, left }),
    options,
  );
  if (failed !== undefined) return exitCodeOf(failed);
  return passed ? EXIT.done : EXIT.notVerified;
}
