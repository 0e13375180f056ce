/** The plans of a change, one request after the other. */
import { queryOptions } from "@tanstack/react-query";
import type { OperationAnswer } from "../../../contract/responses.ts";
import { client } from "./client.ts";
import {
  type ChangeKind,
  type ChangeOptions,
  type ChangeTarget,
  planRequest,
  refusalOf,
  sharedBatches,
  type Unit,
  unitsOf,
} from "../changes/change.ts";
import { RenameError } from "../../../client/rename_error.ts";

export interface PlannedUnit {
  unit: Unit;
  plan: OperationAnswer;
}

/** What a change would do, and what of it would be refused whatever is ticked. */
export interface Plans {
  planned: PlannedUnit[];
  refused: { unit: Unit; error: Error }[];
}

/** @param onProgress Called with how many plans are made. */
export const plansOptions = (
  kind: ChangeKind,
  targets: ChangeTarget[],
  options: ChangeOptions,
  onProgress: (done: number, total: number) => void,
) =>
  queryOptions({
    queryKey: ["change plan", kind, targets.map(({ id }) => id), options],
    queryFn: async ({ signal }): Promise<Plans> => {
      const units = unitsOf(kind, targets, await openRenames(sharedBatches(kind, targets)));
      const plans: Plans = { planned: [], refused: [] };
      for (const [index, unit] of units.entries()) {
        onProgress(index, units.length);
        try {
          const plan = await client[kind](planRequest(kind, unit, options), { signal });
          const refusal = refusalOf(plan);
          if (refusal === undefined) plans.planned.push({ unit, plan });
          else {
            const { code, detail, hint } = refusal;
            plans.refused.push({ unit, error: new RenameError(code, detail, { hint }) });
          }
        } catch (error) {
          // One request alone: its refusal is the answer.
          if (units.length === 1 || signal.aborted || !(error instanceof RenameError)) throw error;
          if (error.code === "unreachable") throw error;
          plans.refused.push({ unit, error });
        }
      }
      return plans;
    },
    // A plan is good for one look: the next one is made anew.
    staleTime: Infinity,
    gcTime: 0,
    refetchOnWindowFocus: false,
  });

async function openRenames(batches: string[]): Promise<Map<string, string[]>> {
  const open = new Map<string, string[]>();
  for (const batch_id of batches) {
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.listMigrations({ batch_id, limit: 200, cursor });
      ids.push(
        ...page.migrations.filter(({ status }) => status === "active" || status === "pending")
          .map(({ id }) => id),
      );
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    open.set(batch_id, ids);
  }
  return open;
}
