/** Writes through both names: executed, compared, and taken back, for each viewer. */
import type { VerifyFailure } from "../contract/responses.ts";
import { ident, literal } from "../plan/quoting.ts";
import { shownStatement } from "../plan/own_statements.ts";
import { changeable, field, type OwnRow, type OwnTable } from "./own_row.ts";
import type { NameOutcome } from "./reads.ts";
import { MOVED_AFTER, MOVED_BEFORE, type MovedSequence } from "./sequences.ts";
import {
  ANYTHING,
  isPassing,
  leaveOutcome,
  refusal,
  rows,
  TAKE_BACK,
  WHEN_TAKEN_BACK,
} from "./trial.ts";
import { nearValue, type ValueColumn } from "./values.ts";
import { BE_ONESELF, become, ONESELF, present, type Viewer } from "./viewers.ts";
import {
  inserts,
  type WriteContext,
  type WriteName,
  type WriteStatement,
  writeStatement,
} from "./write_statements.ts";

/** Where the row is that is copied: of which partition, and at which place. */
export interface SampledRow {
  tableoid: number;
  ctid: string;
}

/** The two names, as SQL. */
export interface Names {
  table: string;
  view: string;
}

export interface WriteOutcome {
  /** Where the row of our own could not be inserted: why. */
  setup: string | null;
  /** Whether a row of the table's own stood in for it. */
  existing: boolean;
  table: NameOutcome;
  view: NameOutcome;
  /** The same as `table`, once more: what differs there differs by itself. */
  again: NameOutcome;
  /** Columns of the resulting row that differ. */
  differs: string[];
  moved: MovedSequence[];
}

/** The row that a viewer sees first, or else the owner; its values stay where they are. */
export function sampleBlock(viewer: Viewer, owner: Viewer, table: string): string {
  const look = (as: Viewer) => `
  if place is null then
    begin
      ${become(as)}
      execute ${
    literal(
      `select pg_catalog.jsonb_build_object('tableoid', t.tableoid::int8, 'ctid', t.ctid::text)
from ${table} as t limit 1`,
    )
  } into place;
      ${BE_ONESELF}
    exception when ${ANYTHING} then null;
    end;
  end if;`;
  return `
declare
  ${ONESELF}
  place jsonb;
begin
  ${present(viewer)}${look(viewer)}${look(owner)}
  ${leaveOutcome("pg_catalog.jsonb_build_object('place', place)")}
end `;
}

const placed = ({ tableoid, ctid }: SampledRow) =>
  `t.tableoid = ${tableoid}::pg_catalog.oid and t.ctid = ${literal(ctid)}::pg_catalog.tid`;

/**
 * The block that tries one write as one viewer, through the table, the view and the table again; its outcome
 * is a `WriteOutcome`. Null where the table gives no occasion for it.
 *
 * @param owner Whose place is taken to insert the row of our own and to look at the result.
 */
