/** Answers to operations, as JSON or, for a pull request, as Markdown. */
import type { OperationAnswer } from "../contract/responses.ts";
import { type Operation, operationInMarkdown } from "../report/operation.ts";
import { preferredType, represented } from "./negotiate.ts";

/** The `respond` of an operation's endpoint; JSON unless the caller likes `text/markdown` better. */
export const reported =
  (operation: Operation) => (answer: OperationAnswer, request: Request): Promise<Response> => {
    const type = preferredType(request, ["application/json", "text/markdown"]);
    // Made only for those who ask: of a thousand tables it takes a while.
    const body = type === "application/json"
      ? JSON.stringify(answer)
      : operationInMarkdown(answer, { operation });
    return represented(request, [{ type, body }]);
  };
