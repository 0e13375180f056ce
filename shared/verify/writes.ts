/** Writes through both names: executed, compared and undone, for each persona. */
import { shownStatement } from "../sql/own_statements.ts";
import { ident, literal } from "../sql/quoting.ts";
import {
  ANY_ERROR,
  asClients,
  become,
  field,
  LEAVE_PERSONA,
  personaBlock,
  tryAs,
  UNDO,
  usingFields,
  WHEN_UNDONE,
} from "./block.ts";
import {
  describeOutcome,
  describeSqlstate,
  isTransient,
  type Mismatch,
  namedInError,
  type NameOutcome,
} from "./both_names.ts";
import type { Persona } from "./personas.ts";
import { changedValue, type TypedColumn } from "./values.ts";
import {
  inserts,
  overriding,
  type WriteContext,
  type WriteName,
  type WriteStatement,
  writeStatement,
} from "./write_statements.ts";

/** A sequence that a block used, and its last value before and after; others may have used numbers, too. */
export interface UsedSequence {
  sequence: string;
  /** Null: none was used before. */
  from: number | null;
  to: number;
}

export interface WriteOutcome {
  /** SQLSTATE with which the table refused the test row; null where it did not. */
  setup: string | null;
  /** Whether a row of the table's own is used in its place. */
  existing: boolean;
  table: NameOutcome;
  view: NameOutcome;
  /** The same as `table`, once more: what differs there differs by itself. */
  again: NameOutcome;
  differs: string[];
  sequences: UsedSequence[];
}

/** The block that finds the row that the persona sees first, or else the owner; its values stay where they are. */
export function sampleBlock(persona: Persona, owner: Persona, table: string): string {
  const query =
    `select pg_catalog.jsonb_build_object('tableoid', t.tableoid::int8, 'ctid', t.ctid::text)
from ${table} as t limit 1`;
  const look = (as: Persona) =>
    `if place is null then${tryAs(as, asClients(query, { into: "place" }))}
  end if;`;
  return personaBlock(persona, {
    declare: "place jsonb;",
    run: `${look(persona)}\n  ${look(owner)}`,
    outcome: "jsonb_build_object('place', place)",
  });
}

/**
 * The block that tries a write through the table, the view and the table again; null where the table has no columns
 * or keys for it.
 */
export function writeBlock(write: WriteName, context: WriteContext): string | null {
  const { names, persona } = context;
  const [through, old] = [names.table, names.view].map((name) =>
    writeStatement(write, name, context)
  );
  if (through === null || old === null) return null;
  const record = inserts(write) ? "candidate" : "test_row";
  const attempt = (which: string, statement: WriteStatement) => `
  begin
    ${become(persona)}
    ${execute(statement, which)}
    ${statement.returns ? "" : findResult(context, record, `${which}_row`)}
    ${UNDO}
  exception
    ${WHEN_UNDONE}
    when ${ANY_ERROR} then
      ${which}_state := sqlstate; ${which}_rows := null; ${which}_row := null;
      named := coalesce(named, ${namedInError(names)});
  end;`;
  const outcome = (which: string) =>
    `pg_catalog.jsonb_build_object('sqlstate', ${which}_state, 'rows', ${which}_rows, 'named', named)`;
  return personaBlock(persona, {
    declare: `source record; candidate record; test_row record; changed record;
  found_rows int8; setup_state text; existing boolean := false;
  first_state text; first_rows int8; first_row jsonb;
  view_state text; view_rows int8; view_row jsonb;
  again_state text; again_rows int8; again_row jsonb;
  differs text[]; named text;
  values_before jsonb; sequences jsonb := '[]'; sequence_now record;`,
    run: [
      `values_before := (
    select coalesce(jsonb_object_agg(s.oid, s.last_value), '{}') from (${LAST_VALUES}) s);
  set constraints all immediate;`,
      insertTestRow(write, context),
      through.changed === undefined ? "" : findChangedValue(through.changed, record),
      attempt("first", through),
      attempt("view", old),
      attempt("again", through),
      FIND_DIFFERENCES,
      FIND_USED_SEQUENCES,
    ].join("\n  "),
    outcome: `pg_catalog.jsonb_build_object('setup', setup_state, 'existing', existing,
    'table', ${outcome("first")}, 'view', ${outcome("view")}, 'again', ${outcome("again")},
    'differs', differs, 'sequences', sequences)`,
  });
}