export function writeBlock(
  write: WriteName,
  names: Names,
  context: WriteContext,
  owner: Viewer,
  sampled: SampledRow | null,
): string | null {
  const { table, row, viewer } = context;
  const [through, old] = [names.table, names.view].map((name) =>
    writeStatement(write, name, context)
  );
  if (through === null || old === null) return null;
  const mark = changeable(table, row.columns) ?? null;
  const attempt = (which: string, statement: WriteStatement) => `
  begin
    ${become(viewer)}
    ${execute(statement, `${which}_row`)}
    get diagnostics ${which}_rows = row_count;
    ${statement.returns ? "" : result(table, row, write, `${which}_row`, owner)}
    ${TAKE_BACK}
  exception
    ${WHEN_TAKEN_BACK}
    when ${ANYTHING} then ${which}_state := sqlstate; ${which}_rows := null; ${which}_row := null;
  end;`;
  const outcome = (which: string) =>
    `pg_catalog.jsonb_build_object('sqlstate', ${which}_state, 'rows', ${which}_rows)`;
  return `
declare
  ${ONESELF}
  source record; made record; own record; mark record;
  own_rows int8; setup_state text; existing boolean := false;
  first_state text; first_rows int8; first_row jsonb;
  view_state text; view_rows int8; view_row jsonb;
  again_state text; again_rows int8; again_row jsonb;
  differs text[];
  ${MOVED_BEFORE.declarations}
begin
  ${MOVED_BEFORE.statements}
  ${present(viewer)}
  set constraints all immediate;
  ${setUp(write, context, owner, sampled)}
  ${mark === null ? "" : markStep(mark, inserts(write) ? "made" : "own")}
  ${attempt("first", through)}${attempt("view", old)}${attempt("again", through)}
  differs := array(
    select x.name from pg_catalog.jsonb_object_keys(
      coalesce(first_row, '{}') || coalesce(view_row, '{}')) as x(name)
    where case when first_row -> x.name is not distinct from again_row -> x.name
      then view_row -> x.name is distinct from first_row -> x.name
      -- Another value each time: that there is one is all that can be compared.
      else (view_row -> x.name) = 'null'::jsonb is distinct from ((first_row -> x.name) = 'null'::jsonb) end);
  ${MOVED_AFTER}
  ${
    leaveOutcome(`pg_catalog.jsonb_build_object('setup', setup_state, 'existing', existing,
    'table', ${outcome("first")}, 'view', ${outcome("view")}, 'again', ${outcome("again")},
    'differs', differs, 'moved', moved)`)
  }
end `;
}

/** What an update writes: another value, or the same where there is none beside it. */
const markStep = (column: ValueColumn, record: "made" | "own"): string => `
  begin
    select ${nearValue(column, field(record, column.name))} as v into mark;
  exception when ${ANYTHING} then
    select ${field(record, column.name)} as v into mark;
  end;`;

/** A row as an object of its columns' hashes: as little as is needed to compare it, however wide it is. */
const hashesOf = (row: string) =>
  `(select pg_catalog.jsonb_object_agg(e.key, pg_catalog.md5(e.value))
from pg_catalog.jsonb_each_text(pg_catalog.to_jsonb(${row})) as e)`;

const execute = ({ sql, using, returns }: WriteStatement, into: string): string => {
  const text = returns
    ? `with changed as (${sql}) select ${hashesOf("changed")} from changed`
    : sql;
  return `execute ${literal(text)}${returns ? ` into ${into}` : ""}${
    using.length === 0 ? "" : ` using ${using.join(", ")}`
  };`;
};

/** Looks at the row that was written, where it has a key by which it is found. */
function result(
  table: OwnTable,
  row: OwnRow,
  write: WriteName,
  into: string,
  owner: Viewer,
): string {
  const record = inserts(write) ? "made" : "own";
  const known = row.key.length > 0 &&
    (record === "own" || row.key.every((name) =>
      row.columns.includes(name) &&
      table.columns.some((column) => column.name === name && column.identity !== "a")
    ));
  if (!known) return BE_ONESELF;
  const condition = row.key.map((name, index) => `t.${ident(name)} = $${index + 1}`);
  return `${become(owner)}
    execute ${
    literal(
      `select ${hashesOf("t")} from ${table.name} as t where ${condition.join(" and ")}`,
    )
  }
      into ${into} using ${row.key.map((name) => field(record, name)).join(", ")};
    ${BE_ONESELF}`;
}

/**
 * Has `made` filled with a row that the table takes; for writes that need it to be there, it is, as `own`.
 * Where the table takes none, a row of its own that nobody else is at stands in.
 */
