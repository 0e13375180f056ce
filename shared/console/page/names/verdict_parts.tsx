import type { Migration } from "../../../contract/responses.ts";
import { Badge, type Tone } from "../parts/controls/badge.tsx";
import { TextWithTimes } from "../parts/text_with_times.tsx";
import { Time } from "../parts/time.tsx";
import { isTextReason, type VerdictKind, verdictOf } from "./verdict.ts";

const TONES: Record<VerdictKind, Tone> = {
  differs: "bad",
  ready: "good",
  not_before: "notice",
  unknown: "neutral",
  in_use: "warning",
};

export function VerdictBadge({ migration }: { migration: Migration }) {
  const { kind, text } = verdictOf(migration);
  return <Badge tone={TONES[kind]}>{text}</Badge>;
}

/** @param texts Whether texts of the database that name the old name are listed, too. */
export function VerdictReasons(
  { migration, texts = true }: { migration: Migration; texts?: boolean },
) {
  const { kind, earliest } = verdictOf(migration);
  const reasons = (migration.ready_to_finalize?.reasons ?? [])
    .filter((reason) => texts || !isTextReason(reason));
  return (
    <>
      <ul className="reasons">
        {reasons.map(({ message }, index) => (
          <li key={index}>
            <TextWithTimes text={message} />
          </li>
        ))}
        {migration.ready_to_finalize === undefined && <li>The project gave no reasons.</li>}
      </ul>
      {kind === "in_use" && earliest !== null && (
        <p className="quiet">
          Ready at <Time at={earliest} /> if it is not used until then.
        </p>
      )}
    </>
  );
}
