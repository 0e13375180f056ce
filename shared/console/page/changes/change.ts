/** Changes of renames that exist: what is asked for, and what a person has to confirm. */
import type { ProblemCode } from "../../../contract/problems.ts";
import type { FinalizeInput, RefreshInput, RollbackInput } from "../../../contract/requests.ts";
import type { Finding, Migration, OperationAnswer } from "../../../contract/responses.ts";
import { visible } from "../../../report/document/text.ts";
import type { OperationTable } from "../live/operation.ts";

export type ChangeKind = "rollback" | "refresh" | "finalize";

export const isChangeKind = (name: string): name is ChangeKind =>
  name === "rollback" || name === "refresh" || name === "finalize";

/** What is needed of a migration to change it. */
export type ChangeTarget = Pick<
  Migration,
  "id" | "batch_id" | "schema_name" | "old_name" | "new_name"
>;

export interface ChangeOptions {
  rewrite_texts: boolean;
  quiet_for_days: number;
  carry_privileges: boolean;
}

export const DEFAULT_OPTIONS: ChangeOptions = {
  rewrite_texts: false,
  quiet_for_days: 7,
  carry_privileges: false,
};

export type ChangeRequest = RollbackInput & RefreshInput & FinalizeInput;

/** What one request changes, all or none: one rename or a whole batch. */
export interface Unit {
  targets: ChangeTarget[];
  selection: { migration_id: string } | { batch_id: string };
}

/**
 * Which requests change these renames: whole batches as they were made, all others one by one. A refresh is of one.
 *
 * @param open The renames of each batch that can still be changed, by the batch's id.
 */
export function unitsOf(
  kind: ChangeKind,
  targets: ChangeTarget[],
  open: ReadonlyMap<string, string[]>,
): Unit[] {
  const batches = Map.groupBy(targets, ({ batch_id }) => batch_id);
  return [...batches].flatMap(([batch_id, targets]): Unit[] => {
    const chosen = new Set(targets.map(({ id }) => id));
    const whole = kind !== "refresh" && targets.length > 1 &&
      (open.get(batch_id)?.every((id) => chosen.has(id)) ?? false);
    if (whole) return [{ targets, selection: { batch_id } }];
    return targets.map((target) => ({
      targets: [target],
      selection: { migration_id: target.id },
    }));
  });
}

/** The batches of which it has to be known what else is in them. */
export const sharedBatches = (kind: ChangeKind, targets: ChangeTarget[]): string[] =>
  kind === "refresh"
    ? []
    : [...Map.groupBy(targets, ({ batch_id }) => batch_id)].flatMap(([id, { length }]) =>
      length > 1 ? [id] : []
    );

const optionsOf = (kind: ChangeKind, options: ChangeOptions) => ({
  ...(kind !== "rollback" && options.rewrite_texts && { rewrite_texts: true }),
  ...(kind === "finalize" && { quiet_for_days: options.quiet_for_days }),
  ...(options.carry_privileges && { carry_privileges: true }),
});

export const planRequest = (
  kind: ChangeKind,
  { selection }: Unit,
  options: ChangeOptions,
): ChangeRequest => ({ ...selection, ...optionsOf(kind, options), mode: "plan" });

/** @param acknowledged Codes that somebody has ticked; those that the plan does not have are left out. */
export function applyRequest(
  kind: ChangeKind,
  { selection }: Unit,
  options: ChangeOptions,
  plan: OperationAnswer,
  acknowledged: ReadonlySet<string>,
): ChangeRequest {
  const acknowledge = breakingCodes(plan.findings).filter((code) => acknowledged.has(code));
  return {
    ...selection,
    ...optionsOf(kind, options),
    expected_plan_hash: plan.plan_hash,
    ...(acknowledge.length > 0 && { acknowledge }),
  };
}

export const breakingCodes = (findings: Finding[]): Finding["code"][] => [
  ...new Set(findings.filter(({ severity }) => severity === "breaking").map(({ code }) => code)),
];

/** Refusals that a tick takes away. */
const ACCEPTABLE: ProblemCode[] = ["breaking_findings", "old_name_in_use"];

/** The refusal of a plan that no tick takes away. */
export function refusalOf(
  { would_be_refused, findings }: OperationAnswer,
): OperationAnswer["would_be_refused"] {
  if (would_be_refused === undefined) return undefined;
  const acceptable = ACCEPTABLE.includes(would_be_refused.code) &&
    breakingCodes(findings).length > 0;
  return acceptable ? undefined : would_be_refused;
}

const VERBS: Record<ChangeKind, string> = {
  rollback: "Roll back",
  refresh: "Refresh",
  finalize: "Finalize",
};

export const verbOf = (kind: ChangeKind): string => VERBS[kind];

const countOf = ({ length }: ChangeTarget[]) => `${length} ${length === 1 ? "rename" : "renames"}`;

/** Such as "Roll back experts → expert_profiles" or "Finalize 12 renames". */
export const changeTitle = (kind: ChangeKind, targets: ChangeTarget[]): string =>
  targets.length === 1
    ? `${VERBS[kind]} ${visible(targets[0].old_name)} → ${visible(targets[0].new_name)}`
    : `${VERBS[kind]} ${countOf(targets)}`;

/** What a change does to the names, in one or two sentences. */
export function effectText(kind: ChangeKind, { length }: ChangeTarget[]): string {
  const one = length === 1;
  switch (kind) {
    case "rollback":
      return one
        ? "The table gets its old name back. The new name is removed: queries that use it fail."
        : "The tables get their old names back. The new names are removed: queries that use them fail.";
    case "refresh":
      return one
        ? "The old name shows the table as it is now: its columns, defaults and privileges. Both names keep working."
        : "The old names show the tables as they are now: their columns, defaults and privileges. Both names keep working.";
    case "finalize":
      return one
        ? "The old name is removed: queries that still use it fail. This cannot be undone."
        : "The old names are removed: queries that still use them fail. This cannot be undone.";
  }
}

/** What has to be typed before a change that cannot be undone: the old name, or how many there are. Null: nothing. */
export function wordToType(kind: ChangeKind, targets: ChangeTarget[]): string | null {
  if (kind !== "finalize") return null;
  return targets.length === 1 ? targets[0].old_name : String(targets.length);
}

export const tablesOf = (targets: ChangeTarget[]): OperationTable[] =>
  targets.map(({ id, batch_id, schema_name, old_name, new_name }) => ({
    schema: schema_name,
    old_name,
    new_name,
    migration_id: id,
    batch_id,
  }));

/** The renames that an operation was about; none for a rename that began with it. */
export const targetsOf = (tables: OperationTable[]): ChangeTarget[] =>
  tables.flatMap(({ schema, old_name, new_name, migration_id, batch_id }) =>
    migration_id === undefined || batch_id === undefined
      ? []
      : [{ id: migration_id, batch_id, schema_name: schema, old_name, new_name }]
  );
