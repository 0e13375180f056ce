/// <reference lib="dom" />
/** What others have proposed, and nobody has applied yet. */
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { visible } from "../../../../report/document/text.ts";
import type { Migration } from "../../../../contract/responses.ts";
import { migrationsOptions } from "../../api/queries.ts";
import { Renaming } from "../../parts/name.tsx";
import { Time } from "../../parts/time.tsx";

/** Most tables of a proposal that are named. */
const MOST = 3;

export function Proposals() {
  const { data } = useQuery(migrationsOptions({ status: "pending" }));
  if (data === undefined || data.length === 0) return null;
  const batches = [...Map.groupBy(data, ({ batch_id }) => batch_id)];
  return (
    <section className="card stack tight" aria-labelledby="proposals-title">
      <h2 id="proposals-title">Proposed</h2>
      <ul className="plan-proposals">
        {batches.map(([batch, migrations]) => (
          <li key={batch} className="row">
            <Proposal migrations={migrations} />
            <Link
              className="button"
              href={`/plan?batch=${batch}`}
              aria-label={`Review the proposal for ${migrations[0].old_name}`}
            >
              Review
            </Link>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Proposal({ migrations }: { migrations: Migration[] }) {
  const [{ requested_by, requested_at, notes }] = migrations;
  const count = migrations.length;
  return (
    <div className="grow">
      <p>
        Proposed by <strong>{visible(requested_by)}</strong>, <Time at={requested_at} />:{" "}
        {count === 1 ? "1 table" : `${count} tables`}
      </p>
      <p className="plan-proposal-names">
        {migrations.slice(0, MOST).map((one) => (
          <Renaming
            key={one.id}
            schema={one.schema_name}
            old_name={one.old_name}
            new_name={one.new_name}
          />
        ))}
        {count > MOST && <span className="quiet">and {count - MOST} more</span>}
      </p>
      {notes !== null && <p className="quiet">{visible(notes)}</p>}
    </div>
  );
}
