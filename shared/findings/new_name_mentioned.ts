/** Who uses the names that go when a rename is taken back: a rollback's findings about texts. */
import type { LocatedMigration } from "../facts/migration.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts } from "../facts/facts.ts";
import { namedIn } from "./text_findings.ts";

/**
 * Routines and scheduled jobs that use a table by a name that nothing has after the rollback. A warning: a
 * rollback is made because something is wrong, and whoever took to the new name already is known to lose it.
 *
 * @param steps What is rolled back, newest first; of one table it can be several.
 */
export function newNameMentioned(
  steps: LocatedMigration[],
  { texts, same_named_relations }: Facts,
): Finding[] {
  const going = [...Map.groupBy(steps, ({ table }) => table)].flatMap(([table, own]) => {
    const [last, ...between] = own.map(({ migration }) => migration.old_name).reverse();
    return [table.name, ...between].filter((name) => name !== last)
      .map((name) => ({ schema: table.schema, name }));
  });
  const lasting = texts.filter(({ kind }) => kind !== "statement");
  return namedIn({ texts: lasting, same_named_relations, dynamic_sql_routines: [] }, going).map(
    ({ kind, identity, table, certainty, excerpt }): Finding => ({
      code: "new_name_mentioned",
      severity: "warning",
      object: kind === "routine" ? identity : `${kind} ${identity}`,
      message: certainty === "possible"
        ? `The ${kind} may use ${table}, a name that nothing has after the rollback: ${excerpt}`
        : `The ${kind} uses ${table} and fails after the rollback (42P01): ${excerpt}`,
      remedy: "Change it to the old name, which works before and after the rollback.",
    }),
  );
}
