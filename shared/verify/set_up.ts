/** The row of our own comes to be: copied from a row that the persona sees, if there is one. */
import { ident, literal } from "../sql/quoting.ts";
import { field } from "./own_row.ts";
import { ANYTHING, asClients, leaveOutcome, TAKE_BACK, WHEN_TAKEN_BACK } from "./trial.ts";
import { BE_ONESELF, become, ONESELF, type Persona, present } from "./personas.ts";
import { inserts, type WriteContext, type WriteName } from "./write_statements.ts";

/** Where the row is that is copied: of which partition, and at which place. */
export interface SampledRow {
  tableoid: number;
  ctid: string;
}

/** The row that a persona sees first, or else the owner; its values stay where they are. */
export function sampleBlock(persona: Persona, owner: Persona, table: string): string {
  const look = (as: Persona) => `
  if place is null then
    begin
      ${become(as)}
      ${
    asClients(`execute ${
      literal(
        `select pg_catalog.jsonb_build_object('tableoid', t.tableoid::int8, 'ctid', t.ctid::text)
from ${table} as t limit 1`,
      )
    } into place;`)
  }
      ${BE_ONESELF}
    exception when ${ANYTHING} then null;
    end;
  end if;`;
  return `
declare
  ${ONESELF}
  place jsonb;
begin
  ${present(persona)}${look(persona)}${look(owner)}
  ${leaveOutcome("pg_catalog.jsonb_build_object('place', place)")}
end `;
}

const placed = ({ tableoid, ctid }: SampledRow) =>
  `t.tableoid = ${tableoid}::pg_catalog.oid and t.ctid = ${literal(ctid)}::pg_catalog.tid`;

/**
 * Has `made` filled with a row that the table takes; for writes that need it to be there, it is, as `own`.
 * Where the table takes none, a row of its own that nobody else is at stands in.
 */
export function setUp(
  write: WriteName,
  { table, row }: WriteContext,
  owner: Persona,
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
  const parts = [asClients(`execute ${literal(`${whole} limit 0`)} into own;`)];
  if (sampled !== null) {
    parts.push(
      become(owner),
      asClients(`execute ${literal(`${whole} where ${placed(sampled)}`)} into strict source;`),
      BE_ONESELF,
    );
  }
  for (const way of row.ways) {
    parts.push(`if own_rows is distinct from 1 then
    begin
      ${become(owner)}
      ${way}
      ${
      asClients(`execute ${literal(sql)} into own${using};
      get diagnostics own_rows = row_count;`)
    }
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
      ${
      asClients(
        `execute ${literal(`${whole} where ${placed(sampled)} for update skip locked`)} into own;
      get diagnostics own_rows = row_count;`,
      )
    }
      existing := own_rows = 1;
      ${BE_ONESELF}
    exception when ${ANYTHING} then own_rows := 0;
    end;
  end if;`);
  }
  parts.push(`if own_rows is distinct from 1 then
    ${asClients(`execute ${literal(`${whole} limit 0`)} into own;`)}
  end if;`);
  return parts.join("\n  ");
}
