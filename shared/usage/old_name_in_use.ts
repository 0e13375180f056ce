/** Evidence that an old name is still in use, as findings of a finalization. */
import type { TrackedRename } from "../facts/migration.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts } from "../facts/facts.ts";
import { namedIn } from "../findings/text_findings.ts";

/**
 * Texts that still name an old name: routines and scheduled jobs that fail once it is gone. What only may
 * name it, in a string or in a language that is not read here, is a warning. Recorded statements are left
 * out: they may have run before the rename only.
 */
export function oldNameInUse(migrations: TrackedRename[], facts: Facts): Finding[] {
  const names = migrations.map(({ schema_name, old_name }) => ({
    schema: schema_name,
    name: old_name,
  }));
  const texts = facts.texts.filter(({ kind }) => kind !== "statement");
  return namedIn({ ...facts, texts }, names).map(
    ({ kind, identity, table, certainty, excerpt }): Finding => {
      const certain = certainty !== "possible";
      return {
        code: certain ? "old_name_in_use" : "old_name_mentioned",
        severity: certain ? "breaking" : "warning",
        object: kind === "routine" ? identity : `${kind} ${identity}`,
        message: certain
          ? `The ${kind} uses ${table} and fails without it (42P01): ${excerpt}`
          : `The ${kind} may use ${table}: ${excerpt}`,
        remedy: certain
          ? "Change it to the new name, or acknowledge that it fails."
          : "Look at it, and change it to the new name where it is meant.",
      };
    },
  );
}
