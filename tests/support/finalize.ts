/** A finalize through its plan, carried out like every other plan, with the record kept. */
import { factsFromRow, factsMessage } from "../../shared/catalog/read_facts.ts";
import { applyPlan } from "../../shared/execute/apply_plan.ts";
import { databaseAt } from "../../shared/execute/database.ts";
import { type FinalizePlan, planFinalize } from "../../shared/plan/finalize.ts";
import { requireAccepted } from "../../shared/plan/plan.ts";
import { literal } from "../../shared/plan/quoting.ts";
import {
  activeMigrations,
  recordedFromRows,
  selectedMigrations,
  trackedFromRows,
} from "../../shared/tracking/migrations.ts";
import type { TestDatabase } from "./database.ts";

export interface FinalizeSelection {
  migration_id?: string;
  batch_id?: string;
  table?: string;
  schema?: string;
  acknowledge?: string[];
  carry_privileges?: boolean;
}

/** Finalizes; fails as the plan or the database does. */
export async function finalize(
  db: TestDatabase,
  { acknowledge = [], carry_privileges = false, ...selection }: FinalizeSelection,
): Promise<FinalizePlan> {
  const { plan } = await applyPlan<FinalizePlan>(
    databaseAt(db.url),
    {
      lockTimeoutMs: 200,
      maxWaitMs: 30_000,
      limits: { signal: new AbortController().signal, deadline: performance.now() + 60_000 },
      relations: () => [],
      progress: () => {},
    },
    async (session) => {
      const found = recordedFromRows(await session.run(selectedMigrations(selection, true)))
        .filter(({ status }) => status === "active");
      const migrations = selection.table === undefined ? found : found.slice(0, 1);
      const oids = migrations.flatMap(({ table_oid, view_oid }) =>
        [table_oid, view_oid].filter((oid) => oid !== null)
      );
      const message = factsMessage({
        names: migrations.map((one) => ({ schema: one.schema_name, name: one.old_name })),
        oids: [...new Set(oids)],
        builtOn: true,
      });
      const [, [facts], , , active] = await session.runAll(`${message};\n${activeMigrations()}`);
      const plan = await planFinalize(
        migrations,
        factsFromRow(facts as { facts: string }),
        trackedFromRows(active),
        { acknowledge, carryPrivileges: carry_privileges },
      );
      requireAccepted(plan, { acknowledge });
      const ids = migrations.map(({ id }) => `${literal(id)}::uuid`).join(", ");
      return {
        plan,
        record: () => [
          `\nupdate public.sys_table_migrations set status = 'finalized', finalized_at = now()
           where id in (${ids})`,
        ],
        recorded: "select 1 as attempts, 0 as waited_ms, 0 as held_ms",
      };
    },
  );
  return plan;
}
