/**
 * What each way of using a table by name means once a view has the name: how bad it is, what happens, and
 * what to do. Each was tried on real servers (15 and 17), and the SQLSTATEs are the ones they returned.
 */
import type { FindingCode } from "../contract/findings.ts";
import type { Finding } from "../contract/responses.ts";
import type { TextFacts } from "../facts/facts.ts";
import { ident, literal } from "../sql/quoting.ts";
import { keyOf, type NamedRelation } from "../sql/parser/table_index.ts";
import type { NameUse } from "../sql/references/trigger_names.ts";
import type { TableReference } from "../sql/references/table_references.ts";

type Severity = Finding["severity"];

interface UseInText {
  text: TextFacts;
  /** The tables, quoted and with their schemas. */
  tables: string;
  /** The table that `detail` is about. */
  first: NamedRelation;
  newName: string | null;
  /** The constraint, column, function or statement. */
  detail: string;
}

export interface TextRule {
  severity: Severity | ((kind: TextFacts["kind"], detail: string | null) => Severity);
  /** What the text does and what happens then, as the predicate of a sentence about the text. */
  does: (use: UseInText) => string;
  remedy: (use: UseInText) => string;
  /** Whether each table and detail gets a finding of its own, because the remedy is about that one. Default: false. */
  each?: true;
  /** Whether a table that is used like this gets a finding of its own. Default: tables used alike share one. */
  apart?: (detail: string | null) => boolean;
  /** Which of several uses the finding describes. Default: the most certain one. */
  worst?: (uses: TableReference[]) => TableReference | undefined;
}

/**
 * PL/pgSQL: in the target of ON CONFLICT a column with the name of a variable or parameter is ambiguous
 * (42702), and it cannot be qualified there.
 */
function variableConflict({ language, parameters }: TextFacts, columns: string[]): string {
  if (language !== "plpgsql") return "";
  const clashing = columns.filter((column) => parameters.includes(column)).map(ident).join(", ");
  return " Begin the body with #variable_conflict use_column" +
    (clashing === ""
      ? " if a variable has the name of one of these columns."
      : `, because there are parameters of the same name: ${clashing} (42702 otherwise).`);
}

const OR_NEW_NAME = "or use the new name after the rename, or acknowledge.";
const USE_NEW_NAME = "Use the new name after the rename.";

const old = ({ first }: UseInText) => literal(first.name);
const renamed = ({ newName }: UseInText) => newName === null ? "the new name" : literal(newName);

const acceptBothNames = (use: UseInText) =>
  `Before the rename, make it accept both names: TG_TABLE_NAME in (${old(use)}, ${renamed(use)}).`;

/** An alternative to `first` that works under both names. */
const orOldName = (first: string) => (use: UseInText) =>
  `Before the rename, ${first}, or make it use the old name in both cases: case TG_TABLE_NAME ` +
  `when ${renamed(use)} then ${old(use)} else TG_TABLE_NAME end; or acknowledge.`;

/** What happens when TG_TABLE_NAME changes, by what a trigger function does with it. The worst comes first. */
const TRIGGER_NAMES: Record<
  NameUse,
  { severity: "breaking" | "warning"; does: string; remedy: TextRule["remedy"] }
> = {
  compares: {
    severity: "breaking",
    does: ", and compares it with the old name: it will behave differently, without an error",
    remedy: acceptBothNames,
  },
  relation: {
    severity: "breaking",
    does: ", and builds the name of a relation from it: that will not be found (42P01)",
    remedy: orOldName("rename what is named after the table in the same batch, in the same way"),
  },
  lookup: {
    severity: "breaking",
    does: ", and looks up rows by it: those of the old name will not be found, without an error",
    remedy: orOldName("add rows for the new name next to those for the old one"),
  },
  channel: {
    severity: "breaking",
    does: ", and notifies a channel named after it: the old one receives nothing, without an error",
    remedy: orOldName("make the clients listen to both channels"),
  },
  setting: {
    severity: "breaking",
    does: ", and reads a setting named after it, which will not be found (42704)",
    remedy: orOldName("create the setting under the new name as well"),
  },
  pattern: {
    severity: "warning",
    does: ", and compares it with a pattern that the new name may not match",
    remedy: acceptBothNames,
  },
  uses: {
    severity: "warning",
    does: ": what it writes, sends or passes on with this name will change",
    remedy: () => "Check that everything that reads it accepts both names.",
  },
};

