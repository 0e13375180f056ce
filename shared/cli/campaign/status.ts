/** What became of each rename of a campaign, and what to do next. */
import type { AnalyzedTable, Migration } from "../../contract/responses.ts";
import {
  type CampaignPhase,
  type CampaignState,
  type CampaignTable,
  hasDrift,
  isReady,
} from "../../report/campaign.ts";
import { shownName } from "../../report/migrations.ts";
import { commandLine } from "../command_line.ts";
import { keyOf, type Wanted } from "../../contract/new_names.ts";

/** Which of several migrations of a table counts: the one that goes on, and else the last. */
const ORDER: Migration["status"][] = ["active", "pending", "finalized"];

/** The migrations that are not rolled back, by the table's schema and old name. */
export type ByOldName = Map<string, Migration[]>;

export const byOldName = (migrations: Migration[]): ByOldName =>
  Map.groupBy(
    migrations.filter(({ status }) => status !== "rolled_back"),
    ({ schema_name, old_name }) => keyOf(schema_name, old_name),
  );

/** The tables of a phase, each with its state. */
export function statesOf(
  wanted: Wanted[],
  tables: Pick<AnalyzedTable, "schema" | "table">[],
  migrations: ByOldName,
): CampaignTable[] {
  const there = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  return wanted.map(({ schema, old_name, new_name, done }) => {
    const key = keyOf(schema, old_name);
    const own = migrations.get(key) ?? [];
    const latest = (some: Migration[]) =>
      ORDER.flatMap((status) => some.filter((one) => one.status === status)).at(0);
    const migration = latest(own.filter((one) => one.new_name === new_name)) ??
      (done ? latest(own) : undefined);
    const named = { schema, old_name, new_name };
    // A table that got the old name after a finalization is another one.
    if (migration !== undefined && (done || migration.status !== "finalized" || !there.has(key))) {
      return { ...named, state: stateOf(migration), migration };
    }
    const other = latest(own.filter(({ status }) => status !== "finalized"));
    if (other !== undefined) return { ...named, state: "other", migration: other };
    return { ...named, state: done ? "finalized" : there.has(key) ? "not_begun" : "missing" };
  });
}

export const stateOf = ({ status }: Migration): CampaignState =>
  status === "pending" ? "proposed" : status === "active" ? "active" : "finalized";

/** Migrations as tables of a campaign, as they are. */
export const tablesFrom = (migrations: Migration[]): CampaignTable[] =>
  migrations.map((migration) => ({
    schema: migration.schema_name,
    old_name: migration.old_name,
    new_name: migration.new_name,
    state: stateOf(migration),
    migration,
  }));

/** @param more Options for commands that are shown, such as `--db-url …`. */
export function withNext(phase: CampaignPhase, more: string[]): CampaignPhase {
  const { name, tables } = phase;
  const of = (state: CampaignState) => tables.filter((one) => one.state === state);
  const selected = name === null ? [] : ["--phase", name];
  const step = (text: string, ...args: string[]) => ({
    ...phase,
    next: { text, command: commandLine([...args, ...more]) },
  });
  const drifted = tables.filter(hasDrift);
  if (drifted.length > 0) {
    const { schema, old_name } = drifted[0];
    return step(
      "Next, make the compatibility view fit its table again",
      "refresh-view",
      shownName(schema, old_name),
      "--plan",
    );
  }
  const [proposed] = of("proposed");
  if (proposed !== undefined) {
    return step(
      "Next, apply what is proposed",
      "rename-table",
      "--batch-id",
      shownName(proposed.schema, proposed.old_name),
    );
  }
  if (name !== null && of("not_begun").length > 0 && of("missing").length === 0) {
    return step("Next, rename what is not begun", "rename-table", ...selected);
  }
  if (tables.some(isReady)) {
    return step("Next, finalize what is ready", "finalize-rename", "--ready", ...selected);
  }
  if (of("active").length > 0) {
    return step(
      "While it is not ready, test whether the old names still work",
      "test-view-compatibility",
      ...(name === null ? ["--all-active"] : selected),
    );
  }
  return phase;
}
