/// <reference lib="dom" />
/** The frame of all views: where one is, which project it is, and whether it can be reached. */
import { lazy, Suspense, useEffect, useRef } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { isUnreachable } from "./api/client.ts";
import { useSession } from "./api/queries.ts";
import { useDraft } from "./plan/draft.ts";
import { useOperations } from "./live/operations.ts";
import { Loading } from "./parts/controls/loading.tsx";
import { ProblemBox } from "./parts/problem_box.tsx";
import { ThemeChoice } from "./parts/controls/theme_choice.tsx";

/** The views in the order of the work. Each is loaded when it is first opened. */
const VIEWS = [
  { path: "/tables", name: "Tables", View: lazy(() => import("./tables/tables_view.tsx")) },
  { path: "/plan", name: "Plan", View: lazy(() => import("./plan/plan_view.tsx")) },
  { path: "/live", name: "Live", View: lazy(() => import("./live/live_view.tsx")) },
  { path: "/names", name: "Old names", View: lazy(() => import("./names/names_view.tsx")) },
  { path: "/campaign", name: "Campaign", View: lazy(() => import("./campaign/campaign_view.tsx")) },
  { path: "/events", name: "Events", View: lazy(() => import("./events/events_view.tsx")) },
];

export function Shell() {
  const session = useSession();
  const [location] = useLocation();
  const heading = useRef<HTMLElement>(null);
  const here = VIEWS.find(({ path }) => location.startsWith(path));
  useEffect(() => {
    const project = session.data?.project;
    document.title = [here?.name, project, "Table renames"].filter(Boolean).join(" · ");
  }, [here, session.data]);
  // A change of view is announced, and the keyboard goes on from there.
  const previous = useRef(here);
  useEffect(() => {
    if (previous.current !== undefined && previous.current !== here) heading.current?.focus();
    previous.current = here;
  }, [here]);
  return (
    <div className="shell">
      <a className="skip" href="#main">Skip to the view</a>
      <header className="sidebar">
        <div className="head">
          <div className="brand">
            <img src="/icon.svg" alt="" />
            Table renames
          </div>
          <p className="project">
            <span className="visually-hidden">Project:</span>
            {session.data?.project ?? "\u00a0"}
            {session.data?.readOnly && <strong>(read-only)</strong>}
          </p>
        </div>
        <Views />
        <div className="foot">
          <ThemeChoice />
        </div>
      </header>
      <div>
        <Connection error={session.failureReason} />
        <main id="main" className="main" tabIndex={-1} ref={heading} aria-label={here?.name}>
          {session.isError && !isUnreachable(session.error)
            ? <ProblemBox error={session.error} />
            : (
              <Suspense fallback={<Loading what="the view" />}>
                <Switch>
                  {VIEWS.map(({ path, View }) => <Route key={path} path={path} component={View} />)}
                  <Route>
                    <Redirect to={VIEWS[0].path} replace />
                  </Route>
                </Switch>
              </Suspense>
            )}
        </main>
      </div>
    </div>
  );
}

function Views() {
  const [location] = useLocation();
  const planned = useDraft().renames.length;
  const running = useOperations().filter(({ state }) => state === "running").length;
  const counts: Record<string, { count: number; what: string }> = {
    "/plan": { count: planned, what: "chosen" },
    "/live": { count: running, what: "running" },
  };
  return (
    <nav className="views" aria-label="Views">
      {VIEWS.map(({ path, name }) => {
        const { count = 0, what = "" } = counts[path] ?? {};
        return (
          <Link
            key={path}
            href={path}
            aria-current={location.startsWith(path) ? "page" : undefined}
          >
            {name}
            {count > 0 && (
              <span className="count">
                {count}
                <span className="visually-hidden">{what}</span>
              </span>
            )}
          </Link>
        );
      })}
    </nav>
  );
}

/** Says that nothing answers, as long as that is so. */
function Connection({ error }: { error: unknown }) {
  return (
    <div role="status">
      {isUnreachable(error) && (
        <p className="banner">
          The command that serves this page does not answer. This page tries again by itself. Check
          that the command still runs.
        </p>
      )}
    </div>
  );
}
