/** What we do through an old name ourselves, where the view counts its use, is no use of it. */
import type { RecordedRename } from "../facts/migration.ts";
import type { Session } from "../postgres/database.ts";
import { wholeTransaction } from "../postgres/transaction.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { passOverReads } from "../tracking/usage.ts";
import type { OperationContext } from "./context.ts";
import { sampleUsage } from "./usage.ts";

/** Notes as use what a view has counted so far. Takes a session of its own. */
export async function noteUseBefore(
  context: OperationContext,
  { migration, view }: { migration: RecordedRename; view: Pick<RelationFacts, "scanCounter"> },
): Promise<void> {
  if (view.scanCounter !== null) await sampleUsage(context, [migration]);
}

/**
 * Does work that reads through a view that may count its use. What was counted before is noted already
 * (`noteUseBefore`), and what is counted meanwhile is passed over, be it ours or somebody else's: that is why it is
 * told here alone.
 */
export async function notCountingReads(
  context: OperationContext,
  session: Session,
  { migration, view }: { migration: RecordedRename; view: Pick<RelationFacts, "scanCounter"> },
  work: () => Promise<void>,
): Promise<void> {
  if (view.scanCounter === null) return await work();
  try {
    await work();
  } finally {
    try {
      // The session's counts are told to the server at the end of its next transaction.
      await session.runWhole(wholeTransaction("select pg_catalog.pg_stat_force_next_flush()"));
      await context.database.query(passOverReads(migration.id, view.scanCounter));
    } catch (cause) {
      context.log("our own reads through the old name could not be left out", { cause });
    }
  }
}
