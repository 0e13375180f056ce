/** How far a campaign of renames is: phase by phase, and table by table. */
import type { Migration } from "../contract/responses.ts";
import {
  type Block,
  type Document,
  documentOf,
  type Item,
  itemsOf,
  name,
  section,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { inCodeText, isJudged, reasonsOf, shownName, verifiedText } from "./migrations.ts";
import { counted, inUtc } from "./document/text.ts";

export type CampaignState = "not_begun" | "proposed" | "active" | "finalized" | "missing" | "other";

export interface CampaignTable {
  schema: string;
  old_name: string;
  new_name: string;
  /** `missing`: there is no such table. `other`: the table was renamed to another name. */
  state: CampaignState;
  migration?: Migration;
}

export interface CampaignPhase {
  /** Null for renames that belong to no phase. */
  name: string | null;
  tables: CampaignTable[];
  /** What to do next, as a command line; undefined if there is nothing to do now. */
  next?: NextStep;
}

export interface NextStep {
  text: string;
  command: string;
  /** Commands that belong to the step as well. */
  more?: string[];
}

/** What became of an earlier rename of a table that has its old name. */
const stateText = ({ state, migration }: CampaignTable): Text =>
  state !== "not_begun" || migration?.status !== "rolled_back"
    ? STATES[state]
    : toned(migration.migrated_at === null ? "withdrawn" : "rolled back", "notice");

const STATES: Record<CampaignState, Text> = {
  not_begun: "not begun",
  proposed: toned("proposed", "notice"),
  active: toned("active", "notice"),
  finalized: toned("finalized", "good"),
  missing: toned("no such table", "bad"),
  other: toned("has another name", "warning"),
};

export const isReady = ({ migration }: CampaignTable): boolean =>
  migration?.status === "active" && migration.ready_to_finalize?.ready === true;

export const hasDrift = ({ migration }: CampaignTable): boolean =>
  migration?.status === "active" && (migration.drift ?? []).length > 0;

/** Most tables of a phase that are shown without --verbose. */
const MAX_ROWS = 40;

/** How many tables of each state, in words. */
const counts = (tables: CampaignTable[]): string => {
  const of = (...states: CampaignState[]) =>
    tables.filter(({ state }) => states.includes(state)).length;
  const parts = [
    [of("finalized"), "finalized"],
    [of("active"), "active"],
    [of("proposed"), "proposed"],
    [of("not_begun"), "not begun"],
    [of("missing", "other"), "not as planned"],
  ] as const;
  return parts.flatMap(([count, word]) => count === 0 ? [] : [`${count} ${word}`]).join(", ");
};

/** @param context.all Show also the tables that are not begun or finalized. */
export function describeCampaign(
  phases: CampaignPhase[],
  { url, all = false }: { url?: string; all?: boolean },
): Document {
  const tables = phases.flatMap((phase) => phase.tables);
  if (tables.length === 0) {
    return documentOf([[{ is: "text", text: "Nothing is renamed yet." }]]);
  }
  const ended = tables.every(({ state }) => state === "finalized");
  const named = phases.some((phase) => phase.name !== null);
  return documentOf([
    [{
      is: "title",
      tone: ended ? "good" : "notice",
      label: "Status",
      text: `${counted(tables.length, "table")}: ${counts(tables)}`,
      url,
    }],
    named && phases.length > 1 ? [tableOfPhases(phases)] : [],
    ...phases.map((phase) => phaseSection(phase, named, all)),
  ]);
}

function tableOfPhases(phases: CampaignPhase[]): Block | null {
  const number = (count: number) => count === 0 ? null : String(count);
  return table(
    ["Phase", "Tables", "Not begun", "Proposed", "Active", "Ready", "Finalized", "Other"],
    phases.map((phase) => {
      const of = (...states: CampaignState[]) =>
        number(phase.tables.filter(({ state }) => states.includes(state)).length);
      return [
        name(titleOf(phase)),
        String(phase.tables.length),
        of("not_begun"),
        of("proposed"),
        of("active"),
        number(phase.tables.filter(isReady).length),
        of("finalized"),
        of("missing", "other"),
      ];
    }),
    { of: "phase" },
  );
}

const titleOf = ({ name }: CampaignPhase): string => name ?? "in no phase";

function phaseSection(phase: CampaignPhase, named: boolean, all: boolean): Block[] {
  const { tables, next } = phase;
  const shown = all
    ? tables
    : tables.filter(({ state, migration }) =>
      state !== "finalized" && (state !== "not_begun" || migration !== undefined)
    );
  const judged = tables.flatMap(({ migration, state }) =>
    migration !== undefined && state === "active" ? [migration] : []
  ).filter(isJudged);
  const step: Block | null = next === undefined
    ? null
    : { is: "step", text: next.text, commands: [next.command, ...next.more ?? []] };
  const most = all ? shown.length : MAX_ROWS;
  const more = Math.max(0, shown.length - most);
  const states = new Set(shown.map(({ state }) => state));
  const blocks = [
    table(
      [
        "Old name",
        "New name",
        "State",
        "Since",
        "Ready",
        "Drift",
        "Last used",
        "Verified",
        "In code",
      ],
      // One state of all is in the line above.
      shown.slice(0, most).map((one) =>
        rowOf(one, states.size > 1 || tables.length > shown.length)
      ),
    ),
    more === 0 ? null : {
      is: "text",
      text: `and ${counted(more, "more table")}, shown with --verbose`,
    } as const,
    itemsOf(tables.filter(hasDrift).map(driftItem)),
    itemsOf(reasonsOf(judged)),
    step,
  ];
  if (!named) return blocks.filter((block) => block !== null);
  return section(
    phase.name === null ? "In no phase" : `Phase ${phase.name}`,
    { is: "text", text: tables.length === 0 ? "No table." : `${counts(tables)}.` },
    ...blocks,
  );
}

const driftItem = ({ schema, old_name, migration }: CampaignTable): Item => ({
  mark: toned("drift", "warning"),
  text: name(shownName(schema, old_name)),
  body: (migration?.drift ?? []).map(({ message }) => message),
  remedy: [...new Set((migration?.drift ?? []).map(({ remedy }) => remedy))].join(" "),
});

function rowOf(one: CampaignTable, withState: boolean): (Text | null)[] {
  const { schema, old_name, new_name, state, migration } = one;
  const active = state === "active" ? migration : undefined;
  const day = (timestamp?: string | null) => timestamp ? inUtc(timestamp).slice(0, 10) : null;
  const since = state === "active"
    ? migration?.migrated_at
    : state === "finalized"
    ? migration?.finalized_at
    : state === "proposed"
    ? migration?.requested_at
    : migration?.rollback_at;
  const verdict = active?.ready_to_finalize;
  const usage = active?.usage;
  return [
    name(shownName(schema, old_name)),
    name(new_name),
    withState ? stateText(one) : null,
    day(since),
    verdict === undefined
      ? null
      : verdict.ready
      ? toned("yes", "good")
      : verdict.earliest === null
      ? "no"
      : `from ${day(verdict.earliest)}`,
    active?.drift === undefined ? null : hasDrift(one) ? toned("yes", "warning") : null,
    usage?.last_used_at == null ? null : [day(usage.last_used_at), usage.roles.at(0)?.role]
      .filter((part) => part !== undefined).join(", "),
    active?.last_verified == null ? null : verifiedText(active.last_verified),
    active?.uses_in_code == null ? null : inCodeText(active.uses_in_code),
  ];
}
