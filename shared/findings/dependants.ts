/** The objects that depend on a table or name it, by kind, with what a rename with a view does to each. */
import type { AnalyzedDependant, AnalyzedTable, Effect, Finding } from "../contract/responses.ts";
import type {
  Facts,
  NamedDefinition,
  RelationFacts,
  RowTypeUser,
  TextFacts,
} from "../facts/facts.ts";
import { type AclEntry, type PrivilegeLists, privilegesOf } from "../facts/privileges.ts";
import { qualified } from "../sql/quoting.ts";
import { strongest } from "../sql/references/table_references.ts";
import { concernedEventTriggers } from "./database_findings.ts";
import { webhooks } from "./object_findings.ts";
import { type ReadText, textObject } from "./text_findings.ts";

/** By kind; every kind is present, even if it is empty. */
export type Dependants = AnalyzedTable["dependants"];

interface RenameContext {
  /** The texts that use the table. */
  read: ReadText[];
  findings: Finding[];
  /** Whether rows of the view can be used as rows of the table. */
  served: boolean;
}

export function dependantsOf(
  table: RelationFacts,
  facts: Facts,
  context: RenameContext,
): Dependants {
  const { functions: naming, ...texts } = textsNaming(table, context);
  const { functions: depending, ...elsewhere } = dependingOn(table, context);
  return {
    ...ownObjects(table),
    ...elsewhere,
    functions: merged(depending, naming),
    ...texts,
    ...knowingItsName(table, facts, context),
  };
}

/** One entry for a function that depends on the table and names it too: the one with the worse effect. */
function merged(depending: AnalyzedDependant[], naming: AnalyzedDependant[]): AnalyzedDependant[] {
  const worstFirst: Effect[] = ["breaks", "changes", "handled", "works_through_view", "follows"];
  const rank = ({ effect }: AnalyzedDependant) => worstFirst.indexOf(effect);
  const best = new Map<string, AnalyzedDependant>();
  for (const one of [...naming, ...depending]) {
    const other = best.get(one.name);
    if (other === undefined || rank(one) < rank(other)) best.set(one.name, one);
  }
  return [...best.values()].toSorted(byName);
}

const byName = (a: AnalyzedDependant, b: AnalyzedDependant) => a.name < b.name ? -1 : 1;

const one = (name: string, effect: Effect, detail: string | null = null): AnalyzedDependant => ({
  name,
  effect,
  detail,
});

const all = (names: string[], effect: Effect, detail: string | null = null) =>
  names.map((name) => one(name, effect, detail));

const names = (objects: NamedDefinition[]) => objects.map(({ name }) => name);

function ownObjects(table: RelationFacts): Dependants {
  const isForeignKey = ({ definition }: NamedDefinition) => definition.startsWith("FOREIGN KEY");
  const webhookTriggers = webhooks(table).map(({ trigger }) => trigger);
  return {
    foreign_keys: table.constraints.filter(isForeignKey).map(({ name }) =>
      one(
        name,
        "follows",
        table.self_references.includes(name) ? "It refers to the table itself." : null,
      )
    ),
    constraints: table.constraints.filter((constraint) => !isForeignKey(constraint))
      .map(({ name }) => keepingItsName(name, table)),
    indexes: table.indexes.map(({ name }) => keepingItsName(name, table)),
    triggers: table.trigger_functions
      .filter(({ trigger }) => !webhookTriggers.includes(trigger))
      .map(({ trigger, function: identity, enabled, names_table }) => {
        const disabled = enabled ? "" : ", but is disabled";
        const named = names_table
          ? "; one of its arguments is the table's name, which stays as it is"
          : "";
        return one(trigger, "follows", `It calls ${identity}${disabled}${named}.`);
      }),
    webhooks: all([...new Set(webhookTriggers)], "changes", "Its payload names the table."),
    policies: all(names(table.policies), "follows"),
    rules: all(names(table.rules), "follows"),
    statistics: all(names(table.statistics), "follows"),
    sequences: all(names(table.owned_sequences), "follows", "It keeps its name."),
    partitions: all(table.children, "follows"),
    parents: all(table.parents, "follows"),
    publications: publications(table),
    grants: grants(table),
    comments: [
      ...(table.comment === null ? [] : ["table"]),
      ...table.columns.filter(({ comment }) => comment !== null)
        .map(({ name }) => `column ${name}`),
    ].map((name) => one(name, "handled", "The view has it, too.")),
    security_labels: all(names(table.security_labels), "follows", "The view has none."),
  };
}

/** Worth a note if its name begins with the table's, which it does not follow. */
const keepingItsName = (name: string, table: RelationFacts) =>
  one(name, "follows", name.startsWith(table.name) ? "It keeps its name." : null);

function publications(table: RelationFacts): AnalyzedDependant[] {
  return table.publications.map(({ name, definition }) => {
    const how = definition === "table" ? "" : ` (${definition})`;
    return name === "supabase_realtime"
      ? one(name, "breaks", `Subscriptions to the old name receive nothing${how}.`)
      : one(name, "changes", `It sends the changes under the new name${how}.`);
  });
}

/** By the access control list of a relation: many have the same one. */
const grantsOfLists = new WeakMap<AclEntry[], AnalyzedDependant[]>();

function grants({ acl, columns }: RelationFacts): AnalyzedDependant[] {
  if (columns.some((column) => column.acl.length > 0)) return grantsIn({ acl, columns });
  const found = grantsOfLists.get(acl) ?? grantsIn({ acl, columns: [] });
  grantsOfLists.set(acl, found);
  return found;
}

