import { Fold } from "../parts/controls/fold.tsx";
import { shownDuration } from "../parts/time.tsx";
import type { Operation } from "./operation.ts";
import { timeLine } from "./phases.ts";

/** Most entries of the list; the bar has all. */
const LISTED = 100;

/** When it worked, waited and tried to lock: as a bar, and as a list for who wants the figures. */
export function TimeLine({ operation, now }: { operation: Operation; now: number }) {
  const segments = timeLine(operation, now);
  const from = segments[0]?.from ?? 0;
  const whole = Math.max((segments.at(-1)?.to ?? 0) - from, 1);
  return (
    <div className="time-line">
      <div className="time-line-bar" aria-hidden="true">
        {segments.map((segment, index) => (
          <span
            key={index}
            data-kind={segment.kind}
            title={`${segment.text}: ${shownDuration(segment.to - segment.from)}`}
            style={{ flexGrow: Math.max(segment.to - segment.from, whole / 200) }}
          />
        ))}
      </div>
      <Fold title="Time line">
        {segments.length === 0
          ? <p className="quiet">Nothing is reported yet.</p>
          : (
            <ol className="time-line-list">
              {segments.slice(-LISTED).map(({ kind, from, to, text }, index) => (
                <li key={index}>
                  <span className="number quiet">{(from / 1_000).toFixed(2)} s</span>
                  <span data-kind={kind}>{text}</span>
                  <span className="number">{shownDuration(to - from)}</span>
                </li>
              ))}
            </ol>
          )}
      </Fold>
    </div>
  );
}
