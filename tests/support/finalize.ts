/** Finalizing through the endpoint, and the days of quiet before it. */
import type { FinalizeInput } from "../../shared/contract/requests.ts";
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import type { TestDatabase } from "./servers/database.ts";
import { functionsFor } from "./http/functions.ts";

/** Finalizes, and fails the test unless it is done and verified. */
export async function finalize(db: TestDatabase, body: FinalizeInput): Promise<OperationAnswer> {
  await using functions = functionsFor(db.url);
  const answer = await functions.finalize(body);
  if (!answer.verification?.passed) throw new Error(JSON.stringify(answer.verification, null, 2));
  return answer;
}

/** Moves everything that is noted about usage back in time, as if it had been noted so long ago. */
export const age = (db: TestDatabase, days: number) =>
  db.sql`
    update table_rename.sys_table_migration_usage
    set snapshot_at = snapshot_at - make_interval(days => ${days}),
      observed_since = observed_since - make_interval(days => ${days}),
      sampled_at = sampled_at - make_interval(days => ${days}),
      last_used_at = last_used_at - make_interval(days => ${days})`;
