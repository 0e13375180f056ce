/** Runs a random story on a real database: make, rename, build, look, roll back; and says what is not as promised. */
import { assertEquals } from "@std/assert";
import postgres from "postgres";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import type { RenameInput } from "../../../shared/contract/requests.ts";
import { ident, literal, qualified } from "../../../shared/sql/quoting.ts";
import { describeSchemas, describeWithin, type Description } from "../catalog/comparable_dump.ts";
import { build } from "../corpus/corpus_built.ts";
import {
  assertPassed,
  assertSame,
  assertSameGrants,
  type Renamed,
  rowsSeen,
} from "./generated_schema_checks.ts";
import type { TestDatabase } from "../servers/database.ts";
import type { Functions } from "../http/functions.ts";
import { columnsOf, parentOf, relationsOf, type Story, type Table } from "./generated_schema.ts";
import { dropSql, schemaSql } from "./generated_schema_sql.ts";

/** Findings that a random table can have; what is tried here is what happens when they are accepted. */
const RENAME_CODES = [
  "column_grants",
  "row_type_functions",
  "computed_relationships",
  "ambiguous_self_reference",
  "ambiguous_many_to_many",
  "partition_exposed",
  "old_name_gone",
];

/** A plain view on the compatibility view reads as its caller, and as its owner when there is no such view. */
const ENDING_CODES = ["reads_as_owner"];

export interface Stage {
  db: TestDatabase;
  functions: Functions;
}

let storyCount = 0;

/** How a story's schema is called; each has its own, so that one that fails leaves the others alone. */
const schemaName = () => `generated_${++storyCount}`;

/**
 * Runs the story.
 *
 * @throws {Error} where a promise is broken
 */
export async function runStory(stage: Stage, story: Story): Promise<void> {
  const { db } = stage;
  const schema = schemaName();
  try {
    await db.sql.unsafe(schemaSql(story.schema, schema)).simple();
    await play(stage, story, schema);
  } finally {
    await db.admin.unsafe(`${dropSql(schema)}
      delete from public.sys_table_migrations where schema_name = ${literal(schema)};`).simple();
  }
}

async function play(stage: Stage, story: Story, schema: string): Promise<void> {
  const { db, functions } = stage;
  const look = () => describeSchemas(db.sql, [schema]);
  const renamed = renamesOf(story);
  const renames = renamed.map(({ oldName, newName }) => ({
    schema,
    old_name: oldName,
    new_name: newName,
  }));
  const oldNames = renamed.map(({ oldName }) => oldName);
  const seen = await rowsSeen(db, schema, oldNames);

  const request = {
    renames,
    compatibility_view: story.compatibilityView,
    rename_indexes: story.renameIndexes,
  };
  if (story.tryFirst) await tryFirst(stage, request, schema);
  const expected = await withoutRename(stage, story, schema, renamed);

  const answer = await functions.rename({ ...request, acknowledge: RENAME_CODES });
  assertPassed(answer);
  const unreadable = answer.findings.some(({ code }) => code === "column_grants");
  const names = renamed.flatMap(({ oldName, newName }) =>
    story.compatibilityView ? [oldName, newName] : [newName]
  );
  const now = await rowsSeen(db, schema, names);
  for (const { oldName, newName } of renamed) {
    assertEquals(now[newName], seen[oldName], `rows of "${oldName}" by its new name`);
    if (!story.compatibilityView || unreadable) continue;
    assertEquals(now[oldName], seen[oldName], `rows of "${oldName}" by its old name`);
  }
  const between = await look();
  if (story.compatibilityView) assertSameGrants(between, schema, renamed);

  const answers = [answer];
  if (story.thenTo !== null) answers.unshift(await renameOn(stage, story, schema, renamed[0]));
  const batches = answers.map(({ batch_id }) => batch_id!);
  if (story.compatibilityView) await buildBetween(stage, story, schema, renamed);
  if (story.obstacle !== null && story.compatibilityView && story.thenTo === null) {
    await refuseObstacle(stage, story.obstacle, schema, renamed[0], batches[0]);
  }
  await db.sql.unsafe(changedSql(story, schema, story.thenTo ?? renamed[0].newName)).simple();
  const ofOtherColumns = story.compatibilityView ? viewsOfOtherColumns(story) : [];
  if (ofOtherColumns.length > 0) {
    // What uses whole rows of the view cannot be given the table's, until both have the same columns.
    const before = await look();
    await functions.refused("dependants_cannot_follow", "rollback", { batch_id: batches[0] });
    assertSame(before, await look(), "a refused rollback changed something");
  }
  const outdated = new Set([
    ...ofOtherColumns,
    ...(story.compatibilityView && story.refreshed ? [0] : []),
  ]);
  for (const n of outdated) {
    const { old_name, id } = answers[0].migrations[n];
    const newName = n === 0 && story.thenTo !== null ? story.thenTo : renamed[n].newName;
    await refreshed(stage, schema, old_name, newName, id);
  }
  if (story.ending === "finalize" && story.compatibilityView && isNamedInTexts(story)) {
    const before = await look();
    await functions.refused("old_name_in_use", "finalize", { batch_id: answer.batch_id });
    assertSame(before, await look(), "a refused finalization changed something");
  }
  for (const batch_id of batches) {
    const codes = [...ENDING_CODES, ...(story.ending === "finalize" ? ["old_name_in_use"] : [])];
    assertPassed(await functions[story.ending]({ batch_id, acknowledge: codes }));
  }
  assertSame(expected, await look(), `not what it would be without views (${story.ending})`);
  if (story.changed.length > 0) return;
  const last = lastNames(story, renamed);
  const rows = await rowsSeen(db, schema, last);
  last.forEach((name, n) => assertEquals(rows[name], seen[oldNames[n]], `rows of "${name}"`));
}

