/** What hangs on a table, by kind, as it is kept with a migration. */
import type { NamedDefinition, RelationFacts } from "./facts.ts";

/** Names only; each kind is there, if only as an empty list. */
export function dependencies(table: RelationFacts): Record<string, string[]> {
  const names = (objects: NamedDefinition[]) => objects.map(({ name }) => name);
  const ofKind = (...kinds: string[]) =>
    table.dependants.filter(({ kind }) => kinds.includes(kind)).map(({ identity }) => identity);
  const known = ["view", "materialized view", "function", "procedure", "policy"];
  return {
    foreign_keys: table.constraints
      .filter(({ definition }) => definition.startsWith("FOREIGN KEY"))
      .map(({ name }) => name),
    referenced_by: names(table.referencing),
    constraints: names(table.constraints),
    indexes: names(table.indexes),
    triggers: names(table.triggers),
    policies: names(table.policies),
    rules: names(table.rules),
    statistics: names(table.statistics),
    publications: names(table.publications),
    sequences: names(table.owned_sequences),
    partitions: table.children,
    parents: table.parents,
    views: ofKind("view"),
    materialized_views: ofKind("materialized view"),
    functions: ofKind("function", "procedure"),
    policies_elsewhere: ofKind("policy"),
    others: table.dependants
      .filter(({ kind }) => !known.includes(kind))
      .map(({ kind, identity }) => `${kind} ${identity}`),
  };
}
