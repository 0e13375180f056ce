import { assert, assertEquals } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

databaseTest("a renamed table answers to both names, and rolls back", {}, async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (
    id int primary key generated always as identity, name text default 'x')`;
  const answer = await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  assert(answer.verification?.passed);
  await db.sql`insert into experts (name) values ('a')`;
  assertEquals((await db.sql`select name from expert_profiles`)[0].name, "a");
  const back = await functions.rollback({ migration_id: answer.migrations[0].id });
  assert(back.verification?.passed);
  assertEquals((await functions.list({ status: "rolled_back" })).migrations.length, 1);
});
