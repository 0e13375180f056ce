/** What is different between the plan that was reviewed and the one of now. */
import type { Finding, OperationAnswer } from "../../../contract/responses.ts";

interface PlanChanges {
  /** Lines of statements, as `- line` and `+ line`. */
  lines: string[];
  /** Findings that were not there. */
  added: Finding[];
  /** Findings that are not there any more. */
  gone: Finding[];
}

type Planned = Pick<OperationAnswer, "statements" | "findings">;

export function planChanges(before: Planned, after: Planned): PlanChanges {
  const linesOf = ({ statements }: Planned) => statements.flatMap(({ sql }) => sql.split("\n"));
  const keyOf = ({ code, object, severity, message }: Finding) =>
    JSON.stringify([code, object, severity, message]);
  return {
    lines: [
      ...without(linesOf(before), linesOf(after), String).map((line) => `- ${line}`),
      ...without(linesOf(after), linesOf(before), String).map((line) => `+ ${line}`),
    ],
    added: without(after.findings, before.findings, keyOf),
    gone: without(before.findings, after.findings, keyOf),
  };
}

/** What is in the first list more often than in the second. */
function without<Item>(items: Item[], others: Item[], keyOf: (item: Item) => string): Item[] {
  const left = new Map<string, number>();
  for (const other of others) left.set(keyOf(other), (left.get(keyOf(other)) ?? 0) + 1);
  return items.filter((item) => {
    const count = left.get(keyOf(item)) ?? 0;
    left.set(keyOf(item), count - 1);
    return count <= 0;
  });
}
