/**
 * PL/pgSQL routines that keep rows of a table. Sessions that have run such a routine know the row type of what
 * had the name then, and fail once something else has it (42804; after a rollback, XX000), until they compile
 * the routine again. Whatever changes its row in pg_proc has them do so; setting what is set already does,
 * and changes nothing else.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { TextFacts } from "../facts/facts.ts";
import type { PlanStatement } from "./plan.ts";
import { dollarQuoted } from "../sql/quoting.ts";
import type { ReadText } from "../findings/text_findings.ts";

/** What is needed of a routine to have it compiled again. */
export type RoutineWithCachedPlans = Pick<
  TextFacts,
  "identity" | "schema" | "security_definer" | "owned"
>;

/** OIDs of the tables of which a text keeps rows in variables. */
function tablesKeptBy({ text, rows }: ReadText): Set<number> {
  if (text.kind !== "routine" || text.language !== "plpgsql" || rows === null) return new Set();
  const takesAnyRow = rows.records || text.record_parameters;
  return new Set([...rows.variables, ...(takesAnyRow ? rows.wholeRows : [])]);
}

/** The routines among the texts that keep rows of one of these tables. */
export function routinesWithCachedPlans(
  texts: ReadText[],
  tables: { oid: number }[],
): RoutineWithCachedPlans[] {
  return texts.filter((one) => {
    const kept = tablesKeptBy(one);
    return kept.size > 0 && tables.some(({ oid }) => kept.has(oid));
  }).map(({ text }) => text);
}

/**
 * Statements that have the routines compiled again. One that is gone by then needs it no more: a request makes
 * its plan again without it, a file passes it by. A block that catches the error would not do for a request:
 * whoever wants to replace the routine would have to wait for the request's end instead of the attempt's, since
 * a subtransaction that has succeeded counts as part of the whole (XactLockTableWait).
 */
export function recompile(routines: RoutineWithCachedPlans[]): PlanStatement[] {
  // Facts come in no order.
  const inOrder = routines.filter(({ owned }) => owned)
    .sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
  return inOrder.map(({ identity, security_definer }) => {
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
        "Have sessions compile the routine again: it keeps rows of what has the old name, by their type",
    };
  });
}

/** Says which routines cannot be compiled again; the platform's own name no tables of users. */
export function staleRoutineFindings(routines: RoutineWithCachedPlans[]): Finding[] {
  const others = routines.filter(({ owned, schema }) => !owned && !isProtectedSchema(schema ?? ""));
  return others.map(({ identity }) => ({
    code: "routine_kept_compiled",
    severity: "warning",
    object: identity,
    message:
      "The routine keeps rows of the table in a variable and belongs to another role. Sessions that have run " +
      "it before can fail with 42804 until they reconnect.",
    remedy:
      "Have its owner replace it right after the rename, or grant its owner's role to this one before.",
  }));
}
