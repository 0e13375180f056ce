/** The analysis of a table: everything that hangs on it, what a rename does to each, and the findings. */
import type { AclEntry } from "../facts/privileges.ts";
import { analyzedTexts, type TableTexts, textsByTable } from "./analyzed_texts.ts";
import type { AnalyzedDependant, AnalyzedTable, Effect, Finding } from "../contract/responses.ts";
import { compatibilityView } from "../plan/compatibility_view.ts";
import type { Facts, NamedDefinition, RelationFacts, RowTypeUser } from "../facts/facts.ts";
import { concernedEventTriggers, webhooks } from "./object_findings.ts";
import { qualified } from "../sql/quoting.ts";
import { findingsOfRename } from "./rename_findings.ts";
import { readTexts } from "./text_findings.ts";

/** Analyzed objects by kind; each kind is there, if only as an empty list. */
export type Dependants = AnalyzedTable["dependants"];

/** What hangs on each of these tables, and the findings that a rename of it with a view would have. */
export function analyzeTables(
  tables: RelationFacts[],
  facts: Facts,
): Omit<AnalyzedTable, "migrations">[] {
  const texts = textsByTable(readTexts(facts, tables));
  return tables.map((table) => {
    const own = texts.get(table.oid) ?? { read: [] };
    // A name must be given to make the view's plan; of the plan only what findings need is used.
    const view = compatibilityView(table, table.name, facts.session);
    const findings = findingsOfRename(
      [{ facts: table, newName: null, view }],
      facts,
      own.read,
    );
    return {
      schema: table.schema,
      table: table.name,
      kind: table.kind === "p" ? "partitioned table" : "table",
      owner: table.owner,
      dependants: dependantsOf(table, facts, { ...own, findings, served: view.rowCast !== null }),
      findings,
    };
  });
}

/** What of a table's rename is known beside its facts. */
export interface AnalysisContext extends Pick<TableTexts, "read"> {
  findings: Finding[];
  /** Whether rows of the view can be used as the table's. */
  served: boolean;
}

/** What hangs on a table, by kind, with what a rename with a compatibility view does to each. */
export function dependantsOf(
  table: RelationFacts,
  facts: Facts,
  context: AnalysisContext,
): Dependants {
  const { functions, ...texts } = analyzedTexts(table, context, context.findings);
  const { functions: standing, ...standingElsewhere } = standingOnIt(table, context);
  return {
    ...ownObjects(table),
    ...standingElsewhere,
    functions: merged(standing, functions),
    ...texts,
    ...knowingItsName(table, facts, context),
  };
}

/** One entry for a function that stands on the table and names it as well: what is graver counts. */
function merged(standing: AnalyzedDependant[], texts: AnalyzedDependant[]): AnalyzedDependant[] {
  const gravity: Effect[] = ["breaks", "changes", "handled", "works_through_view", "follows"];
  const byName = new Map<string, AnalyzedDependant>();
  for (const one of [...texts, ...standing]) {
    const other = byName.get(one.name);
    const graver = other === undefined ||
      gravity.indexOf(one.effect) < gravity.indexOf(other.effect);
    if (graver) byName.set(one.name, one);
  }
  return [...byName.values()].toSorted((a, b) => a.name < b.name ? -1 : 1);
}

const one = (name: string, effect: Effect, detail: string | null = null): AnalyzedDependant => ({
  name,
  effect,
  detail,
});

const all = (names: string[], effect: Effect, detail: string | null = null) =>
  names.map((name) => one(name, effect, detail));

/** What belongs to the table itself. */
function ownObjects(table: RelationFacts): Dependants {
  const isForeignKey = ({ definition }: NamedDefinition) => definition.startsWith("FOREIGN KEY");
  const webhookTriggers = new Set(webhooks(table).map(({ trigger }) => trigger));
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
    triggers: table.trigger_functions.filter(({ trigger }) => !webhookTriggers.has(trigger)).map((
      { trigger, function: identity, enabled, names_table },
    ) =>
      one(
        trigger,
        "follows",
        `It calls ${identity}${enabled ? "" : ", but is disabled"}${
          names_table ? "; one of its arguments is the table's name, which stays as it is" : ""
        }.`,
      )
    ),
    webhooks: all([...webhookTriggers], "changes", "Its payload names the table."),
    policies: all(names(table.policies), "follows"),
    rules: all(names(table.rules), "follows"),
    statistics: all(names(table.statistics), "follows"),
    sequences: table.owned_sequences.map(({ name }) => one(name, "follows", "It keeps its name.")),
    partitions: all(table.children, "follows"),
    parents: all(table.parents, "follows"),
    publications: publications(table),
    grants: grants(table),
    comments: comments(table),
    security_labels: all(names(table.security_labels), "follows", "The view has none."),
  };
}

