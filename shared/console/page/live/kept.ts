/** What of the operations is kept when the tab is loaded anew: little, since a full storage would keep nothing. */
import { changeAnswer, isOver, type Operation } from "./operation.ts";

/** Most operations that are kept of those that are over. */
const MAX_OVER = 10;
const MAX_REPORTS = 50;
const MAX_FINDINGS = 20;

/** Longest JSON of one that is over, in characters. */
const MAX_LENGTH = 100_000;

/** What runs, or is about to, and the last ones of what is over without their statements. */
export function keptOperations(operations: Operation[]): Operation[] {
  let over = 0;
  return operations.flatMap((operation) => {
    const kept = { ...operation, progress: operation.progress.slice(-MAX_REPORTS) };
    if (!isOver(operation)) return [kept];
    if (++over > MAX_OVER) return [];
    const answer = changeAnswer(operation);
    const small: Operation = answer === undefined ? kept : {
      ...kept,
      answer: {
        ...answer,
        migrations: [],
        statements: [],
        tables: undefined,
        rewritten_texts: undefined,
        findings: answer.findings.slice(0, MAX_FINDINGS),
      },
    };
    return JSON.stringify(small).length > MAX_LENGTH ? [] : [small];
  });
}
