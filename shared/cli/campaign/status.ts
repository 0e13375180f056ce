/** What became of each rename of a campaign, and what to do next. */
import type { AnalyzedTable, Migration } from "../../contract/responses.ts";
import {
  type CampaignPhase,
  type CampaignState,
  type CampaignTable,
  hasDrift,
  isReady,
  type NextStep,
} from "../../report/campaign.ts";
import { shownName } from "../../report/migrations.ts";
import { commandLine } from "../arguments/command_line.ts";
import { keyOf, type Wanted } from "../../contract/new_names.ts";

/** Which of several migrations of a table counts: the one that goes on, and else the last. */
const ORDER: Migration["status"][] = ["active", "pending", "finalized"];

/** Migrations by the table's schema and old name. */
type ByOldName = Map<string, Migration[]>;

export const byOldName = (migrations: Migration[]): ByOldName =>
  Map.groupBy(migrations, ({ schema_name, old_name }) => keyOf(schema_name, old_name));

/** The tables of a phase, each with its state; one that was rolled back is not begun, and has that migration. */
export function statesOf(
  wanted: Wanted[],
  tables: Pick<AnalyzedTable, "schema" | "table">[],
  migrations: ByOldName,
): CampaignTable[] {
  const there = new Set(tables.map(({ schema, table }) => keyOf(schema, table)));
  return wanted.map(({ schema, old_name, new_name, done }) => {
    const key = keyOf(schema, old_name);
    const all = migrations.get(key) ?? [];
    const own = all.filter(({ status }) => status !== "rolled_back");
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
    if (done || !there.has(key)) return { ...named, state: done ? "finalized" : "missing" };
    const before = all.find((one) => one.status === "rolled_back" && one.new_name === new_name);
    return { ...named, state: "not_begun", ...(before && { migration: before }) };
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
  const command = (...args: string[]) => commandLine([...args, ...more]);
  const step = (text: string, ...args: string[]) => ({
    ...phase,
    next: { text, command: command(...args) },
  });
  const drifted = tables.find(hasDrift);
  if (drifted !== undefined) return { ...phase, next: driftStep(drifted, command) };
  const [proposed] = of("proposed");
  if (proposed !== undefined) {
    return step(
      "Next, apply what is proposed",
      "rename-table",
      "--batch-id",
      shownName(proposed.schema, proposed.old_name),
    );
  }
  if (name !== null && of("not_begun").length > 0) {
    const wrong = [...of("missing"), ...of("other")].at(0);
    if (wrong === undefined) {
      return step("Next, rename what is not begun", "rename-table", ...selected);
    }
    const shown = shownName(wrong.schema, wrong.old_name);
    return wrong.state === "missing"
      ? step(
        `There is no table ${shown}. Correct it in the phase, or take it out; the closest names are shown by`,
        ...["analyze-table", shown],
      )
      : step(
        `${shown} was renamed to ${wrong.migration?.new_name}, not to ${wrong.new_name}. Correct the phase, or roll ` +
          "that rename back",
        ...["rollback-rename", shown, "--plan"],
      );
  }
  if (tables.some(isReady)) {
    return step("Next, finalize what is ready", "finalize-rename", "--ready", ...selected);
  }
  const active = of("active");
  if (active.length > 0) {
    const inText = active.find(isInText);
    const test = command(
      "test-view-compatibility",
      ...(name === null ? ["--all-active"] : selected),
    );
    if (inText === undefined) {
      return {
        ...phase,
        next: {
          text: "While it is not ready, test the old names, and find them in your code",
          command: test,
          more: [command("find-uses")],
        },
      };
    }
    const shown = shownName(inText.schema, inText.old_name);
    return step(
      "Next, have functions and cron jobs use the new name, where every use is certain",
      ...["refresh-view", shown, "--rewrite-texts", "--plan"],
    );
  }
  return phase;
}

const TEXT_REASONS = ["named_in_routine", "named_in_cron_job"];

const isInText = ({ migration }: CampaignTable): boolean =>
  migration?.ready_to_finalize?.reasons.some(({ code }) => TEXT_REASONS.includes(code)) === true;

/** `Rename it back: alter table …`, as drift advises. */
const STATEMENT = /^((?:Rename|Move) it back): (alter [^;]*?)(?:;.*)?\.$/s;

/** What to do about the first difference of a table: where that is not a refresh, the finding's own remedy. */
function driftStep(
  { schema, old_name, migration }: CampaignTable,
  command: (...args: string[]) => string,
): NextStep {
  const shown = shownName(schema, old_name);
  const [{ code, remedy }] = migration!.drift!;
  const [, advice, statement] = STATEMENT.exec(remedy) ?? [];
  if (statement !== undefined) {
    const text = `Next, ${advice.toLowerCase()}, in the SQL editor`;
    return { text, command: `${statement};` };
  }
  switch (code) {
    case "table_missing":
      return {
        text: `Next, restore the table of ${shown}, or close its record`,
        command: command("rollback-rename", shown, "--acknowledge", code),
      };
    case "view_missing":
      return {
        text: `Next, give the table its name ${shown} back, which no view has any more`,
        command: command("rollback-rename", shown, "--acknowledge", code, "--plan"),
      };
    case "copied_database":
      return {
        text: "Next, if table and view are the right ones, update the record",
        command: command("refresh-view", shown, "--relocate", "--plan"),
      };
    case "later_migration":
    case "old_name_taken":
    case "view_renamed":
    case "view_replaced":
    case "table_renamed":
      return {
        text: "Next, do what is advised for the drift, and look again",
        command: command("list-migrations", "--table", shown, "--include", "drift"),
      };
    default:
      return {
        text: "Next, make the compatibility view fit its table again",
        command: command("refresh-view", shown, "--plan"),
      };
  }
}
