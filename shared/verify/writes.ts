/** Writes through both names: executed, compared, and taken back, for each persona. */
import type { VerifyFailure } from "../contract/responses.ts";
import { ident, literal } from "../sql/quoting.ts";
import { shownStatement } from "../sql/own_statements.ts";
import { type BareNames, namedInError } from "./broken.ts";
import { changeable, field, type OwnRow, type OwnTable } from "./own_row.ts";
import { type SampledRow, setUp } from "./set_up.ts";
import { MOVED_AFTER, MOVED_BEFORE, type MovedSequence } from "./sequences.ts";
import {
  ANYTHING,
  asClients,
  isPassing,
  leaveOutcome,
  type NameOutcome,
  refusal,
  saying,
  TAKE_BACK,
  WHEN_TAKEN_BACK,
} from "./trial.ts";
import { nearValue, type ValueColumn } from "./values.ts";
import { BE_ONESELF, become, ONESELF, type Persona, present } from "./personas.ts";
import {
  inserts,
  type WriteContext,
  type WriteName,
  type WriteStatement,
  writeStatement,
} from "./write_statements.ts";

/** The two names, as SQL. */
export interface Names {
  table: string;
  view: string;
  bare: BareNames;
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

/**
 * The block that tries one write as one persona, through the table, the view and the table again; its outcome
 * is a `WriteOutcome`. Null where the table gives no occasion for it.
 *
 * @param owner Whose place is taken to insert the row of our own and to look at the result.
 */
export function writeBlock(
  write: WriteName,
  names: Names,
  context: WriteContext,
  owner: Persona,
  sampled: SampledRow | null,
): string | null {
  const { table, row, persona } = context;
  const [through, old] = [names.table, names.view].map((name) =>
    writeStatement(write, name, context)
  );
  if (through === null || old === null) return null;
  const mark = changeable(table, row.columns) ?? null;
  const attempt = (which: string, statement: WriteStatement) => `
  begin
    ${become(persona)}
    ${
    asClients(`${execute(statement, `${which}_row`)}
    get diagnostics ${which}_rows = row_count;`)
  }
    ${statement.returns ? "" : result(table, row, write, `${which}_row`, owner)}
    ${TAKE_BACK}
  exception
    ${WHEN_TAKEN_BACK}
    when ${ANYTHING} then
      ${which}_state := sqlstate; ${which}_rows := null; ${which}_row := null;
      named := coalesce(named, ${namedInError(names.bare)});
  end;`;
  const outcome = (which: string) =>
    `pg_catalog.jsonb_build_object('sqlstate', ${which}_state, 'rows', ${which}_rows, 'named', named)`;
  return `
declare
  ${ONESELF}
  source record; made record; own record; mark record;
  own_rows int8; setup_state text; existing boolean := false;
  first_state text; first_rows int8; first_row jsonb;
  view_state text; view_rows int8; view_row jsonb;
  again_state text; again_rows int8; again_row jsonb;
  differs text[]; named text;
  ${MOVED_BEFORE.declarations}
begin
  ${MOVED_BEFORE.statements}
  ${present(persona)}
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
  owner: Persona,
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
    ${
    asClients(`execute ${
      literal(
        `select ${hashesOf("t")} from ${table.name} as t where ${condition.join(" and ")}`,
      )
    }
      into ${into} using ${row.key.map((name) => field(record, name)).join(", ")};`)
  }
    ${BE_ONESELF}`;
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
  broken: (outcome: NameOutcome) => Pick<VerifyFailure, "expected" | "got"> | null,
): WriteVerdict {
  const steady = table.sqlstate === again.sqlstate && table.rows === again.rows;
  const held = [table, view, again].find(({ sqlstate }) => isPassing(sqlstate));
  if (held !== undefined) {
    return { kind: "unsteady", why: `others were at work there, ${refusal(held.sqlstate!)}` };
  }
  if (!steady) return { kind: "unsteady", why: "it came out differently each time" };
  const same = table.sqlstate === view.sqlstate && table.rows === view.rows;
  const wrong = same && differs.length === 0 ? broken(table) : {
    expected: saying(table),
    got: same
      ? `${saying(view)}, with another value in ${differs.map(ident).join(", ")}`
      : saying(view),
  };
  if (wrong === null) return { kind: "same" };
  const statement = `as ${context.persona.label}: ${shownWrite(write, names, context)}`;
  return { kind: "failed", failure: { statement, ...wrong } };
}

/** A write by the old name, as it is shown. */
export const shownWrite = (write: WriteName, { view }: Names, context: WriteContext): string =>
  shownStatement(writeStatement(write, view, context)!.sql);
