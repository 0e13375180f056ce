/** How to go on: apply exactly this plan, or the proposal, or take it back. */
import type { OperationAnswer } from "../contract/responses.ts";
import { code, fenced, prose } from "./escape.ts";
import { breakingCodes } from "./findings.ts";
import type { OperationReport } from "./operation.ts";

export function nextInMarkdown(answer: OperationAnswer, report: OperationReport): string {
  if (answer.mode === "plan") return applyPlan(answer, report);
  if (answer.mode === "propose") {
    return [
      "### Apply it, or withdraw it",
      "Sent to `rename`, this applies the proposal, and is refused if its plan is another one by then; sent " +
      "to `rollback`, it withdraws it:",
      requestOf({ batch_id: answer.batch_id }),
    ].join("\n\n");
  }
  if (report.operation !== "rename" || answer.migrations.length === 0) return "";
  const [{ id }] = answer.migrations;
  const selection = answer.migrations.length === 1 || answer.batch_id === null
    ? { migration_id: id }
    : { batch_id: answer.batch_id };
  return ["### Take it back", "Sent to `rollback`:", requestOf(selection)].join("\n\n");
}

function applyPlan(
  { plan_hash, findings, statements, would_be_refused: refusal }: OperationAnswer,
  { command, acknowledged = [] }: OperationReport,
): string {
  if (statements.length === 0) return `Plan hash: ${code(plan_hash)}`;
  const open = breakingCodes(findings).filter((code) => !acknowledged.includes(code));
  const fields = {
    mode: "apply",
    expected_plan_hash: plan_hash,
    ...(open.length > 0 && { acknowledge: [...acknowledged, ...open] }),
  };
  return [
    ...(refusal === undefined ? [] : [
      `**An apply would be refused** (${code(refusal.code)}): ${prose(refusal.detail)}`,
    ]),
    "### Apply exactly this plan",
    `Plan hash: ${code(plan_hash)}`,
    command === undefined
      ? "The same request with these fields; it is refused if the plan is another one by then" +
        (open.length > 0 ? ", and `acknowledge` says that what breaks is accepted:" : ":")
      : open.length > 0
      ? "It is refused if the plan is another one by then; `--acknowledge` says that what breaks is accepted:"
      : "It is refused if the plan is another one by then:",
    command === undefined ? requestOf(fields) : fenced(command, "sh"),
  ].join("\n\n");
}

const requestOf = (fields: Record<string, unknown>) =>
  fenced(JSON.stringify(fields, null, 2), "json");
