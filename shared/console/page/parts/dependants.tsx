import type { AnalyzedTable, Effect } from "../../../contract/responses.ts";
import { EFFECT_WORDS } from "../../../report/effects.ts";
import { visible } from "../../../report/document/text.ts";
import { Badge, type Tone } from "./controls/badge.tsx";
import { Name } from "./name.tsx";

export const EFFECT_TONES: Record<Effect, Tone> = {
  follows: "neutral",
  handled: "good",
  works_through_view: "notice",
  changes: "warning",
  breaks: "bad",
};

/** "foreign_keys" as a heading. */
export const kindTitle = (kind: string): string => {
  const words = kind.replaceAll("_", " ");
  return words[0].toUpperCase() + words.slice(1);
};

/** What depends on a table, by kind, without empty kinds. */
export function Dependants({ dependants }: { dependants: AnalyzedTable["dependants"] }) {
  const kinds = Object.entries(dependants).filter(([, objects]) => objects.length > 0);
  if (kinds.length === 0) return <p className="quiet">Nothing depends on it.</p>;
  return (
    <dl className="dependants">
      {kinds.map(([kind, objects]) => (
        <div key={kind}>
          <dt>
            {kindTitle(kind)} <span className="quiet">{objects.length}</span>
          </dt>
          {objects.map(({ name, effect, detail }, index) => (
            <dd key={index}>
              <Name name={name} />{" "}
              <Badge tone={EFFECT_TONES[effect]}>{EFFECT_WORDS[effect].one}</Badge>
              {detail && <p className="quiet">{visible(detail)}</p>}
            </dd>
          ))}
        </div>
      ))}
    </dl>
  );
}
