/** Triggers: those of the table are there as at the rename, and none stand on the view. */
import type { RecordedRename } from "../facts/migration.ts";
import type { VerifyFailure } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { fingerprint } from "../facts/fingerprint.ts";
import { qualified } from "../sql/quoting.ts";

/** The code by which a caller says that a trigger was dropped or changed on purpose. */
export const TRIGGER_MISSING = "trigger_missing";

const TRIGGER = /^trigger /;

/** A definition without the comment at its end, which does nothing. */
const bare = (definition: string) => definition.replace(/ comment '.*$/s, "");

/** Triggers that the table had at the rename and has no more, or has changed. */
export function missingTriggers(
  { fingerprint: kept, new_name }: RecordedRename,
  table: RelationFacts,
): VerifyFailure[] {
  const before = kept.after ?? kept.before;
  const now = fingerprint(table);
  // Definitions name the table; under another name they are compared by being there only.
  const comparable = kept.after !== null && table.name === new_name;
  return Object.entries(before).flatMap(([object, definition]) => {
    if (!TRIGGER.test(object)) return [];
    const present = now[object] ?? null;
    if (present !== null && (!comparable || bare(present) === bare(definition))) return [];
    return [{
      statement: `${object} on ${qualified(table.schema, table.name)}`,
      expected: definition,
      got: `${
        present ?? "no such trigger"
      } (acknowledge ${TRIGGER_MISSING} if it was changed on purpose)`,
    }];
  });
}

/** Triggers and rules on the view: they take the place of what the table does. */
export function standIns(view: RelationFacts): VerifyFailure[] {
  const name = qualified(view.schema, view.name);
  return [
    ...view.triggers.map((trigger) => ({ kind: "trigger", ...trigger })),
    ...view.rules.map((rule) => ({ kind: "rule", ...rule })),
  ].map(({ kind, name: own, definition }) => ({
    statement: `${kind} ${own} on ${name}`,
    expected: "a view that passes every write on to its table",
    got: definition,
  }));
}
