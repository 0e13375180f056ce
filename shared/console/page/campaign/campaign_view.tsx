/** How far all renames are, phase by phase, and what is next. */
import { useQueries, useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import type { CampaignPhase } from "../../../report/campaign.ts";
import { campaignOptions, migrationsOptions, useSession } from "../api/queries.ts";
import { EmptyState } from "../parts/controls/empty_state.tsx";
import { Loading } from "../parts/controls/loading.tsx";
import { ProblemBox } from "../parts/problem_box.tsx";
import { Time } from "../parts/time.tsx";
import { Phase } from "./phase.tsx";
import { progressOf, trackedRenames } from "./progress.ts";
import { ProgressBar } from "./progress_bar.tsx";

export default function CampaignView() {
  const session = useSession();
  return (
    <>
      <div className="view-head">
        <h1>Campaign</h1>
        <p>How far the renames are, and what is next.</p>
      </div>
      {session.data === undefined
        ? <Loading what="the campaign" />
        : session.data.hasPhases
        ? <PhasesOfFile />
        : <TrackedRenames />}
    </>
  );
}

function PhasesOfFile() {
  const { data, error } = useQuery(campaignOptions);
  if (data === undefined) {
    return error ? <ProblemBox error={error} /> : <Loading what="the phases" />;
  }
  return <Campaign phases={data} error={error} hasPhases />;
}

function TrackedRenames() {
  const { migrations, error } = useQueries({
    queries: [
      migrationsOptions({ status: "active", include: "usage,drift" }),
      migrationsOptions({ status: "pending" }),
      migrationsOptions({ status: "finalized" }),
    ],
    combine: (answers) => ({
      migrations: answers.every(({ data }) => data !== undefined)
        ? answers.flatMap(({ data }) => data!)
        : undefined,
      error: answers.find(({ error }) => error !== null)?.error ?? null,
    }),
  });
  if (migrations === undefined) {
    return error ? <ProblemBox error={error} /> : <Loading what="the renames" />;
  }
  return <Campaign phases={[trackedRenames(migrations)]} error={error} hasPhases={false} />;
}

function Campaign(
  { phases, error, hasPhases }: { phases: CampaignPhase[]; error: unknown; hasPhases: boolean },
) {
  const tables = phases.flatMap((phase) => phase.tables);
  if (tables.length === 0) return hasPhases ? <EmptyPhases /> : <NothingBegun />;
  const progress = progressOf(tables);
  const ready = progress.counts.find(({ part }) => part === "ready")?.count ?? 0;
  // The first one that is not finished is what somebody comes for.
  const current = phases.find((phase) => phase.tables.some(({ state }) => state !== "finalized"));
  return (
    <div className="stack">
      {error !== null && <ProblemBox error={error} />}
      <section className="card stack tight" aria-label="All together">
        <p className="campaign-total">
          <strong>{progress.done} of {progress.total}</strong> done
        </p>
        <ProgressBar progress={progress} />
        <p className="quiet">
          {progress.done === progress.total
            ? "All old names are removed. Nothing is left to do."
            : ready > 0
            ? `${ready} can be finalized now.`
            : progress.earliest !== null
            ? (
              <>
                The next one can be finalized from <Time at={progress.earliest} day />{" "}
                if its old name is not used until then.
              </>
            )
            : "No date for the next finalization is known yet."}
        </p>
      </section>
      {phases.map((phase, index) => (
        <Phase
          key={phase.name ?? index}
          phase={phase}
          title={phase.name ?? (hasPhases ? "In no phase" : "All renames")}
          isOpen={phase === current}
          isOnly={phases.length === 1}
        />
      ))}
      {!hasPhases && <AboutPhases />}
    </div>
  );
}

const AboutPhases = () => (
  <p className="quiet">
    Many tables over weeks? Describe them as phases in <code>table-rename.json</code>, which{" "}
    <code>npx table-rename init</code>{" "}
    writes. This view shows them if the page is started in the folder with that file, by{" "}
    <code>npx table-rename console</code> or <code>npx table-rename serve</code>.
  </p>
);

const NothingBegun = () => (
  <EmptyState title="No table is renamed yet">
    <ul className="stack tight begin">
      <li>
        A few tables: choose them in <Link href="/tables">Tables</Link>.
      </li>
      <li>
        Many tables over weeks: run <code>npx table-rename init</code>{" "}
        in your repository, and write your phases into{" "}
        <code>table-rename.json</code>. Then start this page in that folder, by{" "}
        <code>npx table-rename console</code> or <code>npx table-rename serve</code>.
      </li>
    </ul>
  </EmptyState>
);

const EmptyPhases = () => (
  <EmptyState title="The phases have no tables">
    No table matches what <code>table-rename.json</code>{" "}
    says. Correct its phases. Then reload this page.
  </EmptyState>
);