/** By grantee, sorted by name: `anon: SELECT, UPDATE (price)`. */
function grantsIn(lists: PrivilegeLists): AnalyzedDependant[] {
  const byGrantee = new Map<string, Set<string>>();
  for (const { grantee, privilege, column } of privilegesOf(lists)) {
    const who = grantee ?? "PUBLIC";
    const had = byGrantee.get(who) ?? new Set();
    byGrantee.set(who, had.add(column === null ? privilege : `${privilege} (${column})`));
  }
  return [...byGrantee]
    .map(([grantee, privileges]) => one(grantee, "handled", `${[...privileges].join(", ")}.`))
    .toSorted(byName);
}

/** Dependants elsewhere: the server knows the table by OID, so that they follow it. */
function dependingOn(table: RelationFacts, { served }: RenameContext) {
  const views = (kind: string) =>
    table.views.filter((view) => view.kind === kind).map(({ identity, depth }) =>
      one(identity, "follows", depth === 1 ? null : `At depth ${depth}, through other views.`)
    );
  const ofKind = (...kinds: string[]) =>
    table.dependants.filter(({ kind }) => kinds.includes(kind));
  const known = ["view", "materialized view", "function", "procedure", "aggregate", "policy"];
  const embedding = new Set(table.computed_relationships.map((one) => one.function));
  const rowTypeUser = (kind: string, identity: string) =>
    table.row_type.users.find((user) => user.kind === kind && user.identity === identity);
  return {
    referenced_by: all(names(table.referencing), "follows"),
    views: views("view"),
    materialized_views: views("materialized view"),
    functions: [
      ...ofKind("function", "procedure", "aggregate").map(
        ({ kind, identity, on_row_type, takes_row }) =>
          embedding.has(identity)
            ? one(identity, "breaks", "The Data API finds it by the name of the row type.")
            : takes_row
            ? takingRows(identity, rowTypeUser(kind, identity), served)
            : one(identity, "follows", on_row_type ? "It uses the table's row type." : null),
      ),
      ...all(
        table.row_type.inherited_functions,
        "breaks",
        "It takes rows of a table that this one inherits from, which rows of the view are not.",
      ),
    ],
    policies_elsewhere: all(ofKind("policy").map(({ identity }) => identity), "follows"),
    others: table.dependants.filter(({ kind }) => !known.includes(kind))
      .map(({ kind, identity }) => {
        const user = rowTypeUser(kind, identity);
        const name = `${kind} ${identity}`;
        return user === undefined ? one(name, "follows") : takingRows(name, user, served);
      }),
  };
}

/** The cast converts rows of the view, unless it could not be created or a call with them is ambiguous. */
const takingRows = (name: string, user: RowTypeUser | undefined, served: boolean) =>
  served && !user?.ambiguous
    ? one(name, "handled", "It takes rows of the old name, too.")
    : one(name, "breaks", "It takes rows of the table, but not rows of the old name.");

function textsNaming(
  table: RelationFacts,
  { read, findings }: RenameContext,
): Record<"functions" | "trigger_functions" | "cron_jobs" | "statements", AnalyzedDependant[]> {
  const ofKind = (kind: TextFacts["kind"]) =>
    read.filter(({ text, references }) => references.length > 0 && text.kind === kind);
  const isTriggers = ({ text }: ReadText) => text.trigger_of.includes(table.oid);
  const analyzed = (texts: ReadText[]) => texts.map((text) => analyzedText(text, findings));
  return {
    functions: analyzed(ofKind("routine").filter((text) => !isTriggers(text))),
    trigger_functions: analyzed(read.filter(isTriggers)).toSorted(byName),
    cron_jobs: analyzed(ofKind("cron job")),
    // Those that work through the view are left out: they are of no interest, and can be very many.
    statements: analyzed(ofKind("statement"))
      .filter(({ effect }) => effect === "breaks" || effect === "changes"),
  };
}

function analyzedText({ text, references }: ReadText, findings: Finding[]): AnalyzedDependant {
  const own = findings.filter(({ object }) => object === textObject(text));
  const has = (wanted: Finding["severity"]) => own.some(({ severity }) => severity === wanted);
  const effect: Effect = has("breaking")
    ? "breaks"
    : has("warning")
    ? "changes"
    : references.length > 0
    ? "works_through_view"
    : "follows";
  const name = text.object_identity ?? text.identity;
  if (references.length === 0) return one(name, effect);
  const { certainty, excerpt } = strongest(references);
  const codes = [...new Set(own.map(({ code }) => code))].join(", ");
  const verb = certainty === "possible" ? "may name" : "names";
  return one(
    name,
    effect,
    codes === "" ? `It ${verb} the table: ${excerpt}` : `${codes}: ${excerpt}`,
  );
}

/** What knows the table by its name, or is notified of a rename. */
function knowingItsName(
  table: RelationFacts,
  facts: Facts,
  { findings }: RenameContext,
): Dependants {
  const object = qualified(table.schema, table.name);
  const graphql = findings.find((one) => one.code === "graphql" && one.object === object);
  return {
    graphql: graphql === undefined ? [] : [
      one(
        table.name,
        graphql.severity === "breaking" ? "breaks" : "changes",
        "Types and fields that pg_graphql names after the table.",
      ),
    ],
    foreign_tables: table.foreign_tables.map(({ identity, server, roles, updatable }) => {
      const users = roles.length === 0 ? "" : `, for ${roles.join(", ")}`;
      const fails = updatable ? "; some updates and deletes fail" : "";
      return one(
        identity,
        updatable ? "breaks" : "works_through_view",
        `It refers to the table through the server ${server}${users}${fails}.`,
      );
    }),
    subscriptions: all(table.subscriptions, "breaks", "It finds the table by its name."),
    event_triggers: concernedEventTriggers(facts).map(({ name, function: identity }) =>
      one(name, "follows", `It runs ${identity}, which can refuse the rename.`)
    ),
  };
}
