/** Keeps the states after a change with its migrations, for later comparisons; what follows a commit waits for no lock. */
import { sleep } from "../postgres/limits.ts";
import { keepFingerprints, type KeptState } from "../tracking/migrations.ts";
import type { OperationContext } from "./context.ts";

/** How long a migration that another request has locked is tried again, and the pause, in milliseconds. */
const LONGEST_MS = 1_000;
const PAUSE_MS = 100;

/**
 * Keeps states. A migration that another request is at work on, such as a rollback at once, is passed over and tried
 * again, with no connection kept meanwhile; what could not be kept in the end is logged.
 */
export async function keepStates(context: OperationContext, states: KeptState[]): Promise<void> {
  const { database, log } = context;
  const started = performance.now();
  let left = states;
  while (left.length > 0) {
    const kept = await database.whileReachable(() => database.query(keepFingerprints(left)));
    const ids = new Set(kept.map(({ id }) => String(id)));
    left = left.filter(({ id }) => !ids.has(id));
    if (left.length === 0) return;
    if (performance.now() - started > LONGEST_MS) {
      log("the states after the change could not be kept: another request has the migrations", {
        migration_ids: left.slice(0, 20).map(({ id }) => id),
      });
      return;
    }
    await sleep(PAUSE_MS);
  }
}
