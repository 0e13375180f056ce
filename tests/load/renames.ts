/** Renames and rollbacks, of single tables, chains and batches, one after the other without end. */
import type { OperationAnswer } from "../../shared/contract/responses.ts";
import type { Functions } from "../support/http/functions.ts";
import { post } from "../support/http/requests.ts";

export interface OperationFigures {
  at: number;
  endedAt: number;
  what: string;
  attempts: number;
  waitedMs: number;
  heldMs: number;
}

export interface Renames {
  done: OperationFigures[];
  failed: { at: number; what: string; message: string }[];
}

interface Rename {
  old_name: string;
  new_name: string;
}

const EXPERTS: Rename = { old_name: "experts", new_name: "expert_profiles" };
const OTHERS: Rename[] = [
  { old_name: "bookings", new_name: "appointments" },
  { old_name: "document_types", new_name: "doc_types" },
];
/** Renames the table on, while clients use both of its names. */
const ON: Rename = { old_name: "expert_profiles", new_name: "specialists" };

/** Time that the clients have in each state, in milliseconds. */
const STATE_MS = 40;

/**
 * Goes on until `over`, and ends with every table under its first name.
 *
 * @param newNames Called with false before the name expert_profiles goes, and with true when it is there.
 */
export async function renameToAndFro(
  functions: Functions,
  options: {
    lockTimeoutMs: number;
    over: () => boolean;
    newNames: (open: boolean) => Promise<void>;
    /** Called after each operation. */
    done: () => void;
  },
): Promise<Renames> {
  const figures: Renames = { done: [], failed: [] };
  const locks = { lock_timeout_ms: options.lockTimeoutMs, max_wait_ms: 20_000 };

  const call = async (what: string, name: string, body: Record<string, unknown>) => {
    const at = Date.now();
    const { status, body: answer } = await post(functions, name, { ...body, ...locks });
    if (status !== 200 || answer.verification?.passed !== true) {
      figures.failed.push({ at, what, message: JSON.stringify(answer).slice(0, 1_000) });
      throw new Error(`the ${what} failed`);
    }
    const { lock, ...rest } = answer as OperationAnswer;
    figures.done.push({
      at,
      endedAt: Date.now(),
      what,
      attempts: lock!.attempts,
      waitedMs: lock!.waited_ms,
      heldMs: lock!.held_ms,
    });
    options.done();
    await new Promise((resolve) => setTimeout(resolve, STATE_MS));
    return rest;
  };
  const rename = (...renames: Rename[]) =>
    call(renames.length > 1 ? `rename of ${renames.length}` : "rename", "rename", { renames });
  const rollback = (batch_id: string | null, what = "rollback") =>
    call(what, "rollback", { batch_id });

  const singles = async () => {
    const experts = await rename(EXPERTS);
    await options.newNames(true);
    const others = await rename(...OTHERS);
    const on = await rename(ON);
    await rollback(on.batch_id, "rollback of a chain's end");
    await rollback(others.batch_id, "rollback of 2");
    await options.newNames(false);
    await rollback(experts.batch_id);
  };
  const batch = async () => {
    const all = await rename(EXPERTS, ...OTHERS);
    await options.newNames(true);
    await options.newNames(false);
    await rollback(all.batch_id, "rollback of 3");
  };
  try {
    while (!options.over()) {
      await singles();
      if (!options.over()) await batch();
    }
  } catch (error) {
    if (figures.failed.length === 0) throw error;
  }
  return figures;
}
