/// <reference lib="dom" />
/** One table: what depends on it, and what a rename would do to each. */
import { useQuery } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { analysisOptions } from "../api/queries.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Dependants } from "../parts/dependants.tsx";
import { FindingList } from "../parts/finding_list.tsx";
import { Loading } from "../parts/loading.tsx";
import { Name } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { toggleTable, useDraft } from "../plan/draft.ts";

type Opened = { schema: string; table: string };

export function TableDetails({ table, onClose }: { table: Opened | null; onClose: () => void }) {
  return (
    <Dialog
      open={table !== null}
      onClose={onClose}
      title={table && <Name schema={table.schema} name={table.table} />}
      footer={table && <Footer table={table} onClose={onClose} />}
    >
      {table && <Details table={table} />}
    </Dialog>
  );
}

function Footer({ table: { schema, table }, onClose }: { table: Opened; onClose: () => void }) {
  const [, go] = useLocation();
  const { renames } = useDraft();
  const isChosen = renames.some((one) => one.schema === schema && one.old_name === table);
  return (
    <>
      <Button onClick={onClose}>Close</Button>
      <Button
        variant="primary"
        onClick={() => {
          if (!isChosen) toggleTable(schema, table);
          go("/plan");
        }}
      >
        Rename this table
      </Button>
    </>
  );
}

function Details({ table: { schema, table } }: { table: Opened }) {
  const { data, error } = useQuery(analysisOptions(schema, [table]));
  if (error) return <ProblemBox error={error} />;
  if (data === undefined) return <Loading what="the table" />;
  const [analysis] = data;
  if (analysis === undefined) return <p>The table does not exist any more.</p>;
  return (
    <>
      <section className="stack tight">
        <h2 className="minor">What you should know before a rename</h2>
        <FindingList findings={analysis.findings} />
      </section>
      <section className="stack tight">
        <h2 className="minor">What depends on it</h2>
        <Dependants dependants={analysis.dependants} />
      </section>
    </>
  );
}
