/** Findings about what the Data API (PostgREST) does with a table and its compatibility view. */
import type { Finding } from "../contract/responses.ts";
import type { ComputedRelationshipFacts } from "../facts/analysis_facts.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { dollarQuoted, ident, qualified } from "../sql/quoting.ts";
import { embeddingFindings } from "./embedding.ts";
import type { FindingContext, TableFinding } from "./object_findings.ts";

export function dataApiFindings(
  table: RelationFacts,
  { newName, hasView }: FindingContext,
): Finding[] {
  if (!hasView) return [];
  const object = qualified(table.schema, table.name);
  return [
    computedRelationships(table, newName),
    partitionExposed(table),
    mediaTypeHandlers(table),
    ...embeddingFindings(table, newName),
  ].flatMap((finding) => finding === null ? [] : [{ ...finding, object }]);
}

function computedRelationships(
  table: RelationFacts,
  newName: string | null,
): TableFinding | null {
  const functions = table.computed_relationships;
  if (functions.length === 0) return null;
  const overloads = functions.map((one) => overload(table, newName, one));
  const create = overloads.map((one) => one.create).join("; ");
  const drop = overloads.map((one) => one.drop).join("; ");
  return {
    code: "computed_relationships",
    severity: "breaking",
    message:
      "The Data API finds the functions by which it embeds rows by the name of the row type, so requests " +
      "that embed by these in rows of the old name fail (PGRST200): " +
      `${functions.map((one) => one.function).join(", ")}.`,
    remedy: `After the rename, create an overload that takes the view's row type: ${create}. ` +
      `It depends on the view, so drop it before a rollback or finalize: ${drop}. ` +
      "Or make the requests use the new name, or acknowledge.",
  };
}

/** Statements for an overload that takes rows of the view, of a function that takes rows of the table. */
function overload(
  table: RelationFacts,
  newName: string | null,
  { schema, name, returns, set, rows }: ComputedRelationshipFacts,
): { create: string; drop: string } {
  const view = qualified(table.schema, table.name);
  const called = qualified(schema, name);
  const row = newName === null ? "…" : qualified(table.schema, newName);
  const columns = table.columns.map((column) => `$1.${ident(column.name)}`).join(", ");
  const body = dollarQuoted(`select * from ${called}(row(${columns})::${row})`, "body");
  const result = `${set ? "setof " : ""}${returns}${set && rows === 1 ? " rows 1" : ""}`;
  return {
    create: `create function ${called}(${view}) returns ${result} stable language sql as ${body}`,
    drop: `drop function ${called}(${view})`,
  };
}

/**
 * PostgREST shows no partitions (`relispartition`), but every view that its roles may read. Revoking their
 * privileges on the view would take them from SQL clients with these roles too, so it is only reported.
 */
function partitionExposed(table: RelationFacts): TableFinding | null {
  const access = table.partition_access;
  if (access.length === 0) return null;
  const listRoles = (some: typeof access) =>
    some.map(({ role, privileges }) => `${role} (${privileges.join(", ")})`).join(", ");
  const partition = qualified(table.schema, table.name);
  const exposed =
    "The Data API does not show the table, which is a partition, but will show the view. " +
    `The old name can then be reached over HTTP by ${listRoles(access)}.`;
  const beyond = access.filter((one) => one.beyond);
  if (beyond.length === 0) {
    const policies = access.some((one) => one.row_security);
    return {
      code: "partition_exposed",
      severity: policies ? "warning" : "info",
      message: policies
        ? `${exposed} The partition's own policies apply, which may differ from the partitioned table's.`
        : `${exposed} Through the partitioned table they can do the same.`,
      remedy: `If nobody should reach it by its name, first: revoke all on ${partition} from ${
        access.map(({ role }) => ident(role)).join(", ")
      }.`,
    };
  }
  const roles = beyond.map(({ role }) => ident(role)).join(", ");
  const more = listRoles(beyond);
  return {
    code: "partition_exposed",
    severity: "breaking",
    message:
      `${exposed} The partitioned table does not let them do as much: ${more}. Its row-level ` +
      "security does not apply to a partition that is read by its own name.",
    remedy:
      `Before the rename, run alter table ${partition} enable row level security, or revoke all on ${partition} ` +
      `from ${roles}; reads and writes through the partitioned table need neither. Or send ` +
      `"compatibility_view": false, or acknowledge.`,
  };
}

function mediaTypeHandlers({ media_handlers }: RelationFacts): TableFinding | null {
  if (media_handlers.length === 0) return null;
  const types = [...new Set(media_handlers.map(({ media_type }) => media_type))].join(" or ");
  const aggregates = media_handlers
    .map(({ aggregate, media_type }) => `${aggregate} (${media_type})`).join(", ");
  return {
    code: "media_type_handlers",
    severity: "breaking",
    message:
      `The Data API finds aggregates that handle media types by the row type, so requests to the old name that ` +
      `accept ${types} fail (406, PGRST107): ${aggregates}.`,
    remedy:
      "Make these requests use the new name. Or create the aggregate and its state function for rows of the view " +
      "right after the rename, and drop both before a rollback or finalize. Or acknowledge.",
  };
}
