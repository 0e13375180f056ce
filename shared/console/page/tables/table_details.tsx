/// <reference lib="dom" />
/** One table: what is known of it, what depends on it, and what a rename would do to each. */
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { analysisOptions } from "../api/queries.ts";
import { ChangeButton } from "../changes/change_button.tsx";
import { Button } from "../parts/controls/button.tsx";
import { Dependants } from "../parts/dependants.tsx";
import { Dialog } from "../parts/controls/dialog.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { Name, Renaming } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { Time } from "../parts/time.tsx";
import { toggleTable, useDraft } from "../plan/draft.ts";
import { shownBytes, type TableRow, whyNotChosen } from "./rows.ts";
import { shownRows, TableStateBadge } from "./table_list_row.tsx";

/** @param row The table; null where none is open, undefined where it is gone. */
export function TableDetails(
  { row, onClose }: { row: TableRow | null | undefined; onClose: () => void },
) {
  return (
    <Dialog
      open={row !== null && row !== undefined}
      onClose={onClose}
      title={row && <Name schema={row.schema} name={row.table} />}
      footer={row && <Footer row={row} onClose={onClose} />}
    >
      {row && <Details row={row} />}
    </Dialog>
  );
}

function Footer({ row, onClose }: { row: TableRow; onClose: () => void }) {
  const [, go] = useLocation();
  const { renames } = useDraft();
  const { schema, table } = row;
  const isChosen = renames.some((one) => one.schema === schema && one.old_name === table);
  const why = whyNotChosen(row);
  return (
    <>
      <Button onClick={onClose}>Close</Button>
      <Button
        variant="primary"
        disabled={why !== null}
        title={why ?? undefined}
        onClick={() => {
          if (!isChosen) toggleTable(schema, table);
          go("/plan");
        }}
      >
        {row.state === "active" ? "Rename it again" : "Rename this table"}
      </Button>
    </>
  );
}

function Details({ row }: { row: TableRow }) {
  const { data, error } = useQuery(analysisOptions(row.schema, row.table));
  return (
    <>
      <dl className="facts">
        <Fact name="Kind">{row.kind}</Fact>
        <Fact name="Owner">
          <Name name={row.owner} />
        </Fact>
        {row.bytes !== null && <Fact name="Size">{shownBytes(row.bytes)}</Fact>}
        {row.rows !== null && <Fact name="Rows">{shownRows(row.rows)}</Fact>}
        <Fact name="State">
          <TableStateBadge state={row.state} />
        </Fact>
      </dl>
      <RenameOfTable row={row} />
      {error
        ? <ProblemBox error={error} />
        : data === undefined
        ? <Loading what="what depends on it" />
        : data[0] === undefined
        ? <p>The table no longer exists.</p>
        : (
          <>
            <section className="stack tight">
              <h3>What you should know before a rename</h3>
              <FindingList findings={data[0].findings} />
            </section>
            <section className="stack tight">
              <h3>What depends on it</h3>
              <Dependants dependants={data[0].dependants} />
            </section>
          </>
        )}
    </>
  );
}

/** The last rename of the table, and what can be done about it. */
function RenameOfTable({ row: { state, migration } }: { row: TableRow }) {
  if (migration === undefined) return null;
  const { schema_name: schema, old_name, new_name } = migration;
  return (
    <section className="stack tight">
      <h3>{state === "proposed" ? "The proposed rename" : "Its last rename"}</h3>
      <p>
        <Renaming schema={schema} old_name={old_name} new_name={new_name} />
      </p>
      {state === "proposed" && (
        <p className="quiet">
          Proposed by {migration.requested_by},{" "}
          <Time at={migration.requested_at} />. It can be renamed otherwise once the proposal is
          applied or withdrawn.
        </p>
      )}
      {state === "active" && (
        <>
          <p className="quiet">
            Renamed by {migration.migrated_by},{" "}
            <Time at={migration.migrated_at} />. Programs can use both names. If you rename it
            again, all its names keep working. <Link href="/names">See its old name</Link>
          </p>
          <div className="row">
            <ChangeButton kind="rollback" migrations={[migration]} />
            <ChangeButton kind="finalize" migrations={[migration]} />
          </div>
        </>
      )}
      {state === "finalized" && (
        <p className="quiet">
          Finalized <Time at={migration.finalized_at} />. The old name is free.
        </p>
      )}
    </section>
  );
}

const Fact = ({ name, children }: { name: string; children: ReactNode }) => (
  <div>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
);
