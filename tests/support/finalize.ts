/** A finalize through its endpoint, with a database's own functions. */
import type { FinalizeInput } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import type { TestDatabase } from "./database.ts";
import { functionsFor } from "./functions.ts";

/** Finalizes, and fails the test unless it is done and verified. */
export async function finalize(db: TestDatabase, body: FinalizeInput): Promise<OperationAnswer> {
  await using functions = functionsFor(db.url);
  const answer = await functions.finalize(body);
  if (!answer.verification?.passed) throw new Error(JSON.stringify(answer.verification, null, 2));
  return answer;
}
