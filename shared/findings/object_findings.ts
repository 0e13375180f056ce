/** Findings about objects that know a table by its name, or whose view of it changes with the name. */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { EventTriggerFacts, Facts, RelationFacts } from "../facts/facts.ts";
import { qualified } from "../sql/quoting.ts";

/** What a rename does about the old name, as far as findings care. */
export interface FindingContext {
  /** Null where none is chosen yet. */
  newName: string | null;
  /** Whether a compatibility view takes the old name. */
  hasView: boolean;
}

/** The new name as messages call it. */
export const called = (newName: string | null) =>
  newName === null ? "its new name" : `the name "${newName}"`;

/** Findings about objects of one table that is to be renamed. */
export function objectFindings(
  table: RelationFacts,
  facts: Facts,
  context: FindingContext,
): Finding[] {
  const object = qualified(table.schema, table.name);
  return [
    webhookPayload(table, context),
    ...(facts.graphql ? [graphql(table, context)] : []),
    foreignTableUsers(table, context),
    subscriptionTarget(table, context),
  ].flatMap((finding) => finding === null ? [] : [{ ...finding, object }]);
}

type Found = Omit<Finding, "object"> | null;

/** Triggers of database webhooks: of the function that the platform has for them. */
export const webhooks = (table: RelationFacts) =>
  table.trigger_functions.filter(({ schema, name, enabled }) =>
    enabled && schema === "supabase_functions" && name === "http_request"
  );

function webhookPayload(table: RelationFacts, { newName }: FindingContext): Found {
  const names = webhooks(table).map(({ trigger }) => trigger);
  if (names.length === 0) return null;
  return {
    code: "webhook_payload",
    severity: "warning",
    message: `Database webhooks (${names.join(", ")}) send the table's name: "table" in their ` +
      `payload will be ${newName === null ? "the new name" : `"${newName}"`}.`,
    remedy: "Have the receivers accept both names before the rename.",
  };
}

/**
 * Whether a comment directive of pg_graphql is there, and whether it names the type, which then stays what
 * it is (pg_graphql documentation, "Configuration").
 */
function graphqlDirective(table: RelationFacts): { present: boolean; named: boolean } {
  const directive = directiveIn(table.comment ?? "");
  if (directive === null) return { present: false, named: false };
  try {
    return { present: true, named: typeof JSON.parse(directive).name === "string" };
  } catch {
    return { present: true, named: false };
  }
}

/** The object in `@graphql({ … })`: from the first of its kind to the last brace that ends one. */
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

function graphql(table: RelationFacts, { newName }: FindingContext): Found {
  const { present, named } = graphqlDirective(table);
  // Without a primary key it is in no GraphQL schema.
  const keyed = table.constraints.some(({ definition }) => definition.startsWith("PRIMARY KEY"));
  if (named || !keyed) return null;
  return {
    code: "graphql",
    severity: present ? "breaking" : "warning",
    message:
      `pg_graphql names types and fields after the table: those of the old name vanish from the ` +
      `GraphQL schema, and come back under ${
        called(newName)
      }. A view has no primary key, so that it ` +
      "is left out of the schema.",
    remedy:
      'Keep the type\'s name by a comment on the table, @graphql({"name": "…"}), or have the ' +
      "queries use the new name, or acknowledge.",
  };
}

function foreignTableUsers(table: RelationFacts, { hasView }: FindingContext): Found {
  const users = table.foreign_tables.filter(({ updatable }) => updatable || !hasView);
  if (users.length === 0) return null;
  const names = users.map(({ identity, server }) => `${identity} (server ${server})`).join(", ");
  return {
    code: "foreign_table_users",
    severity: "breaking",
    message: hasView
      ? `Foreign tables lead back to the old name: ${names}. Through the view they read and insert as ` +
        "before; an UPDATE or DELETE that postgres_fdw does not send whole, for which it needs the rows' " +
        "ctid, fails (42703)."
      : `Foreign tables lead back to the old name: ${names}. They fail (42P01).`,
    remedy: "Right after the rename, set their table_name to the new name: " +
      "alter foreign table … options (set table_name '…'), or add where there is none; or acknowledge.",
  };
}

function subscriptionTarget(table: RelationFacts, { hasView }: FindingContext): Found {
  if (table.subscriptions.length === 0) return null;
  return {
    code: "subscription_target",
    severity: "breaking",
    message:
      `Subscriptions of logical replication write into the table: ${
        table.subscriptions.join(", ")
      }. They find it by the publisher's name for it, and stop with an error at the next change, since ` +
      (hasView ? "a view cannot be written to that way." : "nothing has that name then."),
    remedy:
      `Rename the table on the publisher, too, with the subscription disabled meanwhile, or acknowledge.`,
  };
}

/** Commands that a rename and its way back consist of, as event triggers are told them. */
const COMMANDS = {
  ddl_command_start: ["ALTER TABLE", "CREATE VIEW", "ALTER VIEW", "GRANT", "REVOKE", "COMMENT"],
  ddl_command_end: ["ALTER TABLE", "CREATE VIEW", "ALTER VIEW", "GRANT", "REVOKE", "COMMENT"],
  sql_drop: ["DROP VIEW"],
};

/** Event triggers of users that run at these commands. */
export function concernedEventTriggers({ event_triggers }: Facts): EventTriggerFacts[] {
  return event_triggers.filter(({ event, schema, tags }) => {
    const commands = COMMANDS[event as keyof typeof COMMANDS] ?? [];
    return !isProtectedSchema(schema) &&
      (tags === null ? commands.length > 0 : commands.some((command) => tags.includes(command)));
  });
}

/** Findings about the database as a whole. */
export function databaseFindings(facts: Facts): Finding[] {
  return concernedEventTriggers(facts).map(({ name, event, function: identity }) => ({
    code: "event_trigger",
    severity: "info",
    object: name,
    message: event === "sql_drop"
      ? `The event trigger runs ${identity} when the view is dropped again, by a rollback or a ` +
        "finalization, and can refuse that."
      : `The event trigger runs ${identity} at the commands of a rename, and can refuse them; then ` +
        "nothing is changed.",
    remedy:
      "See what the function does with ALTER TABLE and CREATE VIEW, if the rename is refused.",
  }));
}
