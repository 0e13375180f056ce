/** Several answers as that of one operation. */
import type { OperationAnswer } from "../../contract/responses.ts";

export function together(answers: OperationAnswer[]): OperationAnswer {
  const verifications = answers.flatMap(({ verification }) => verification ?? []);
  const texts = answers.flatMap(({ rewritten_texts }) => rewritten_texts ?? []);
  const locks = answers.flatMap(({ lock }) => lock ?? []);
  return {
    batch_id: null,
    mode: "apply",
    plan_hash: answers.map(({ plan_hash }) => plan_hash).join(" "),
    migrations: answers.flatMap(({ migrations }) => migrations),
    statements: answers.flatMap(({ statements }) => statements),
    findings: answers.flatMap(({ findings }) => findings),
    ...(texts.length > 0 && { rewritten_texts: texts }),
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
