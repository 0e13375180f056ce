/// <reference lib="dom" />
/** The sessions that hold locks which an operation needs. */
import type { Blocker } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import { shownDuration } from "../parts/time.tsx";
import type { SeenBlocker } from "./phases.ts";

/** @param blockers Those of a problem, or those that were seen, which keep their rows when they are gone. */
export function BlockerTable(
  { title, blockers }: { title: string; blockers: (Blocker | SeenBlocker)[] },
) {
  const timed = blockers.some((blocker) => "blocked_ms" in blocker);
  return (
    <section className="stack tight">
      <h3>{title}</h3>
      <div className="scroll" role="region" aria-label={title} tabIndex={0}>
        <table className="blockers">
          <thead>
            <tr>
              <th scope="col">Session</th>
              <th scope="col">Role</th>
              <th scope="col">Application</th>
              <th scope="col">State</th>
              <th scope="col" className="number">Transaction open for</th>
              {timed && <th scope="col" className="number">Blocked it for</th>}
              <th scope="col" className="blocker-query">Query</th>
            </tr>
          </thead>
          <tbody>
            {blockers.map((blocker) => <Row key={blocker.gid ?? blocker.pid} blocker={blocker} />)}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ blocker }: { blocker: Blocker | SeenBlocker }) {
  const { pid, gid, role, application_name, state, age_ms, query } = blocker;
  const gone = "gone" in blocker && blocker.gone;
  return (
    <tr data-gone={gone}>
      <td>
        {gid === undefined ? <code>{pid}</code> : (
          <>
            prepared <code>{visible(gid)}</code>
          </>
        )}
        {gone && <span className="quiet">, gone</span>}
      </td>
      <td>{role === null ? <None /> : visible(role)}</td>
      <td>{application_name ? visible(application_name) : <None />}</td>
      <td>{state ?? <None />}</td>
      <td className="number">{age_ms === null ? <None /> : shownDuration(age_ms)}</td>
      {"blocked_ms" in blocker && <td className="number">{shownDuration(blocker.blocked_ms)}</td>}
      <td className="blocker-query">
        {query ? <code>{visible(query.replaceAll(/\s+/g, " ").trim())}</code> : <None />}
      </td>
    </tr>
  );
}

const None = () => <span className="quiet">not known</span>;
