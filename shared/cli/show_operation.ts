/** The answer to an operation, for a person to read. */
import type { Finding, Migration, OperationAnswer } from "../contract/responses.ts";
import { breakingCodes } from "../report/findings.ts";
import { operationInMarkdown } from "../report/operation.ts";
import { commandLine, withOption, withoutFlag, withoutValue } from "./command_line.ts";
import { describeFindings } from "./show_findings.ts";
import { describeStatements } from "./show_statements.ts";
import { describeVerification } from "./show_verification.ts";
import { paragraph, safe, type Stream, table } from "./terminal.ts";

export interface OperationPage extends Pick<Stream, "colors" | "width"> {
  operation: "rename" | "rollback" | "finalize" | "refresh";
  /** The project's URL. */
  url: string;
  /** The arguments of the command, to print the one that comes next. */
  args: string[];
  verbose: boolean;
  acknowledged: string[];
  /** How many tables a plan is for; default: as many as the answer has migrations. */
  requested?: number;
  /** The migration file that was written of a plan. */
  file?: string;
}

/** What was done, or would be; statements, findings, locks, verification; and the command that comes next. */
export function describeOperation(answer: OperationAnswer, page: OperationPage): string {
  const planned = answer.mode !== "apply";
  return [
    headline(answer, page),
    describeMigrations(answer.migrations, page),
    describeStatements(answer.statements, page, { planned, verbose: page.verbose }),
    describeFindings(answer.findings, page),
    answer.mode !== "plan"
      ? ""
      : page.file === undefined
      ? describePlan(answer, page)
      : describeFile(page.file, page),
    answer.lock === null ? "" : describeLock(answer.lock, page),
    answer.verification === null ? "" : describeVerification(answer.verification, page),
    answer.history === undefined ? "" : describeHistory(answer.history, page),
    answer.mode === "propose" ? describeWaysOn(answer) : "",
    planned || !REVERSIBLE.has(page.operation) ? "" : describeWayBack(answer),
  ].filter((part) => part !== "").join("\n\n");
}

const WORDS: Record<
  OperationPage["operation"],
  { noun: string; done: (tables: string) => string }
> = {
  rename: { noun: "Rename", done: (tables) => `Renamed ${tables}` },
  rollback: { noun: "Rollback", done: (tables) => `Rolled ${tables} back` },
  finalize: { noun: "Finalization", done: (tables) => `Finalized the rename of ${tables}` },
  refresh: { noun: "New view", done: (tables) => `Made the view of ${tables} again` },
};

const REVERSIBLE = new Set<OperationPage["operation"]>(["rename", "refresh"]);

function headline({ mode, migrations }: OperationAnswer, page: OperationPage): string {
  const { colors } = page;
  const count = mode === "plan" ? page.requested ?? migrations.length : migrations.length;
  const tables = count === 1 ? "1 table" : `${count} tables`;
  const where = colors.dim(`on ${safe(page.url)}`);
  if (mode === "plan") {
    const what = `${WORDS[page.operation].noun} of ${tables}`;
    return `${colors.cyan("Plan")}  ${colors.bold(what)}, nothing was changed  ${where}`;
  }
  if (mode === "propose") {
    return `${colors.cyan("Proposed")}  ${
      colors.bold(`Rename of ${tables}`)
    }, no table was changed  ${where}`;
  }
  const done = WORDS[page.operation].done(tables);
  return `${colors.green("✓")} ${colors.bold(done)}  ${where}`;
}

function describeMigrations(migrations: Migration[], page: OperationPage): string {
  if (migrations.length === 0) return "";
  const [from, to] = page.operation === "rollback"
    ? ["new_name", "old_name"] as const
    : ["old_name", "new_name"] as const;
  return table(
    ["SCHEMA", "FROM", "TO", "OLD NAME IS NOW", "MIGRATION"],
    migrations.map((migration) => [
      migration.schema_name,
      migration[from],
      migration[to],
      migration.status === "finalized" ||
        (migration.status === "active" && page.operation === "finalize")
        ? "free"
        : migration.status !== "active" || page.operation === "rollback"
        ? null
        : migration.compatibility_view_created
        ? "a view"
        : "free",
      migration.id,
    ]),
    page,
  );
}

