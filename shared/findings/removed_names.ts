/** Findings about texts that use a name which nothing has after a rollback or a finalization. */
import type { Finding } from "../contract/responses.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import type { LocatedMigration, TrackedRename } from "../facts/migration.ts";
import { strongest } from "../sql/references/table_references.ts";
import { qualified } from "../sql/quoting.ts";
import { readTexts, textObject, type TextsOf } from "./text_findings.ts";

/**
 * Which texts name the tables, once for each text and table; `certainty` is "possible" if a text may mean something
 * else. Recorded statements that define something and have run once are left out: they will not run again.
 */
export function namedIn(texts: TextsOf, names: Pick<RelationFacts, "schema" | "name">[]) {
  // Negative numbers are no OIDs, so that no text is taken for a trigger function of these tables.
  const tables = names.map(({ schema, name }, n) => ({
    oid: -1 - n,
    schema,
    name,
    kind: "v" as const,
    columns: [],
    constraints: [],
    children: [],
  }));
  return readTexts(texts, tables).flatMap(({ text: { kind, identity }, references }) =>
    [...Map.groupBy(references, ({ table }) => table.oid).values()].map((own) => {
      const { table, certainty, excerpt } = strongest(own);
      return { kind, identity, table: qualified(table.schema, table.name), certainty, excerpt };
    })
  );
}

/** Routines and cron jobs. Recorded statements may have run before the rename only. */
export const lastingTexts = ({ texts }: Pick<Facts, "texts">) =>
  texts.filter(({ kind }) => kind !== "statement");

/**
 * Routines and cron jobs that use a name which the rollback takes away. A warning: a rollback is made because
 * something is wrong, and it is no surprise that users of the new name lose it.
 *
 * @param steps What is rolled back, newest first; there can be several of one table.
 */
export function newNameMentioned(steps: LocatedMigration[], facts: Facts): Finding[] {
  const removed = [...Map.groupBy(steps, ({ table }) => table)].flatMap(([table, own]) => {
    const [last, ...between] = own.map(({ migration }) => migration.old_name).reverse();
    return [table.name, ...between].filter((name) => name !== last)
      .map((name) => ({ schema: table.schema, name }));
  });
  const texts = {
    texts: lastingTexts(facts),
    same_named_relations: facts.same_named_relations,
    dynamic_sql_routines: [],
  };
  return namedIn(texts, removed).map((named): Finding => ({
    code: "new_name_mentioned",
    severity: "warning",
    object: textObject(named),
    message: named.certainty === "possible"
      ? `The ${named.kind} may use ${named.table}, a name that nothing has after the rollback: ${named.excerpt}`
      : `The ${named.kind} uses ${named.table} and fails after the rollback (42P01): ${named.excerpt}`,
    remedy: "Change it to the old name, which works before and after the rollback.",
  }));
}

/**
 * Routines and cron jobs that still use an old name, and fail once the view is dropped. What only may use it,
 * in a string or in a language that is not analyzed here, is a warning.
 */
export function oldNameInUse(migrations: TrackedRename[], facts: Facts): Finding[] {
  const names = migrations.map(({ schema_name, old_name }) => ({
    schema: schema_name,
    name: old_name,
  }));
  return namedIn({ ...facts, texts: lastingTexts(facts) }, names).map((named): Finding => {
    const { kind, table, excerpt } = named;
    const object = textObject(named);
    return named.certainty === "possible"
      ? {
        code: "old_name_mentioned",
        severity: "warning",
        object,
        message: `The ${kind} may use ${table}: ${excerpt}`,
        remedy: "Check it, and change it to the new name if the table is meant.",
      }
      : {
        code: "old_name_in_use",
        severity: "breaking",
        object,
        message: `The ${kind} uses ${table} and fails without it (42P01): ${excerpt}`,
        remedy:
          'Change it to the new name, by hand or with "rewrite_texts": true; or acknowledge that it will fail.',
      };
  });
}