function setUp(
  write: WriteName,
  { table, row }: WriteContext,
  owner: Viewer,
  sampled: SampledRow | null,
): string {
  const columns = table.columns.filter(({ name }) => row.columns.includes(name));
  const overriding = columns.some(({ identity }) => identity === "a")
    ? " overriding system value"
    : "";
  const sql = columns.length === 0
    ? `insert into ${table.name} default values returning *`
    : `insert into ${table.name} (${columns.map(({ name }) => ident(name)).join(", ")})${overriding}
values (${columns.map((_, index) => `$${index + 1}`).join(", ")}) returning *`;
  const using = columns.length === 0
    ? ""
    : ` using ${columns.map(({ name }) => field("made", name)).join(", ")}`;
  const whole = `select * from ${table.name} as t`;
  const parts = [`execute ${literal(`${whole} limit 0`)} into own;`];
  if (sampled !== null) {
    parts.push(
      become(owner),
      `execute ${literal(`${whole} where ${placed(sampled)}`)} into strict source;`,
      BE_ONESELF,
    );
  }
  for (const way of row.ways) {
    parts.push(`if own_rows is distinct from 1 then
    begin
      ${become(owner)}
      ${way}
      execute ${literal(sql)} into own${using};
      get diagnostics own_rows = row_count;
      ${BE_ONESELF}
      setup_state := null;
      ${inserts(write) ? TAKE_BACK : ""}
    exception
      ${WHEN_TAKEN_BACK}
      -- There is no way around a lock; another way would only hold what we have for longer.
      when lock_not_available then raise;
      when ${ANYTHING} then setup_state := sqlstate; own_rows := 0;
    end;
  end if;`);
  }
  // What the table does not take as a row of our own, both names refuse alike.
  if (sampled !== null) parts.push("if own_rows is distinct from 1 then made := source; end if;");
  if (inserts(write)) return parts.join("\n  ");
  // A row of the table's own is not deleted where rows of neighbours would go along.
  const cascades = write === "DELETE" && table.proof.foreign_keys.some(({ cascades }) => cascades);
  if (sampled !== null && row.unique && !cascades) {
    parts.push(`if own_rows is distinct from 1 then
    begin
      ${become(owner)}
      execute ${literal(`${whole} where ${placed(sampled)} for update skip locked`)} into own;
      get diagnostics own_rows = row_count;
      existing := own_rows = 1;
      ${BE_ONESELF}
    exception when ${ANYTHING} then own_rows := 0;
    end;
  end if;`);
  }
  parts.push(`if own_rows is distinct from 1 then
    execute ${literal(`${whole} limit 0`)} into own;
  end if;`);
  return parts.join("\n  ");
}

/** What the outcome of a write is worth. */
export type WriteVerdict =
  | { kind: "same" }
  | { kind: "failed"; failure: VerifyFailure }
  /** Nothing can be said, and why: it came out differently by one and the same name, for one. */
  | { kind: "unsteady"; why: string };

/** Compares what came through both names. */
export function judgeWrite(
  write: WriteName,
  names: Names,
  context: WriteContext,
  { table, view, again, differs }: WriteOutcome,
): WriteVerdict {
  const steady = table.sqlstate === again.sqlstate && table.rows === again.rows;
  const held = [table, view, again].find(({ sqlstate }) => isPassing(sqlstate));
  if (held !== undefined) {
    return { kind: "unsteady", why: `others were at work there, ${refusal(held.sqlstate!)}` };
  }
  if (!steady) return { kind: "unsteady", why: "it came out differently each time" };
  const same = table.sqlstate === view.sqlstate && table.rows === view.rows;
  if (same && differs.length === 0) return { kind: "same" };
  return {
    kind: "failed",
    failure: {
      statement: `as ${context.viewer.label}: ${shownWrite(write, names, context)}`,
      expected: saying(table),
      got: same
        ? `${saying(view)}, with another value in ${differs.map(ident).join(", ")}`
        : saying(view),
    },
  };
}

/** A write by the old name, as it is shown. */
export const shownWrite = (write: WriteName, { view }: Names, context: WriteContext): string =>
  shownStatement(writeStatement(write, view, context)!.sql);

const saying = ({ sqlstate, rows: count }: NameOutcome): string =>
  sqlstate === null ? rows(count ?? 0) : refusal(sqlstate);
