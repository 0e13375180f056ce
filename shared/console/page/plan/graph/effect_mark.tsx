/** What becomes of a dependant, as a sign and a colour: neither is needed to know the other. */
import type { Effect } from "../../../../contract/responses.ts";
import { EFFECTS } from "../../parts/dependants.tsx";
import type { EffectCount } from "./model.ts";

const SIGNS: Record<Effect, string> = {
  breaks: "✕",
  changes: "≠",
  works_through_view: "↪",
  handled: "✓",
  follows: "=",
};

/** @param named Whether screen readers hear what it means. */
export const EffectMark = ({ effect, named = false }: { effect: Effect; named?: boolean }) => (
  <>
    <span
      className="effect-mark"
      data-tone={EFFECTS[effect].tone}
      title={EFFECTS[effect].text}
      aria-hidden="true"
    >
      {SIGNS[effect]}
    </span>
    {named && <span className="visually-hidden">{EFFECTS[effect].text}</span>}
  </>
);

/** What several of them do, in the words of EFFECTS. */
const SEVERAL: Record<Effect, string> = {
  breaks: "break",
  changes: "change",
  works_through_view: "work through the old name",
  handled: "are adapted",
  follows: "go with the table",
};

export const effectText = (effect: Effect, count: number): string =>
  count === 1 ? EFFECTS[effect].text : SEVERAL[effect];

/** The signs that occur, with what they mean and how often. */
export const Legend = ({ counts }: { counts: EffectCount[] }) => (
  <ul className="row graph-legend" aria-label="What becomes of what depends on it">
    {counts.length === 0 && <li className="quiet">Nothing depends on it.</li>}
    {counts.map(({ effect, count }) => (
      <li key={effect}>
        <EffectMark effect={effect} /> <strong>{count}</strong> {effectText(effect, count)}
      </li>
    ))}
  </ul>
);
