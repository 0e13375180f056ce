/**
 * What each way of using a table by name comes to once a view has the name: how bad it is, what happens, and
 * what to do about it. Every one has been seen on real servers (15 and 17); SQLSTATEs are those that came.
 */
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import type { TextFacts } from "../facts/facts.ts";
import { ident, literal } from "../sql/quoting.ts";
import { TRIGGER_NAME_RULE } from "./trigger_name_rule.ts";
import { keyOf, type NamedRelation } from "../sql/parser/table_index.ts";
import type { TableReference } from "../sql/references/table_references.ts";

type Severity = Finding["severity"];
type Kind = TextFacts["kind"];

/** What a message is about. */
export interface Subject {
  text: TextFacts;
  /** The tables, quoted and with their schemas. */
  tables: string;
  /** The one that `detail` is about. */
  first: NamedRelation;
  newName: string | null;
  /** The constraint, column, function or statement. */
  detail: string;
}

export interface CodeRule {
  /** Null where there is nothing to say. */
  severity: (kind: Kind, detail: string | null) => Severity | null;
  /** What the text does and what becomes of it, as a clause behind its subject. */
  does: (subject: Subject) => string;
  /** The next step. */
  remedy: (subject: Subject) => string;
  /** Whether each table and detail has a finding of its own, since the remedy is about that one. Default: false. */
  each?: true;
  /** Whether a table has a finding of its own where it is used so. Default: tables that are used alike share one. */
  apart?: (detail: string | null) => boolean;
  /** Which of several uses is told of. Default: the most certain one. */
  worst?: (uses: TableReference[]) => TableReference | undefined;
}

const fails = () => "breaking" as const;
const differs = () => "warning" as const;

/**
 * What else PL/pgSQL needs where columns are named that were not before: a variable or parameter of the same
 * name makes that ambiguous (42702), and the target of ON CONFLICT cannot be qualified.
 */
function columnsFirst({ language, parameters }: TextFacts, columns: string[]): string {
  if (language !== "plpgsql") return "";
  const clashing = columns.filter((column) => parameters.includes(column)).map(ident);
  return clashing.length === 0
    ? " Where a variable is called like one of these columns, begin the body with #variable_conflict use_column."
    : ` Begin the body with #variable_conflict use_column, since ${clashing.join(", ")} ${
      clashing.length === 1 ? "is a parameter, too" : "are parameters, too"
    } (42702 otherwise).`;
}

const OTHER_NAME = "use the new name once the table has it, or acknowledge";

