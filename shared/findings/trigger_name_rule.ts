/** What it comes to that TG_TABLE_NAME changes, by what a trigger function does with it. */
import { literal } from "../sql/quoting.ts";
import type { CodeRule, Subject } from "./text_rules.ts";
import type { NameUse } from "../sql/references/trigger_names.ts";

interface Consequence {
  severity: "breaking" | "warning";
  /** Behind "is called by triggers of …, for which TG_TABLE_NAME will be …". */
  says: string;
  remedy: (subject: Subject) => string;
}

const named = ({ newName }: Subject) => newName === null ? "the new name" : literal(newName);

const knowBoth = (subject: Subject) =>
  "Have it know both names before the rename: " +
  `TG_TABLE_NAME in (${literal(subject.first.name)}, ${named(subject)}).`;

const mapBack = (subject: Subject) =>
  `case TG_TABLE_NAME when ${named(subject)} then ${
    literal(subject.first.name)
  } else TG_TABLE_NAME end`;

/** The worst first. */
const CONSEQUENCES: Record<NameUse, Consequence> = {
  compares: {
    severity: "breaking",
    says: ", and compares it with the old one: it takes another way then, without an error",
    remedy: knowBoth,
  },
  relation: {
    severity: "breaking",
    says: ", and makes a name of it: what is named after the old name is not found then (42P01)",
    remedy: (subject) =>
      `Have it use the old name for both before the rename: ${
        mapBack(subject)
      }; or rename what is ` +
      "named after the table in the same batch, in the same way; or acknowledge.",
  },
  lookup: {
    severity: "breaking",
    says:
      ", and looks rows up by it: those that are kept under the old name are not found then, without an error",
    remedy: (subject) =>
      "Before the rename, add rows for the new name beside those of the old one, or have it look up the " +
      `old name for both: ${mapBack(subject)}; or acknowledge.`,
  },
  channel: {
    severity: "breaking",
    says:
      ", and notifies a channel named after it: who listens to the old one hears nothing, without an error",
    remedy: (subject) =>
      `Have listeners listen to both channels before the rename, or have it use the old name: ${
        mapBack(subject)
      }; or acknowledge.`,
  },
  setting: {
    severity: "breaking",
    says: ", and reads a setting named after it, which is not found then (42704)",
    remedy: (subject) =>
      `Make the setting under the new name, too, or have it use the old name: ${
        mapBack(subject)
      }; or acknowledge.`,
  },
  pattern: {
    severity: "warning",
    says: ", and compares it with a pattern that the new name may not match",
    remedy: knowBoth,
  },
  uses: {
    severity: "warning",
    says: ": what it writes, sends or passes on by it changes",
    remedy: () => "See that whatever reads what it writes knows both names.",
  },
};

const NAME_USES = Object.keys(CONSEQUENCES) as NameUse[];

const consequence = (detail: string | null) =>
  CONSEQUENCES[NAME_USES.find((one) => one === detail) ?? "uses"];

export const TRIGGER_NAME_RULE: CodeRule = {
  severity: (_, detail) => consequence(detail).severity,
  // Elsewhere the remedy names the table's two names.
  apart: (detail) => consequence(detail) !== CONSEQUENCES.uses,
  worst: (uses) => {
    const worst = NAME_USES.find((one) => uses.some(({ detail }) => detail === one));
    return uses.find(({ detail }) => detail === worst);
  },
  does: (subject) =>
    `is called by triggers of ${subject.tables}, for which TG_TABLE_NAME will be ${
      named(subject)
    }` +
    consequence(subject.detail).says,
  remedy: (subject) => consequence(subject.detail).remedy(subject),
};
