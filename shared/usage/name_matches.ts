/**
 * Which old names a text uses. Texts are read as the server reads them; what that leaves open depends on how the
 * server counts statements, which changed in 18.
 */
import type { TextFacts } from "../facts/facts.ts";
import type { StatementEntry, UsageFacts, UsedMigration } from "../facts/usage_facts.ts";
import { lex, type Token } from "../sql/parser/lexer.ts";
import {
  referencesIn,
  type TableIndex,
  tableIndex,
  type TableReference,
} from "../sql/references/table_references.ts";

/** `unclear`: the text uses the old name, or another relation. */
export type NameMatch = "certain" | "unclear";

type Matches = Map<UsedMigration, NameMatch>;

/** From this version on statements are counted by the names in them, or by the aliases of these. */
const COUNTED_BY_NAME = 180_000;

export const countedByName = (serverVersion: number): boolean => serverVersion >= COUNTED_BY_NAME;

interface Meaning {
  migration: UsedMigration;
  as: "old name" | "new name" | "namesake";
}

export interface WantedNames {
  tables: TableIndex;
  meanings: Map<number, Meaning[]>;
  /** Ids of migrations whose old name exists in another schema too. */
  shared: Set<string>;
  byName: boolean;
}

/**
 * The names to search for. If statements are counted by name, one that uses a relation of the same name in another
 * schema, or the new name with the same alias, shares its entry with one that uses the old name, and only the
 * text of the first is kept. So these names are searched for too.
 */
export function wantedNames(
  migrations: UsedMigration[],
  { same_named_relations, server_version }: Pick<
    UsageFacts,
    "same_named_relations" | "server_version"
  >,
): WantedNames {
  const byName = countedByName(server_version);
  const relations = new Map<string, { oid: number; schema: string; name: string }>();
  const meanings = new Map<number, Meaning[]>();
  const add = (schema: string, name: string, meaning: Meaning) => {
    const key = JSON.stringify([schema, name]);
    let relation = relations.get(key);
    if (relation === undefined) {
      relation = { oid: relations.size + 1, schema, name };
      relations.set(key, relation);
      meanings.set(relation.oid, []);
    }
    meanings.get(relation.oid)!.push(meaning);
  };
  const sameName = Map.groupBy(same_named_relations, ({ name }) => name);
  const shared = new Set<string>();
  for (const migration of migrations) {
    const { schema_name, old_name, new_name } = migration;
    add(schema_name, old_name, { migration, as: "old name" });
    if (byName) add(schema_name, new_name, { migration, as: "new name" });
    for (const { schema } of sameName.get(old_name) ?? []) {
      if (schema === schema_name) continue;
      shared.add(migration.id);
      if (byName) add(schema, old_name, { migration, as: "namesake" });
    }
  }
  const views = [...relations.values()].map((relation) => ({
    ...relation,
    kind: "v" as const,
    columns: [],
    constraints: [],
    children: [],
  }));
  const known = same_named_relations.map(({ schema, name }): [string, string] => [schema, name]);
  return { tables: tableIndex(views, undefined, undefined, known), meanings, shared, byName };
}

/**
 * The old names, by migration, that a recorded statement uses. Names that share an entry with the old name only
 * matter in clients' statements: functions have texts of their own, which are read as well.
 */
export function namedInStatement(
  { text, toplevel }: Pick<StatementEntry, "text" | "toplevel">,
  wanted: WantedNames,
): Matches {
  const found: Matches = new Map();
  const uses = referencesIn(
    { language: "sql", text, search_path: null, schema: null },
    wanted.tables,
  );
  if (uses.length === 0) return found;
  const tokens = lex(text).tokens.filter(({ kind }) => kind !== "space" && kind !== "comment");
  for (const use of uses) {
    const aliased = wanted.byName && hasAlias(tokens, use.at);
    for (const { migration, as } of wanted.meanings.get(use.table.oid)!) {
      if (as !== "old name" && !toplevel) continue;
      if (as === "new name" && !aliased) continue;
      const clear = as === "old name" && !aliased && isClear(use, tokens, migration, wanted);
      note(found, migration, clear);
    }
  }
  return found;
}

/** The old names, by migration, that a routine or a cron job uses. */
export function namedInText(text: TextFacts, wanted: WantedNames): Matches {
  const found: Matches = new Map();
  for (const use of referencesIn(text, wanted.tables)) {
    for (const { migration, as } of wanted.meanings.get(use.table.oid)!) {
      if (as === "old name") note(found, migration, use.certainty !== "possible");
    }
  }
  return found;
}

function note(found: Matches, migration: UsedMigration, clear: boolean): void {
  if (clear) found.set(migration, "certain");
  else if (!found.has(migration)) found.set(migration, "unclear");
}

/**
 * Whether the statement means this relation. A name without a schema was resolved by a search path that we do not
 * know; if no other schema has the name, it can mean nothing else, because the statement ran.
 */
function isClear(
  use: TableReference,
  tokens: Token[],
  migration: UsedMigration,
  { shared, byName }: WantedNames,
): boolean {
  const first = tokens.findIndex(({ start }) => start === use.at);
  if (shared.has(migration.id)) {
    return !byName && use.certainty !== "possible" && tokens[first + 1]?.value === ".";
  }
  if (use.certainty !== "possible") return true;
  return use.code !== "unparsed_text" && tokens[first]?.value === migration.old_name;
}

/** Words that can follow a relation's name without being its alias. */
const NO_ALIAS = new Set([
  ...["cross", "default", "do", "except", "fetch", "for", "full", "group", "having", "in", "inner"],
  ...["intersect", "into", "join", "left", "limit", "natural", "nowait", "offset", "on", "order"],
  ...["overriding", "returning", "right", "select", "set", "table", "tablesample", "to", "union"],
  ...["using", "values", "when", "where", "window", "with"],
]);

/** Whether the relation named at this position has an alias. */
function hasAlias(tokens: Token[], at: number): boolean {
  let i = tokens.findIndex(({ start }) => start === at);
  if (i < 0) return false;
  while (tokens[i + 1]?.value === "." && tokens[i + 1].kind === "mark") i += 2;
  if (tokens[i + 1]?.kind === "operator" && tokens[i + 1].value === "*") i++;
  const next = tokens[i + 1];
  return next?.kind === "quoted" || (next?.kind === "word" && !NO_ALIAS.has(next.value));
}