/** What the tables are called in the end. */
function lastNames({ ending, thenTo }: Story, renamed: Renamed[]): string[] {
  return renamed.map(({ oldName, newName }, n) =>
    ending === "rollback" ? oldName : n === 0 && thenTo !== null ? thenTo : newName
  );
}

/** Whether a function that the server keeps as text names the first table, when it is renamed. */
function isNamedInTexts({ schema: { tables }, renames }: Story): boolean {
  const relations = tables.flatMap((table) => relationsOf(table).map((_, n) => ({ table, n })));
  const { table, n } = relations[renames[0].place];
  return n === 0 && table.functions.some((kind) => /^(sql|plpgsql|set)$/.test(kind));
}

/** Plans, and where something would break, applies without accepting it: neither may change anything. */
async function tryFirst(
  { db, functions }: Stage,
  request: RenameInput & { renames: unknown },
  schema: string,
): Promise<void> {
  const before = await describeSchemas(db.sql, [schema]);
  const { findings } = await functions.rename({ ...request, mode: "plan" });
  if (findings.some(({ severity }) => severity === "breaking")) {
    await functions.refused("breaking_findings", "rename", request);
  }
  assertSame(before, await describeSchemas(db.sql, [schema]), "a refusal changed something");
}

/** The relations of the story that are renamed, tables first and then their partitions. */
function renamesOf({ schema: { tables }, renames }: Story): Renamed[] {
  const relations = tables.flatMap((table: Table, place) =>
    relationsOf(table).map((name) => ({
      name,
      columns: columnsOf(tables, place).map((column) => column.name),
    }))
  );
  return renames.map(({ place, newName }) => ({
    oldName: relations[place].name,
    newName,
    columns: relations[place].columns,
  }));
}

/**
 * What it would look like had the same been built on the tables, and the tables renamed without views where the
 * story ends so; which is then taken back.
 */
async function withoutRename(
  { db }: Stage,
  story: Story,
  schema: string,
  renamed: Renamed[],
): Promise<Description> {
  const undo = new Error("built to look at it");
  let expected: Description = {};
  await db.sql.begin(async (tx) => {
    if (story.compatibilityView) await tx.unsafe(builtSql(story, schema, renamed)).simple();
    await tx.unsafe(changedSql(story, schema, renamed[0].oldName)).simple();
    for (const [n, name] of lastNames(story, renamed).entries()) {
      const { oldName } = renamed[n];
      if (name === oldName) continue;
      await tx.unsafe(`alter table ${qualified(schema, oldName)} rename to ${ident(name)}`);
    }
    expected = await describeWithin(tx, [schema]);
    throw undo;
  }).catch((error) => {
    if (error !== undo) throw error;
  });
  return expected;
}

const builtSql = (story: Story, schema: string, renamed: Renamed[]): string =>
  story.built.map(({ on, kinds }, n) => {
    const { oldName, columns } = renamed[on % renamed.length];
    return build({ schema, name: oldName, columns }, schema, `built ${n}`, kinds);
  }).join("\n");

