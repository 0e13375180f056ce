/** Whether a plan may be applied: it is the expected or proposed one, and what it breaks is acknowledged. */
import { Problem } from "../contract/problems.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import type { Plan } from "./plan.ts";

/** @throws {Problem} `plan_changed`; `breaking_findings` or `old_name_in_use`, unless they are acknowledged. */
export function requireAccepted(
  plan: Plan,
  request: { expected_plan_hash?: string; acknowledge: string[] },
): void {
  if (request.expected_plan_hash !== undefined && request.expected_plan_hash !== plan.hash) {
    throw new Problem(
      "plan_changed",
      "The plan is no longer the one you expect: the tables, their grants or the request changed.",
      {
        hint: "Review the new plan (mode plan) and send its plan_hash.",
        fields: { plan_hash: plan.hash, expected_plan_hash: request.expected_plan_hash },
      },
    );
  }
  const open = plan.findings.filter((finding) =>
    finding.severity === "breaking" && !request.acknowledge.includes(finding.code)
  );
  if (open.length === 0) return;
  refuseNameInUse(open, plan.findings);
  const codes = [...new Set(open.map((finding) => finding.code))];
  const objects = [...new Set(open.map((finding) => finding.object))];
  throw new Problem(
    "breaking_findings",
    `This would break something: ${codes.join(", ")} on ${objects.slice(0, 5).join(", ")}` +
      (objects.length > 5 ? ` and ${objects.length - 5} more.` : "."),
    {
      hint: `Fix what the findings report, or accept it with "acknowledge": ${
        JSON.stringify(codes)
      }.`,
      fields: { findings: plan.findings },
    },
  );
}

/** Refuses the use of an old name; where none was seen, but not for long enough, says when that will be. */
function refuseNameInUse(open: Finding[], findings: Finding[]): void {
  const uses = open.filter(({ code }) => code === "old_name_in_use");
  const all = [...uses, ...open.filter(({ code }) => code === "not_quiet_long_enough")];
  if (all.length === 0) return;
  const reported = uses.length > 0 ? uses : all;
  const objects = [...new Set(reported.map(({ object }) => object))];
  const names = objects.slice(0, 5).join(", ") +
    (objects.length > 5 ? ` and ${objects.length - 5} more` : "");
  const evidence = all.map(({ object, message }) => ({ object, message }));
  const earliest = all.flatMap(({ earliest }) => earliest ?? []).sort().at(-1);
  const accept = `"acknowledge": ${JSON.stringify([...new Set(all.map(({ code }) => code))])}`;
  throw new Problem(
    "old_name_in_use",
    uses.length > 0
      ? `The old name is still used: ${names}.`
      : `Too early to end the rename of ${names}. ${
        reported.map(({ message }) => message).join(" ")
      }`,
    {
      hint: uses.length > 0
        ? `Change each to the new name; to end the rename all the same, send ${accept}.`
        : [...new Set(reported.map(({ remedy }) => remedy))].join(" "),
      fields: { findings, evidence, ...(uses.length === 0 && { earliest }) },
    },
  );
}

/**
 * @param statements The plan's statements that are about single tables; the proposal has kept the same.
 * @throws {Problem} `plan_changed` with `changes`, the lines that differ.
 */
export function requireProposed(
  plan: Plan,
  statements: Statement[],
  proposed: { batch_id: string; plan_hash: string; statements: Statement[] },
): void {
  if (proposed.plan_hash === plan.hash) return;
  const linesOf = (of: Statement[]) => of.flatMap(({ sql }) => sql.split("\n"));
  throw new Problem(
    "plan_changed",
    "The tables, their columns, grants or defaults are not what they were when this was proposed.",
    {
      hint:
        "Withdraw the proposal (rollback with its batch_id), and propose it again as it is now.",
      fields: {
        plan_hash: plan.hash,
        expected_plan_hash: proposed.plan_hash,
        batch_id: proposed.batch_id,
        changes: linesChanged(linesOf(proposed.statements), linesOf(statements)),
      },
    },
  );
}

const MAX_LINES = 100;

/** Where more lines than this differ, all are listed as removed and added: the comparison is quadratic. */
const MAX_COMPARED = 2_000;

/** The lines that differ, as `- line` and `+ line`, by the longest common subsequence. */
export function linesChanged(before: string[], after: string[]): string[] {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let end = 0;
  while (
    end < before.length - start && end < after.length - start &&
    before[before.length - 1 - end] === after[after.length - 1 - end]
  ) end++;
  const [old, now] = [
    before.slice(start, before.length - end),
    after.slice(start, after.length - end),
  ];
  const changed = old.length > MAX_COMPARED || now.length > MAX_COMPARED
    ? [...old.map((line) => `- ${line}`), ...now.map((line) => `+ ${line}`)]
    : compared(old, now);
  const more = changed.length - MAX_LINES;
  return more > 0 ? [...changed.slice(0, MAX_LINES), `… and ${more} more lines`] : changed;
}

function compared(before: string[], after: string[]): string[] {
  // lengths[i][j]: longest common subsequence of what follows line i and line j.
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] = before[i] === after[j]
        ? lengths[(i + 1) * width + j + 1] + 1
        : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const changed: string[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      i++;
      j++;
    } else if (
      j === after.length ||
      (i < before.length && lengths[(i + 1) * width + j] >= lengths[i * width + j + 1])
    ) {
      changed.push(`- ${before[i++]}`);
    } else {
      changed.push(`+ ${after[j++]}`);
    }
  }
  return changed;
}
