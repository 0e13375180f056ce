/** How far a campaign is, in numbers, and what can be done next. Without elements. */
import type { Migration } from "../../../contract/responses.ts";
import {
  type CampaignPhase,
  type CampaignTable,
  hasDrift,
  isReady,
} from "../../../report/campaign.ts";
import type { DraftRename } from "../plan/draft.ts";

/** Where a table stands: its state, and of an active one whether it can be finalized. */
export type Part = "finalized" | "ready" | "active" | "proposed" | "not_begun" | "other";

/** In the order of the bar: what is done comes first. */
export const PARTS: Part[] = ["finalized", "ready", "active", "proposed", "not_begun", "other"];

export const PART_WORDS: Record<Part, string> = {
  finalized: "finalized",
  ready: "ready to finalize",
  active: "active",
  proposed: "proposed",
  not_begun: "not begun",
  other: "not as planned",
};

export const partOf = (table: CampaignTable): Part =>
  isReady(table) ? "ready" : table.state === "missing" ? "other" : table.state;

export interface Progress {
  total: number;
  /** Finalized ones. */
  done: number;
  /** In the order of the bar, without zeros. */
  counts: { part: Part; count: number }[];
  /** When the next active one can be finalized that is not ready yet; null if no date is known. */
  earliest: string | null;
}

export function progressOf(tables: CampaignTable[]): Progress {
  const by = Map.groupBy(tables, partOf);
  const dates = tables.flatMap(({ state, migration }) =>
    (state === "active" && migration?.ready_to_finalize?.earliest) || []
  );
  return {
    total: tables.length,
    done: by.get("finalized")?.length ?? 0,
    counts: PARTS.flatMap((part) => {
      const count = by.get(part)?.length ?? 0;
      return count === 0 ? [] : [{ part, count }];
    }),
    earliest: dates.toSorted((a, b) => Date.parse(a) - Date.parse(b)).at(0) ?? null,
  };
}

/** Something that can be done for a phase. */
export type Step =
  | { kind: "refresh" | "apply" | "finalize" | "wait"; migrations: Migration[] }
  | { kind: "rename" | "correct"; tables: CampaignTable[] };

/** What can be done, the most urgent first; none if all is done. */
export function stepsOf(tables: CampaignTable[]): Step[] {
  const migrationsOf = (some: CampaignTable[]) => some.flatMap(({ migration }) => migration ?? []);
  const of = (part: Part) => tables.filter((table) => partOf(table) === part);
  const drifted = tables.filter(hasDrift);
  const steps: Step[] = [
    { kind: "refresh", migrations: migrationsOf(drifted) },
    { kind: "apply", migrations: migrationsOf(of("proposed")) },
    { kind: "correct", tables: of("other") },
    { kind: "rename", tables: of("not_begun") },
    { kind: "finalize", migrations: migrationsOf(of("ready").filter((one) => !hasDrift(one))) },
    { kind: "wait", migrations: migrationsOf(of("active")) },
  ];
  return steps.filter((step) =>
    "tables" in step ? step.tables.length > 0 : step.migrations.length > 0
  );
}

/** The draft with the tables of a phase in it, under the names that the phase gives them. */
export function withPhase(renames: DraftRename[], tables: CampaignTable[]): DraftRename[] {
  const added = tables.map(({ schema, old_name, new_name }) => ({ schema, old_name, new_name }));
  const others = renames.filter(({ schema, old_name }) =>
    !added.some((one) => one.schema === schema && one.old_name === old_name)
  );
  return [...others, ...added];
}

/** All tracked renames as one group, for a project without phases. */
export function trackedRenames(migrations: Migration[]): CampaignPhase {
  const tables = migrations.flatMap((migration): CampaignTable[] => {
    const { schema_name: schema, old_name, new_name, status } = migration;
    if (status === "rolled_back") return [];
    return [{
      schema,
      old_name,
      new_name,
      state: status === "pending" ? "proposed" : status,
      migration,
    }];
  });
  const [first] = stepsOf(tables);
  const next = first && commandFor(first);
  return { name: null, tables, ...(next && { next }) };
}

/** The same as a command, where that needs no name of a table. */
function commandFor(step: Step): CampaignPhase["next"] {
  switch (step.kind) {
    case "apply":
      return {
        text: "Apply what is proposed",
        command: `npx table-rename rename-table --batch-id ${step.migrations[0].batch_id}`,
      };
    case "finalize":
      return {
        text: "Finalize what is ready",
        command: "npx table-rename finalize-rename --ready",
      };
    case "wait":
      return {
        text: "Test whether the old names still work",
        command: "npx table-rename test-view-compatibility --all-active",
      };
    default:
      return undefined;
  }
}

/** Since when a table is where it is; null where that is no time. */
export const sinceOf = ({ state, migration }: CampaignTable): string | null =>
  (state === "active"
    ? migration?.migrated_at
    : state === "finalized"
    ? migration?.finalized_at
    : state === "proposed"
    ? migration?.requested_at
    : null) ?? null;
