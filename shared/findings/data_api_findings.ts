/** Findings about what the Data API (PostgREST) makes of a table and its compatibility view. */
import type { Finding } from "../contract/responses.ts";
import { embeddingFindings } from "./embedding.ts";
import type { ComputedRelationshipFacts, RelationFacts } from "../facts/facts.ts";
import type { FindingContext } from "./object_findings.ts";
import { dollarQuoted, ident, qualified } from "../sql/quoting.ts";

type Found = Omit<Finding, "object"> | null;

/** Findings about one table that gets a view. */
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

function computedRelationships(table: RelationFacts, newName: string | null): Found {
  if (table.computed_relationships.length === 0) return null;
  const functions = table.computed_relationships.map(({ function: identity }) => identity);
  const statements = table.computed_relationships.map((one) => overload(table, newName, one));
  return {
    code: "computed_relationships",
    severity: "breaking",
    message:
      `The Data API embeds rows by functions of the table's row type: ${
        functions.join(", ")
      }. It looks for them by the row type's name, so requests that embed them in rows of the old ` +
      "name fail (PGRST200).",
    remedy: `Add an overload with the view's row type after the rename: ${
      statements.map(({ create }) => create).join("; ")
    }. It stands on the view, so that a rollback and the finalization are refused until it is dropped: ${
      statements.map(({ drop }) => drop).join("; ")
    }. Or have requests use the new name, or acknowledge.`,
  };
}

/** The overload of a function of one row that takes rows of the view, and the way to be rid of it. */
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
  return {
    create: `create function ${called}(${view}) returns ${set ? "setof " : ""}${returns} ${
      set && rows === 1 ? "rows 1 " : ""
    }stable language sql as ${body}`,
    drop: `drop function ${called}(${view})`,
  };
}

/**
 * PostgREST lists no partitions (`relispartition`), but it lists every view, and nothing makes it leave one out that
 * its roles may read; to take their privileges from the view would take them from everybody who acts as one of
 * these roles in SQL. So it is told.
 */
function partitionExposed(table: RelationFacts): Found {
  const access = table.partition_access;
  if (access.length === 0) return null;
  const beyond = access.filter((one) => one.beyond);
  const listed = (some: typeof access) =>
    some.map(({ role, privileges }) => `${role} (${privileges.join(", ")})`).join(", ");
  const partition = qualified(table.schema, table.name);
  const visible =
    "The table is a partition, which the Data API does not list; it lists the view, so that the " +
    `old name can be reached over HTTP: by ${listed(access)}.`;
  if (beyond.length === 0) {
    return {
      code: "partition_exposed",
      severity: access.some((one) => one.row_security) ? "warning" : "info",
      message: `${visible} ${
        access.some((one) => one.row_security)
          ? "The partition's own policies decide what they see, and may differ from the partitioned table's."
          : "Through the partitioned table they can do the same."
      }`,
      remedy:
        `Revoke their privileges on ${partition} first, if nobody should reach it by its own name.`,
    };
  }
  const roles = beyond.map(({ role }) => ident(role)).join(", ");
  return {
    code: "partition_exposed",
    severity: "breaking",
    message:
      `${visible} That is more than the partitioned table gives: ${
        listed(beyond)
      }. Row-level security of the ` +
      "partitioned table does not hold for a partition that is read by its own name.",
    remedy:
      `Before the rename: alter table ${partition} enable row level security, or revoke all on ${partition} from ` +
      `${roles}; reads and writes through the partitioned table need neither. Or send ` +
      `"compatibility_view": false, or acknowledge.`,
  };
}

function mediaTypeHandlers(table: RelationFacts): Found {
  const handlers = table.media_handlers;
  if (handlers.length === 0) return null;
  const types = [...new Set(handlers.map(({ media_type }) => media_type))];
  return {
    code: "media_type_handlers",
    severity: "breaking",
    message: `Aggregates over the table's rows serve media types of the Data API: ${
      handlers.map(({ aggregate, media_type }) => `${aggregate} (${media_type})`).join(", ")
    }. It looks for them by the row type, so requests to the old name that accept ${
      types.join(" or ")
    } fail (406, PGRST107).`,
    remedy:
      "Have these requests use the new name. Or make the aggregate and its state function again for rows of " +
      "the view right after the rename, and drop both before a rollback or the finalization. Or acknowledge.",
  };
}
