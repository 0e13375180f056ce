/** What becomes of a dependant, as a sign and a colour: neither is needed to know the other. */
import type { Effect } from "../../../../contract/responses.ts";
import { EFFECT_WORDS } from "../../../../report/effects.ts";
import { EFFECT_TONES } from "../../parts/dependants.tsx";
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
      data-tone={EFFECT_TONES[effect]}
      title={EFFECT_WORDS[effect].one}
      aria-hidden="true"
    >
      {SIGNS[effect]}
    </span>
    {named && <span className="visually-hidden">{EFFECT_WORDS[effect].one}</span>}
  </>
);

export const effectText = (effect: Effect, count: number): string =>
  count === 1 ? EFFECT_WORDS[effect].one : EFFECT_WORDS[effect].several;

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
