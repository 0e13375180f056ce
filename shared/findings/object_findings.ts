/** Findings about objects that know a table by its name, or pass its name on. */
import type { Finding } from "../contract/responses.ts";
import type { Facts, RelationFacts } from "../facts/facts.ts";
import { ident, literal, qualified } from "../sql/quoting.ts";
import { called } from "./wording.ts";

/** What a rename does about the old name, as far as findings depend on it. */
export interface FindingContext {
  /** Null where none is chosen yet. */
  newName: string | null;
  hasView: boolean;
}

/** A finding about one table, before the table is filled in. */
export type TableFinding = Omit<Finding, "object">;

export function publicationFindings(
  table: RelationFacts,
  { newName }: FindingContext,
): Finding[] {
  const object = qualified(table.schema, table.name);
  const publications = table.publications.map(({ name }) => name);
  const others = publications.filter((name) => name !== "supabase_realtime");
  const findings: Finding[] = [];
  if (others.length < publications.length) {
    findings.push({
      code: "realtime_publication",
      severity: "breaking",
      object,
      message:
        "The table is in the publication supabase_realtime. Its changes will be published under " +
        `${called(newName)}; Realtime subscriptions to the old name will receive nothing, ` +
        "because a view cannot be published.",
      remedy:
        "Make the clients subscribe to both names before the rename, or acknowledge that subscriptions to the " +
        "old name receive nothing.",
    });
  }
  if (others.length > 0) {
    findings.push({
      code: "publication_name_change",
      severity: "warning",
      object,
      message: `Logical replication (${others.join(", ")}) will use ${called(newName)}.`,
      remedy:
        "Rename the table on the subscribers at the same time, or make consumers accept both names.",
    });
  }
  return findings;
}

export function objectFindings(
  table: RelationFacts,
  facts: Facts,
  context: FindingContext,
): Finding[] {
  const object = qualified(table.schema, table.name);
  return [
    webhookPayload(table, context),
    facts.graphql ? graphql(table, context) : null,
    foreignTableUsers(table, context),
    subscriptionTarget(table, context),
  ].flatMap((finding) => finding === null ? [] : [{ ...finding, object }]);
}

/** Triggers of database webhooks: those with the platform's function for them. */
export const webhooks = (table: RelationFacts) =>
  table.trigger_functions.filter(({ schema, name, enabled }) =>
    enabled && schema === "supabase_functions" && name === "http_request"
  );

function webhookPayload(table: RelationFacts, { newName }: FindingContext): TableFinding | null {
  const names = webhooks(table).map(({ trigger }) => trigger);
  if (names.length === 0) return null;
  return {
    code: "webhook_payload",
    severity: "warning",
    message: `Database webhooks (${names.join(", ")}) send the table's name: "table" in their ` +
      `payload will be ${newName === null ? "the new name" : `"${newName}"`}.`,
    remedy: "Before the rename, make the receivers accept both names.",
  };
}

function graphql(table: RelationFacts, { newName }: FindingContext): TableFinding | null {
  const directive = directiveIn(table.comment ?? "");
  // Without a primary key the table is in no GraphQL schema.
  const keyed = table.constraints.some(({ definition }) => definition.startsWith("PRIMARY KEY"));
  if (!keyed || (directive !== null && namesType(directive))) return null;
  return {
    code: "graphql",
    severity: directive === null ? "warning" : "breaking",
    message:
      "pg_graphql names types and fields after the table: those of the old name disappear from the GraphQL " +
      `schema and come back under ${called(newName)}. The view is not in the schema, because it ` +
      "has no primary key.",
    remedy:
      'Keep the name of the type with a comment on the table, @graphql({"name": "…"}); or make the queries use ' +
      "the new name, or acknowledge.",
  };
}

/** The object in `@graphql({ … })`, up to the last brace that closes one; null where there is none. */
function directiveIn(comment: string): string | null {
  const head = /@graphql\s*\(\s*(?=\{)/.exec(comment);
  if (head === null) return null;
  const from = head.index + head[0].length;
  const closing = /\s*\)/y;
  for (let end = comment.length; (end = comment.lastIndexOf("}", end - 1)) >= from;) {
    closing.lastIndex = end + 1;
    if (closing.test(comment)) return comment.slice(from, end + 1);
  }
  return null;
}

/** Whether a directive sets the type's name, which a rename then keeps (pg_graphql manual, "Configuration"). */
function namesType(directive: string): boolean {
  try {
    return typeof JSON.parse(directive).name === "string";
  } catch {
    return false;
  }
}

function foreignTableUsers(
  table: RelationFacts,
  { hasView, newName }: FindingContext,
): TableFinding | null {
  const users = table.foreign_tables.filter(({ updatable }) => updatable || !hasView);
  if (users.length === 0) return null;
  const names = users.map(({ identity, server }) => `${identity} (server ${server})`).join(", ");
  return {
    code: "foreign_table_users",
    severity: "breaking",
    message: `Foreign tables refer to the old name: ${names}. ` +
      (hasView
        ? "Through the view they read and insert as before; an UPDATE or DELETE that postgres_fdw cannot send " +
          "as a whole, and does by ctid, fails (42703)."
        : "They fail (42P01)."),
    remedy: `Right after the rename: ${
      users.map(({ identity }) =>
        `alter foreign table ${identity} options (set table_name ${
          newName === null ? "'…'" : literal(newName)
        })`
      ).join("; ")
    }; with add in place of set where it has no table_name. Or acknowledge.`,
  };
}

function subscriptionTarget(
  { subscriptions }: RelationFacts,
  { hasView }: FindingContext,
): TableFinding | null {
  if (subscriptions.length === 0) return null;
  const each = (what: string) =>
    subscriptions.map((name) => `alter subscription ${ident(name)} ${what}`).join("; ");
  return {
    code: "subscription_target",
    severity: "breaking",
    message: `Logical replication subscriptions write to the table: ${subscriptions.join(", ")}. ` +
      "They find it by the publisher's name for it, and stop with an error at the next change, because " +
      (hasView ? "they cannot write to a view." : "nothing has that name any more."),
    remedy: `Before the rename: ${
      each("disable")
    }. Rename the table on the publisher, too, and then: ${each("enable")}. Or acknowledge.`,
  };
}
