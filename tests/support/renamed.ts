/** Tests that begin with a renamed table, and what is refused without changing anything. */
import { assertEquals } from "@std/assert";
import type { RenameInput } from "../../shared/contract/requests.ts";
import type { Migration, OperationAnswer } from "../../shared/contract/responses.ts";
import { databaseState, stateDifferences } from "./catalog/state.ts";
import { type Functions, functionsFor } from "./http/functions.ts";
import { databaseTest, type TestDatabase } from "./servers/database.ts";

export interface Renamed {
  db: TestDatabase;
  functions: Functions;
  answer: OperationAnswer;
  migration: Migration;
}

/** The tables of most of these tests. */
export const EXPERTS = `
  create table teams (id int primary key, name text);
  create table experts (
    id int primary key generated always as identity,
    name text not null default 'x',
    team_id int references teams);`;

/** The same, where nobody but the owner has more than what is granted, and sees more than some rows. */
export const GUARDED_EXPERTS = `${EXPERTS}
  alter table experts enable row level security;
  create policy own on experts for select to authenticated using (name = 'mine');
  revoke all on experts from anon, authenticated, service_role;`;

/** Makes the function for tests that begin with `experts`, one of the `tables`, renamed to `expert_profiles`. */
export const renamedTests = (tables: string) =>
(
  name: string,
  body: (renamed: Renamed) => Promise<void>,
  options: Partial<RenameInput> = {},
): void =>
  databaseTest(name, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(tables).simple();
    const answer = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
      ...options,
    });
    await body({ db, functions, answer, migration: answer.migrations[0] });
  });

/** Fails unless the work leaves schema, rows and records as they are; gives its result. */
export async function changingNothing<T>(db: TestDatabase, work: () => Promise<T>): Promise<T> {
  const before = await databaseState(db.admin);
  const result = await work();
  assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
  return result;
}

/** A change of the renamed table that must be refused, and change nothing; gives the problem. */
export const refusedChange = (
  { db, functions, migration }: Pick<Renamed, "db" | "functions" | "migration">,
  operation: "rollback" | "finalize" | "refresh",
  code: string,
  more: Record<string, unknown> = {},
) =>
  changingNothing(db, () =>
    functions.refused(code, operation, {
      migration_id: migration.id,
      max_wait_ms: 500,
      ...more,
    }));