/** Of a column whose value is another each time, all that can be compared is whether there is one. */
const FIND_DIFFERENCES = `differs := array(
    select x.name
    from pg_catalog.jsonb_object_keys(coalesce(first_row, '{}') || coalesce(view_row, '{}')) as x(name)
    where case when first_row -> x.name is not distinct from again_row -> x.name
      then view_row -> x.name is distinct from first_row -> x.name
      else (view_row -> x.name) = 'null'::jsonb is distinct from ((first_row -> x.name) = 'null'::jsonb) end);`;

const LAST_VALUES = `
    select c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name,
      case when pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
        then pg_catalog.pg_sequence_last_value(c.oid) end as last_value
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't'`;

/**
 * No rollback gives a sequence's numbers back (manual, 9.17). That the block used it is known by currval, which is of
 * this session alone, and was forgotten by DISCARD SEQUENCES.
 */
const FIND_USED_SEQUENCES = `for sequence_now in
    select s.oid, s.name, s.last_value, values_before ->> s.oid::text as value_before
    from (${LAST_VALUES}) s
    where s.last_value::text is distinct from values_before ->> s.oid::text
  loop
    begin
      perform pg_catalog.currval(sequence_now.oid::pg_catalog.regclass);
      sequences := sequences || pg_catalog.jsonb_build_object('sequence', sequence_now.name,
        'from', sequence_now.value_before::int8, 'to', sequence_now.last_value);
    -- 55000: not used by this session.
    exception when object_not_in_prerequisite_state or insufficient_privilege then null;
    end;
  end loop;`;

/**
 * Fills `candidate`, and, for writes that need the row to be there, inserts it as `test_row`; where the table takes
 * none, a row of its own that nobody has locked is used.
 */
function insertTestRow(
  write: WriteName,
  { table, row, owner, sampled }: WriteContext,
): string {
  const columns = table.columns.filter(({ name }) => row.columns.includes(name));
  const names = columns.map(({ name }) => name);
  const sql = names.length === 0
    ? `insert into ${table.sql} default values returning *`
    : `insert into ${table.sql} (${names.map(ident).join(", ")})${overriding(columns)}
values (${names.map((_, index) => `$${index + 1}`).join(", ")}) returning *`;
  const using = usingFields("candidate", names);
  const insert = asClients(sql, { into: "test_row", using, count: "found_rows" });
  const noRow = asClients(`select * from ${table.sql} as t limit 0`, { into: "test_row" });
  const unlessFound = (statements: string) =>
    `if found_rows is distinct from 1 then
    ${statements}
  end if;`;
  const insertions = row.ways.map((way) =>
    unlessFound(`begin
      ${become(owner)}
      ${way}
      ${insert}
      ${LEAVE_PERSONA}
      setup_state := null;
      ${inserts(write) ? UNDO : ""}
    exception
      ${WHEN_UNDONE}
      -- Another way would meet the same lock, and keep ours for longer.
      when lock_not_available then raise;
      when ${ANY_ERROR} then setup_state := sqlstate; found_rows := 0;
    end;`)
  );
  if (sampled === null) {
    return [noRow, ...insertions, inserts(write) ? "" : unlessFound(noRow)].join("\n  ");
  }
  const sampledRow = `select * from ${table.sql} as t
where t.tableoid = ${sampled.tableoid}::pg_catalog.oid and t.ctid = ${
    literal(sampled.ctid)
  }::pg_catalog.tid`;
  const copy = [
    become(owner),
    asClients(sampledRow, { into: "strict source" }),
    LEAVE_PERSONA,
  ];
  // A row that the table does not take as a test row both names refuse alike.
  const parts = [noRow, ...copy, ...insertions, unlessFound("candidate := source;")];
  if (inserts(write)) return parts.join("\n  ");
  // A row of the table's own is not deleted where rows of neighbours would be deleted with it.
  const cascades = write === "DELETE" && table.facts.foreign_keys.some(({ cascades }) => cascades);
  if (row.unique && !cascades) {
    const lock = asClients(`${sampledRow} for update skip locked`, {
      into: "test_row",
      count: "found_rows",
    });
    const use = `${lock}
      existing := found_rows = 1;`;
    parts.push(unlessFound(tryAs(owner, use, "found_rows := 0;")));
  }
  return [...parts, unlessFound(noRow)].join("\n  ");
}