export const RULES: Partial<Record<FindingCode, CodeRule>> = {
  on_conflict_on_constraint: {
    each: true,
    severity: fails,
    does: ({ tables, detail }) =>
      `inserts into ${tables} with ON CONFLICT ON CONSTRAINT ${detail}, which a view does not have (42704)`,
    remedy: ({ first, detail, text }) => {
      const definition = first.constraints.find(({ name }) => name === detail)?.definition ?? "";
      const key = keyOf(definition, "primary", "unique");
      if (key === null) {
        return "Where it does nothing then, use ON CONFLICT DO NOTHING, which is for every constraint; " +
          `or else ${OTHER_NAME}.`;
      }
      return `Use ON CONFLICT (${key.text}) instead, which means the same for both, or acknowledge.${
        columnsFirst(text, key.columns)
      }`;
    },
  },
  merge: {
    severity: fails,
    does: ({ tables }) =>
      `merges into ${tables}, which a server before 17 cannot do through a view (0A000)`,
    remedy: () => `Use INSERT … ON CONFLICT, or UPDATE and INSERT; or ${OTHER_NAME}.`,
  },
  truncate: {
    severity: fails,
    does: ({ tables }) => `truncates ${tables}, which cannot be done to a view (42809)`,
    remedy: () => `Use DELETE FROM, which works for both, or ${OTHER_NAME}.`,
  },
  copy: {
    severity: (kind, detail) => kind === "statement" && detail === "to" ? "warning" : "breaking",
    worst: (uses) => uses.find(({ detail }) => detail === "from"),
    does: ({ tables, detail }) =>
      detail === "to"
        ? `copies ${tables} out, which cannot be done from a view (42809)`
        : `copies into ${tables}, which cannot be done to a view (42809)`,
    remedy: ({ detail }) =>
      detail === "to"
        ? "Use COPY (SELECT … FROM …) TO, which works for both."
        : `Copy into a temporary table and insert from there, or ${OTHER_NAME}.`,
  },
  system_columns: {
    severity: fails,
    does: ({ tables, detail }) =>
      `reads ${detail} of ${tables}, which a view does not have (42703)`,
    remedy: ({ detail }) =>
      detail === "xmax"
        ? `Tell inserted from updated rows by a column of your own, or ${OTHER_NAME}.`
        : detail === "ctid"
        ? `Find the rows by their key, or ${OTHER_NAME}.`
        : `Do without it, or ${OTHER_NAME}.`,
  },
  group_by_primary_key: {
    severity: fails,
    does: ({ tables, detail }) =>
      `groups ${tables} by its primary key and uses ${detail} besides, which fails for a view (42803)`,
    remedy: ({ detail }) =>
      `Add ${detail}, and what else is selected of the table, to GROUP BY, which works for both.`,
  },
  tablesample: {
    severity: fails,
    does: ({ tables }) => `samples ${tables} with TABLESAMPLE, which fails for a view (0A000)`,
    remedy: () => `Select rows by random() instead, or ${OTHER_NAME}.`,
  },
  where_current_of: {
    severity: fails,
    does: ({ tables }) =>
      `writes to ${tables} WHERE CURRENT OF a cursor, which fails for a view (0A000)`,
    remedy: () => `Write by the key of the row that was fetched, which works for both.`,
  },
  set_default: {
    severity: fails,
    does: ({ tables, detail }) =>
      `sets ${detail} of ${tables} to DEFAULT, which fails for the identity and generated columns of ` +
      "a view (428C9, or 23502 where the identity is BY DEFAULT)",
    remedy: () => `Leave the column out, or ${OTHER_NAME}.`,
  },
  disable_trigger: {
    severity: (kind) => kind === "statement" ? "warning" : "breaking",
    does: ({ tables }) =>
      `enables or disables triggers of ${tables}, which fails for a view (42809)`,
    remedy: () =>
      `Use session_replication_role, or a setting that the triggers look at; or ${OTHER_NAME}.`,
  },
  ddl_on_old_name: {
    severity: fails,
    does: ({ tables, detail }) =>
      `changes or refers to the definition of ${tables} (${detail}), which fails for a view`,
    remedy: () => `Have it use the new name once the table has it, or acknowledge.`,
  },
  ddl_on_view_only: {
    severity: differs,
    does: ({ tables, detail }) =>
      `changes the definition of ${tables} (${detail}), which is done to the view alone, or not at all, ` +
      "without an error",
    remedy: () => "Have it use the new name once the table has it.",
  },
  create_table_like: {
    severity: differs,
    does: ({ tables }) =>
      `makes a table LIKE ${tables}; of a view that takes over the columns alone, without constraints, ` +
      "indexes, NOT NULL and identity",
    remedy: () => "Have it use the new name once the table has it.",
  },
  privileges_on_old_name: {
    severity: differs,
    does: ({ tables, detail }) =>
      `runs ${detail} on ${tables}, which changes the privileges on the view alone: what it takes from the ` +
      "old name stays open under the new one",
    remedy: () => "Have it use the new name, or both names, once the table has it.",
  },
  maintenance_skipped: {
    severity: differs,
    does: ({ tables, detail }) =>
      `runs ${detail} on ${tables}; a view is skipped with a warning, so that nothing is done`,
    remedy: () => "Have it use the new name once the table has it.",
  },
  only: {
    severity: differs,
    does: ({ tables }) =>
      `reads or writes ONLY ${tables}, without its children; through a view ONLY is ignored`,
    remedy: () => "Have it use the new name once the table has it.",
  },
  serial_sequence_lookup: {
    each: true,
    severity: differs,
    does: ({ tables }) =>
      `asks pg_get_serial_sequence for the sequence of a column of ${tables}; for a view the answer is NULL`,
    remedy: ({ first, detail }) => {
      const sequence = first.columns.find(({ name }) => name === detail)?.default ?? "";
      const named = /nextval\('(.*)'::regclass\)/.exec(sequence)?.[1];
      return named === undefined
        ? "Name the sequence itself, which keeps its name, or use the new name once the table has it."
        : `Name the sequence itself, which keeps its name: ${
          literal(named.split("''").join("'"))
        }.`;
    },
  },
  relation_size: {
    severity: differs,
    does: ({ tables, detail }) => `asks ${detail} for the size of ${tables}; that of a view is 0`,
    remedy: () => "Have it use the new name once the table has it.",
  },
  catalog_lookup: {
    severity: differs,
    does: ({ tables, detail }) =>
      `looks ${tables} up in the catalog (${detail}), where it finds the view: another OID, no indexes, ` +
      "constraints, triggers, statistics or defaults",
    remedy: () => "Have it look the new name up once the table has it.",
  },
  name_as_argument: {
    severity: differs,
    does: ({ tables, detail }) =>
      `passes the name of ${tables} to ${detail}, which runs SQL that it puts together, or takes a regclass; ` +
      "what that does by the old name is not followed",
    remedy: ({ detail }) =>
      `Look at what ${detail} does with the name: DDL, TRUNCATE and COPY fail for a view. ` +
      "Have it given the new name once the table has it.",
  },
  tg_table_name: TRIGGER_NAME_RULE,
  unparsed_text: {
    severity: differs,
    does: ({ text, tables, detail }) =>
      detail === ""
        ? `is written in ${text.language}, which is not read here, and mentions ${tables}`
        : `cannot be read to its end (${detail}), and mentions ${tables}`,
    remedy: () =>
      "Read it: SELECT, INSERT, UPDATE and DELETE work through the view; the other findings' codes are what does not.",
  },
  cron_mentions: {
    severity: () => "info",
    does: ({ tables }) =>
      `names ${tables}; what a view can serve goes on working, until the rename is finalized`,
    remedy: () => "Change its command to the new name before that.",
  },
  old_name_gone: {
    severity: fails,
    does: ({ tables }) => `names ${tables}; without a compatibility view it fails (42P01)`,
    remedy: () => "Have it use the new name in step, make the view, or acknowledge.",
  },
};
