/** The plan that was recorded with the renames of an event. */
import { useQueries } from "@tanstack/react-query";
import type { EventRecord } from "../../../contract/responses.ts";
import { migrationsOptions } from "../api/queries.ts";
import { Loading } from "../parts/controls/loading.tsx";
import { Renaming } from "../parts/name.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { Sql } from "../parts/sql.tsx";

/** Most plans that are asked for one by one, where the event is of no batch. */
const MOST = 20;

export default function EventPlan({ event: { batch_id, migration_ids } }: { event: EventRecord }) {
  const selections = batch_id !== null
    ? [{ batch_id }]
    : migration_ids.slice(0, MOST).map((id) => ({ id }));
  const { migrations, error } = useQueries({
    queries: selections.map((one) => migrationsOptions({ ...one, include: "plan" })),
    combine: (answers) => ({
      migrations: answers.every(({ data }) => data !== undefined)
        // Lists begin with the newest; the request began with the oldest.
        ? answers.flatMap(({ data }) => data!.toReversed())
        : undefined,
      error: answers.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
  if (error !== null) return <ProblemBox error={error} />;
  if (migrations === undefined) return <Loading what="the plan" />;
  return (
    <div className="stack event-plan">
      {migrations.map(({ id, schema_name, old_name, new_name, plan }) => (
        <section key={id} className="stack tight">
          <h3>
            <Renaming schema={schema_name} old_name={old_name} new_name={new_name} />
          </h3>
          {plan === undefined || plan.statements.length === 0
            ? <p className="quiet">No statements were recorded.</p>
            : (
              <Sql
                text={plan.statements.map(({ purpose, sql }) =>
                  `-- ${purpose.replaceAll("\n", " ")}\n${sql};`
                ).join("\n\n")}
              />
            )}
          {plan !== undefined && plan.acknowledged.length > 0 && (
            <p>
              Accepted although they break something: <code>{plan.acknowledged.join(", ")}</code>
            </p>
          )}
        </section>
      ))}
    </div>
  );
}