function describePlan(answer: OperationAnswer, page: OperationPage): string {
  const { plan_hash, findings, would_be_refused: refusal } = answer;
  const { colors, width } = page;
  const codes = openCodes(findings, page);
  return [
    ...(refusal === undefined ? [] : [
      `${colors.bold(colors.red("An apply would be refused"))}  ${safe(refusal.code)}`,
      paragraph(safe(refusal.detail), width, 2),
      ...(refusal.hint === undefined
        ? []
        : [colors.dim(paragraph(`→ ${safe(refusal.hint)}`, width, 2))]),
      "",
    ]),
    `${colors.bold("Plan hash")}  ${safe(plan_hash)}`,
    "",
    codes.length === 0
      ? "To apply exactly this plan:"
      : "Applying it is refused, since something would break. To accept that, and apply exactly this plan:",
    `  ${applyCommand(page.args, codes, plan_hash)}`,
  ].join("\n");
}

/** Codes that stop an apply. */
const openCodes = (findings: Finding[], { acknowledged }: Pick<OperationPage, "acknowledged">) =>
  breakingCodes(findings).filter((code) => !acknowledged.includes(code));

/** The same as Markdown, for a pull request. */
export function reportOperation(
  answer: OperationAnswer,
  { operation, args, acknowledged, file }: Pick<
    OperationPage,
    "operation" | "args" | "acknowledged" | "file"
  >,
): string {
  const codes = openCodes(answer.findings, { acknowledged });
  const command = file === undefined
    ? applyCommand(args, codes, answer.plan_hash)
    : "npx supabase db push";
  return operationInMarkdown(answer, { operation, command, acknowledged }).trimEnd();
}

/** The command line of a plan, made into the one that applies exactly it. */
function applyCommand(args: string[], acknowledge: string[], planHash: string): string {
  return commandLine(withOption(
    withoutValue(["--plan", "--markdown"].reduce(withoutFlag, args), "--expected-plan-hash"),
    ...(acknowledge.length > 0 ? ["--acknowledge", acknowledge.join(",")] : []),
    "--expected-plan-hash",
    planHash,
  ));
}

function describeFile(file: string, { colors }: OperationPage): string {
  return [
    `${colors.green("✓")} ${colors.bold("Written")}  ${safe(file)}`,
    "",
    "To apply it, and have it tracked:",
    "  npx supabase db push",
  ].join("\n");
}

function describeHistory(
  { version, name }: NonNullable<OperationAnswer["history"]>,
  { colors }: OperationPage,
): string {
  return `${colors.bold("Migration history")}  ${safe(`${version}_${name}`)}; ` +
    "supabase migration fetch writes the file into the repository";
}

function describeLock(
  lock: NonNullable<OperationAnswer["lock"]>,
  { colors }: OperationPage,
): string {
  const attempts = lock.attempts === 1 ? "1 attempt" : `${lock.attempts} attempts`;
  return `${colors.bold("Locks")}  ${attempts}, waited for ${lock.waited_ms} ms, ` +
    `held for ${lock.held_ms} ms (the longest that other clients were kept waiting)`;
}

function describeWaysOn({ batch_id }: OperationAnswer): string {
  const batch = ["--batch-id", batch_id ?? ""];
  return [
    "To apply it, if its plan is still the same:",
    `  ${commandLine(["rename-table", ...batch])}`,
    "To withdraw it:",
    `  ${commandLine(["rollback-rename", ...batch])}`,
  ].join("\n");
}

function describeWayBack({ batch_id, migrations }: OperationAnswer): string {
  const selection = migrations.length === 1 || batch_id === null
    ? ["--migration-id", migrations[0]?.id ?? ""]
    : ["--batch-id", batch_id];
  return `To take it back:\n  ${commandLine(["rollback-rename", ...selection])}`;
}