/** Changes of the first renamed table, which goes by this name. */
function changedSql(story: Story, schema: string, name: string): string {
  const { tables } = story.schema;
  const first = tables.flatMap((table) => relationsOf(table).map((_, n) => ({ table, n })))
    .at(story.renames[0].place)!;
  const isPartition = first.n > 0;
  const key = ident(columnsOf(tables, tables.indexOf(first.table))[0].name);
  const table = qualified(schema, name);
  const statements = {
    column: isPartition
      ? ""
      : `alter table ${table} add column ${ident("added later")} int default 5;`,
    // Indexes of partitions get names by themselves, of whatever the partitions are called then.
    index: first.table.kind === "partitioned"
      ? ""
      : `create index ${ident("added later")} on ${table} (${key}, ${key});`,
    grant: `grant select on ${table} to anon; grant update on ${table} to service_role;`,
    comment: `comment on table ${table} is 'changed in between';`,
  };
  return story.changed.map((kind) => statements[kind]).join("\n");
}

/**
 * The views, by their renames, on whose whole rows something is built, and whose tables then get another column: the
 * first table, its partitions, and what inherits from it.
 */
function viewsOfOtherColumns({ schema: { tables }, renames, built, changed }: Story): number[] {
  const relations = tables.flatMap((table, place) =>
    relationsOf(table).map((_, n) => ({ place, n }))
  );
  const first = relations[renames[0].place];
  if (!changed.includes("column") || first.n > 0) return [];
  const getsColumn = (place: number | null): boolean =>
    place !== null && (place === first.place || getsColumn(parentOf(tables, place)));
  return renames.flatMap(({ place }, index) =>
    getsColumn(relations[place].place) &&
      built.some(({ on, kinds }) =>
        on % renames.length === index &&
        kinds.some((kind) => kind === "row function" || kind === "set function")
      )
      ? [index]
      : []
  );
}

/** Refreshes a view, and insists that it shows everybody what the table does. */
async function refreshed(
  { db, functions }: Stage,
  schema: string,
  oldName: string,
  newName: string,
  migration_id: string,
): Promise<void> {
  const answer = await functions.refresh({ migration_id, acknowledge: RENAME_CODES });
  assertPassed(answer);
  const seen = await rowsSeen(db, schema, [oldName, newName]);
  if (answer.findings.some(({ code }) => code === "column_grants")) return;
  assertEquals(seen[oldName], seen[newName], "rows after a refresh");
}

async function buildBetween(
  { db }: Stage,
  story: Story,
  schema: string,
  renamed: Renamed[],
): Promise<void> {
  const sql = builtSql(story, schema, renamed);
  if (sql.trim() !== "") await db.sql.unsafe(sql).simple();
}

/** Renames the first table once more, from its new name. */
async function renameOn(
  { functions }: Stage,
  { thenTo, compatibilityView, renameIndexes }: Story,
  schema: string,
  first: Renamed,
): Promise<OperationAnswer> {
  const request = {
    schema,
    old_name: first.newName,
    new_name: thenTo!,
    compatibility_view: compatibilityView,
    rename_indexes: renameIndexes,
  };
  const answer = await functions.rename({ ...request, acknowledge: RENAME_CODES });
  assertPassed(answer);
  return answer;
}

/** Puts something on the view that cannot be kept, insists on a refusal that changes nothing, and removes it. */
async function refuseObstacle(
  { db, functions }: Stage,
  obstacle: NonNullable<Story["obstacle"]>,
  schema: string,
  { oldName }: Renamed,
  batch_id: string,
): Promise<void> {
  const view = qualified(schema, oldName);
  const [make, remove] = {
    trigger: [
      `create trigger hinders instead of delete on ${view} for each row
        execute function ${qualified(schema, "pass")}()`,
      `drop trigger hinders on ${view}`,
    ],
    rule: [
      `create rule hinders as on delete to ${view} do also notify somebody`,
      `drop rule hinders on ${view}`,
    ],
    "column of its type": [
      `create table ${qualified(schema, "hinders")} (row_of_it ${view})`,
      `drop table ${qualified(schema, "hinders")}`,
    ],
  }[obstacle];
  try {
    await db.sql.unsafe(make);
  } catch (error) {
    // An owner can lack the right to make triggers, on the view as on the table.
    if (error instanceof postgres.PostgresError && error.code === "42501") return;
    throw error;
  }
  const before = await describeSchemas(db.sql, [schema]);
  await functions.refused("dependants_cannot_follow", "rollback", { batch_id });
  assertSame(
    before,
    await describeSchemas(db.sql, [schema]),
    "a refused rollback changed something",
  );
  await db.sql.unsafe(remove);
}