const NAME_USES = Object.keys(TRIGGER_NAMES) as NameUse[];

const triggerName = (detail: string | null) =>
  TRIGGER_NAMES[NAME_USES.find((one) => one === detail) ?? "uses"];

/** The rule for what a view does differently, without an error. */
const worksDifferently = (does: TextRule["does"]): TextRule => ({
  severity: "warning",
  does,
  remedy: () => USE_NEW_NAME,
});

export const RULES: Partial<Record<FindingCode, TextRule>> = {
  on_conflict_on_constraint: {
    each: true,
    severity: "breaking",
    does: ({ tables, detail }) =>
      `inserts into ${tables} with ON CONFLICT ON CONSTRAINT ${detail}, which the view does not have (42704)`,
    remedy: ({ first, detail, text }) => {
      const definition = first.constraints.find(({ name }) => name === detail)?.definition ?? "";
      const key = keyOf(definition, "primary", "unique");
      return key === null
        ? `If DO NOTHING follows, use ON CONFLICT DO NOTHING, which covers every constraint; ${OR_NEW_NAME}`
        : `Use ON CONFLICT (${key.text}), which means the same for table and view, or acknowledge.` +
          variableConflict(text, key.columns);
    },
  },
  merge: {
    severity: "breaking",
    does: ({ tables }) =>
      `merges into ${tables}; PostgreSQL before 17 cannot MERGE into a view (0A000)`,
    remedy: () => `Use INSERT … ON CONFLICT, or UPDATE and INSERT; ${OR_NEW_NAME}`,
  },
  truncate: {
    severity: "breaking",
    does: ({ tables }) => `truncates ${tables}; a view cannot be truncated (42809)`,
    remedy: () => `Use DELETE FROM, which works for table and view; ${OR_NEW_NAME}`,
  },
  copy: {
    severity: (kind, detail) => kind === "statement" && detail === "to" ? "warning" : "breaking",
    worst: (uses) => uses.find(({ detail }) => detail === "from"),
    does: ({ tables, detail }) =>
      detail === "to"
        ? `copies ${tables} out; COPY … TO cannot read a view (42809)`
        : `copies into ${tables}; COPY … FROM cannot write to this view (42809)`,
    remedy: ({ detail }) =>
      detail === "to"
        ? "Use COPY (SELECT … FROM …) TO, which works for table and view."
        : `Copy into a temporary table and insert from there; ${OR_NEW_NAME}`,
  },
  system_columns: {
    severity: "breaking",
    does: ({ tables, detail }) =>
      `reads the system column ${detail} of ${tables}, which a view does not have (42703)`,
    remedy: ({ detail }) => {
      if (detail === "ctid") return `Find the rows by their key; ${OR_NEW_NAME}`;
      return detail === "xmax"
        ? `Tell inserted rows from updated ones by a column of your own; ${OR_NEW_NAME}`
        : `Do without this column; ${OR_NEW_NAME}`;
    },
  },
  group_by_primary_key: {
    severity: "breaking",
    does: ({ tables, detail }) =>
      `groups ${tables} by its primary key and uses ${detail} as well, which fails for a view (42803)`,
    remedy: ({ detail }) =>
      `Add ${detail}, and any other column of the table that is used, to GROUP BY, which works for both.`,
  },
  tablesample: {
    severity: "breaking",
    does: ({ tables }) => `samples ${tables} with TABLESAMPLE, which fails for a view (0A000)`,
    remedy: () => `Select rows by random() instead; ${OR_NEW_NAME}`,
  },
  where_current_of: {
    severity: "breaking",
    does: ({ tables }) =>
      `writes to ${tables} WHERE CURRENT OF a cursor, which fails for a view (0A000)`,
    remedy: () => "Write by the key of the row that was fetched, which works for table and view.",
  },
  set_default: {
    severity: "breaking",
    does: ({ tables, detail }) =>
      `sets ${detail} of ${tables} to DEFAULT, which fails for identity and generated columns of a view ` +
      "(428C9; 23502 if the identity is BY DEFAULT)",
    remedy: () => `Leave the column out; ${OR_NEW_NAME}`,
  },
  disable_trigger: {
    severity: (kind) => kind === "statement" ? "warning" : "breaking",
    does: ({ tables }) =>
      `enables or disables triggers of ${tables}, which fails for a view (42809)`,
    remedy: () =>
      `Use session_replication_role, or a setting that the triggers check; ${OR_NEW_NAME}`,
  },
  ddl_on_old_name: {
    severity: "breaking",
    does: ({ tables, detail }) =>
      `changes or refers to the definition of ${tables} (${detail}), which fails for a view`,
    remedy: () => "Use the new name after the rename, or acknowledge.",
  },
  ddl_on_view_only: worksDifferently(({ tables, detail }) =>
    `changes the definition of ${tables} (${detail}), and will change only the view, or nothing, without an error`
  ),
  create_table_like: worksDifferently(({ tables }) =>
    `creates a table LIKE ${tables}; from a view it copies no constraints, indexes, NOT NULL and identity`
  ),
  privileges_on_old_name: {
    severity: "warning",
    does: ({ tables, detail }) =>
      `runs ${detail} on ${tables}, which will change only the privileges on the view: what it revokes ` +
      "from the old name stays granted on the new one",
    remedy: () => "After the rename, use the new name or both names.",
  },
  maintenance_skipped: worksDifferently(({ tables, detail }) =>
    `runs ${detail} on ${tables}; PostgreSQL skips a view with a warning and does nothing`
  ),
  only: worksDifferently(({ tables }) =>
    `reads or writes ONLY ${tables}, without its children; for a view PostgreSQL ignores ONLY`
  ),
  serial_sequence_lookup: {
    each: true,
    severity: "warning",
    does: ({ tables }) =>
      `asks pg_get_serial_sequence for the sequence of a column of ${tables}; for a view it returns NULL`,
    remedy: ({ first, detail }) => {
      const sequence = first.columns.find(({ name }) => name === detail)?.default ?? "";
      const name = /nextval\('(.*)'::regclass\)/.exec(sequence)?.[1].split("''").join("'");
      return name === undefined
        ? "Name the sequence itself, which keeps its name; or use the new name after the rename."
        : `Name the sequence itself, which keeps its name: ${literal(name)}.`;
    },
  },
  relation_size: worksDifferently(({ tables, detail }) =>
    `calls ${detail} for the size of ${tables}; the size of a view is 0`
  ),
  catalog_lookup: {
    severity: "warning",
    does: ({ tables, detail }) =>
      `looks ${tables} up in the catalog (${detail}) and will find the view: another OID, and no indexes, ` +
      "constraints, triggers, statistics or defaults",
    remedy: () => "Look up the new name after the rename.",
  },
  name_as_argument: {
    severity: "warning",
    does: ({ tables, detail }) =>
      `passes the name of ${tables} to ${detail}, which builds SQL or takes a regclass, and was not analyzed`,
    remedy: ({ detail }) =>
      `Check what ${detail} does with the name: DDL, TRUNCATE and COPY fail for a view. ${USE_NEW_NAME}`,
  },
  tg_table_name: {
    severity: (_, detail) => triggerName(detail).severity,
    // The remedies of these contain the table's name.
    apart: (detail) => triggerName(detail) !== TRIGGER_NAMES.uses,
    worst: (uses) => {
      const worst = NAME_USES.find((one) => uses.some(({ detail }) => detail === one));
      return uses.find(({ detail }) => detail === worst);
    },
    does: (use) =>
      `is called by triggers of ${use.tables}, for which TG_TABLE_NAME will be ${renamed(use)}` +
      triggerName(use.detail).does,
    remedy: (use) => triggerName(use.detail).remedy(use),
  },
  unparsed_text: {
    severity: "warning",
    does: ({ text, tables, detail }) =>
      detail === ""
        ? `is written in ${text.language}, which is not analyzed here, and mentions ${tables}`
        : `could not be parsed completely (${detail}), and mentions ${tables}`,
    remedy: () =>
      "Read it yourself. SELECT, INSERT, UPDATE and DELETE work through the view; the finding codes say what fails.",
  },
  cron_mentions: {
    severity: "info",
    does: ({ tables }) =>
      `names ${tables}; what works through a view goes on working until the rename is finalized`,
    remedy: () => "Change its command to the new name before that.",
  },
  old_name_gone: {
    severity: "breaking",
    does: ({ tables }) => `names ${tables}; without a compatibility view it fails (42P01)`,
    remedy: () =>
      "Change it to the new name together with the rename, keep the view, or acknowledge.",
  },
};