/** Fills `changed` with what an update writes: another value, or the same where there is no other. */
function findChangedValue(column: TypedColumn, record: string): string {
  const current = field(record, column.name);
  return `begin
    select ${changedValue(column, current)} as value into changed;
  exception when ${ANY_ERROR} then
    select ${current} as value into changed;
  end;`;
}

/** A row as an object of its columns' hashes: as little as is needed to compare it, however wide it is. */
const hashesOf = (row: string) =>
  `(select pg_catalog.jsonb_object_agg(e.key, pg_catalog.md5(e.value))
from pg_catalog.jsonb_each_text(pg_catalog.to_jsonb(${row})) as e)`;

function execute({ sql, using: fields, returns }: WriteStatement, which: string): string {
  const using = fields.length === 0 ? "" : ` using ${fields.join(", ")}`;
  const count = `${which}_rows`;
  if (!returns) return asClients(sql, { using, count });
  const hashes = `with changed as (${sql}) select ${hashesOf("changed")} from changed`;
  return asClients(hashes, { into: `${which}_row`, using, count });
}

/** Looks at the row that was written, where it has a key by which it is found. */
function findResult(
  { table, row, owner }: WriteContext,
  record: "candidate" | "test_row",
  into: string,
): string {
  const isGiven = (name: string) =>
    row.columns.includes(name) &&
    table.columns.some((column) => column.name === name && column.identity !== "a");
  const found = row.key.length > 0 && (record === "test_row" || row.key.every(isGiven));
  if (!found) return LEAVE_PERSONA;
  const condition = row.key.map((name, index) => `t.${ident(name)} = $${index + 1}`);
  const query = `select ${hashesOf("t")} from ${table.sql} as t where ${condition.join(" and ")}`;
  return `${become(owner)}
    ${asClients(query, { into, using: usingFields(record, row.key) })}
    ${LEAVE_PERSONA}`;
}

/** Why an outcome says nothing about the names; null where it does. */
export function whyInconclusive({ table, view, again }: WriteOutcome): string | null {
  const transient = [table, view, again].find(({ sqlstate }) => isTransient(sqlstate));
  if (transient !== undefined) {
    return `another transaction was in the way, ${describeSqlstate(transient.sqlstate!)}`;
  }
  const repeated = table.sqlstate === again.sqlstate && table.rows === again.rows;
  return repeated ? null : "its outcome through the table changed by itself";
}

/** How the outcomes through both names differ; null where they are the same. */
export function writeMismatch({ table, view, differs }: WriteOutcome): Mismatch | null {
  const same = table.sqlstate === view.sqlstate && table.rows === view.rows;
  if (same && differs.length === 0) return null;
  const values = same ? `, with another value in ${differs.map(ident).join(", ")}` : "";
  return { expected: describeOutcome(table), got: describeOutcome(view) + values };
}

export const shownWrite = (write: WriteName, context: WriteContext): string =>
  shownStatement(writeStatement(write, context.names.view, context)!.sql);
