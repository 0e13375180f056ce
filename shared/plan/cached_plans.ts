/**
 * PL/pgSQL routines with variables for rows of a table. Sessions that have run such a routine have its row type in
 * their cache, and fail once another relation has the table's name (42804; after a rollback, XX000), until they compile
 * the routine again. Any change of its row in pg_proc makes them do so; setting a property to its present value will do.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { TextFacts } from "../facts/facts.ts";
import type { PlanStatement } from "./plan.ts";
import { dollarQuoted } from "../sql/quoting.ts";
import type { ReadText } from "../findings/text_findings.ts";

export type RoutineWithCachedPlans = Pick<
  TextFacts,
  "identity" | "schema" | "security_definer" | "owned"
>;

/** OIDs of the tables that a text has row variables of. */
function tablesKeptBy({ text, rows }: ReadText): Set<number> {
  if (text.kind !== "routine" || text.language !== "plpgsql" || rows === null) return new Set();
  const takesAnyRow = rows.records || text.record_parameters;
  return new Set([...rows.variables, ...(takesAnyRow ? rows.wholeRows : [])]);
}

/** The routines among the texts that have row variables of these tables. */
export function routinesWithCachedPlans(
  texts: ReadText[],
  tables: { oid: number }[],
): RoutineWithCachedPlans[] {
  return texts.filter((text) => {
    const kept = tablesKeptBy(text);
    return kept.size > 0 && tables.some(({ oid }) => kept.has(oid));
  }).map(({ text }) => text);
}

/**
 * Statements that make sessions compile the routines again. A migration file catches the error where a routine is gone;
 * a request plans again instead, since others who replace the routine would wait for the end of the request, not only
 * of the attempt, after a subtransaction that succeeded (XactLockTableWait).
 */
export function recompile(routines: RoutineWithCachedPlans[]): PlanStatement[] {
  const sorted = routines.filter(({ owned }) => owned)
    .sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
  return sorted.map(({ identity, security_definer }) => {
    const sql = `alter routine ${identity} security ${security_definer ? "definer" : "invoker"}`;
    return {
      sql,
      in_file: `do ${
        dollarQuoted(
          `
begin
  ${sql};
exception when invalid_schema_name or undefined_function or undefined_object then
  null;
end `,
          "compile",
        )
      }`,
      purpose:
        "Have sessions compile the routine again: it has row variables of the type that has the old name",
    };
  });
}

/** The routines that cannot be recompiled; those of the platform use no tables of users. */
export function staleRoutineFindings(routines: RoutineWithCachedPlans[]): Finding[] {
  const others = routines.filter(({ owned, schema }) => !owned && !isProtectedSchema(schema ?? ""));
  return others.map(({ identity }) => ({
    code: "routine_kept_compiled",
    severity: "warning",
    object: identity,
    message:
      "The routine has a variable for rows of the table and belongs to another role. Sessions that have run " +
      "it before can fail with 42804 until they reconnect.",
    remedy:
      "Have its owner replace it right after the rename, or grant its owner's role to this one before.",
  }));
}
