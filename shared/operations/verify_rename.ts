/** After a rename: what the database says now, compared with what was planned. Takes no locks. */
import type { Verification } from "../contract/responses.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import type { RenamePlan } from "../plan/rename.ts";
import { checkRenamed } from "../plan/verification/verification.ts";
import type { OperationContext } from "./context.ts";
import { keepStates } from "./keep_states.ts";
import { readFacts } from "./read_relations.ts";

/** Verifies a rename that is committed, and keeps the states after it for the comparison at a rollback. */
export async function verifyRename(
  context: OperationContext,
  plan: RenamePlan,
  ids: string[],
): Promise<Verification> {
  const { facts } = await readFacts(context, {
    names: plan.tables.map(({ rename }) => ({ schema: rename.schema, name: rename.old_name })),
    oids: plan.tables.map((table) => table.facts.oid),
  });
  const byOid = new Map(facts.relations.map((relation) => [relation.oid, relation]));
  const states = plan.tables.map((table, index) => {
    const holder = facts.names[index].relation?.oid;
    return {
      planned: table,
      table: byOid.get(table.facts.oid) ?? null,
      view: holder === undefined ? null : byOid.get(holder) ?? null,
    };
  });
  await keepStates(
    context,
    states.flatMap(({ table, view }, index) =>
      table === null
        ? []
        : [{ id: ids[index], after: fingerprint(table), view: view && fingerprint(view) }]
    ),
  );
  return checkRenamed(states);
}