const names = (objects: NamedDefinition[]) => objects.map(({ name }) => name);

/** Its name does not follow the table's; where it begins with that, this is worth a word. */
const keepingItsName = (name: string, table: RelationFacts) =>
  one(name, "follows", name.startsWith(table.name) ? "It keeps its name." : null);

function publications(table: RelationFacts): AnalyzedDependant[] {
  return table.publications.map(({ name, definition }) => {
    const how = definition === "table" ? "" : ` (${definition})`;
    return name === "supabase_realtime"
      ? one(name, "breaks", `Subscriptions to the old name receive nothing${how}.`)
      : one(name, "changes", `It carries the changes under the new name${how}.`);
  });
}

/** By who has them, in the order of the names: `anon: SELECT, UPDATE (price)`. */
function grants(table: RelationFacts): AnalyzedDependant[] {
  const byGrantee = new Map<string, string[]>();
  const add = ({ grantee, privilege }: AclEntry, column: string | null) => {
    const who = grantee ?? "PUBLIC";
    const what = column === null ? privilege : `${privilege} (${column})`;
    const had = byGrantee.get(who) ?? [];
    if (!had.includes(what)) byGrantee.set(who, [...had, what]);
  };
  for (const entry of table.acl) add(entry, null);
  for (const { name, acl } of table.columns) for (const entry of acl) add(entry, name);
  return [...byGrantee].toSorted(([a], [b]) => a < b ? -1 : 1)
    .map(([grantee, privileges]) => one(grantee, "handled", `${privileges.join(", ")}.`));
}

function comments(table: RelationFacts): AnalyzedDependant[] {
  return [
    ...(table.comment === null ? [] : [one("table", "handled", "The view has it, too.")]),
    ...table.columns.filter(({ comment }) => comment !== null)
      .map(({ name }) => one(`column ${name}`, "handled", "The view has it, too.")),
  ];
}

/** What stands on the table elsewhere: the server knows it by OID, so that it follows. */
function standingOnIt(table: RelationFacts, { served }: AnalysisContext) {
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
            ? usingRows(identity, rowTypeUser(kind, identity), served)
            : one(identity, "follows", on_row_type ? "It uses the table's row type." : null),
      ),
      ...all(
        table.row_type.inherited_functions,
        "breaks",
        "It takes rows of a table that this one inherits from; rows of a view are none.",
      ),
    ],
    policies_elsewhere: all(ofKind("policy").map(({ identity }) => identity), "follows"),
    others: table.dependants.filter(({ kind }) => !known.includes(kind))
      .map(({ kind, identity }) => {
        const user = rowTypeUser(kind, identity);
        const name = `${kind} ${identity}`;
        return user === undefined ? one(name, "follows") : usingRows(name, user, served);
      }),
  };
}

/** What takes rows of the table gets those of the view made into them, where that is clear and possible. */
const usingRows = (name: string, user: RowTypeUser | undefined, served: boolean) =>
  served && !user?.ambiguous
    ? one(name, "handled", "It takes rows of the old name, too.")
    : one(name, "breaks", "It takes rows of the table, and those of the old name are others.");

/** What knows the table by its name, or hears of a rename. */
function knowingItsName(
  table: RelationFacts,
  facts: Facts,
  { findings }: AnalysisContext,
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
    foreign_tables: table.foreign_tables.map(({ identity, server, roles, updatable }) =>
      one(
        identity,
        updatable ? "breaks" : "works_through_view",
        `It leads here through the server ${server}${
          roles.length === 0 ? "" : `, for ${roles.join(", ")}`
        }${updatable ? "; some updates and deletes fail" : ""}.`,
      )
    ),
    subscriptions: all(table.subscriptions, "breaks", "It finds the table by its name."),
    event_triggers: concernedEventTriggers(facts).map(({ name, function: identity }) =>
      one(name, "follows", `It runs ${identity}, which can refuse the rename.`)
    ),
  };
}
