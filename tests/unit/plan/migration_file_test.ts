import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { commentLine } from "../../../shared/sql/quoting.ts";
import { migrationFileStatements } from "../../../shared/plan/migration_file.ts";

const NOTHING = { preparations: [], beforeLocks: [], locks: [], changes: [] };
const OPTIONS = { about: ["Renames a."], lockTimeoutMs: 200, maxWaitMs: 30_000, tracking: [] };
const statement = (sql: string, purpose = "why") => ({ sql, purpose });

Deno.test("a migration file leaves out what looks for OIDs or plans ahead, and keeps the order of the rest", () => {
  const statements = migrationFileStatements({
    preparations: [{ ...statement("prepare x"), once: true }, statement("make a scanCounter")],
    beforeLocks: [statement("rename an index"), { ...statement("check"), once: true }],
    locks: [],
    changes: [statement("rename"), { ...statement("check"), once: true }, statement("notify")],
  }, OPTIONS);
  assertEquals(
    statements.slice(1, -1).map((sql) => sql.replace(/^-- .*\n/gm, "")),
    ["make a scanCounter", "rename an index", "rename", "notify"],
  );
});

Deno.test("locks are taken together and given back together; a lock that changes something is a change", () => {
  const [, lock, replace] = migrationFileStatements({
    ...NOTHING,
    locks: [
      { ...statement("lock a"), timeout_share: 0.5, relations: [] },
      { ...statement("lock b nowait"), timeout_share: 0, relations: [] },
      { ...statement("create or replace view v"), timeout_share: 1, relations: [], changes: true },
    ],
  }, OPTIONS);
  assertStringIncludes(lock, "'100ms', true);\n      lock a;");
  assertStringIncludes(lock, "'1ms', true);\n      lock b nowait;");
  assertStringIncludes(lock, "'30000 ms'::interval");
  assertEquals(replace, "-- why\ncreate or replace view v");
});

Deno.test("views are made before the locks, over tables that nobody else changes and that fit", () => {
  const plan = {
    ...NOTHING,
    preparations: [statement("create view v")],
    locks: [{ ...statement("lock a"), timeout_share: 1, relations: [] }],
    changes: [statement("rename")],
  };
  const tables = [{ schema: "s", name: "b" }, { schema: "s", name: "a" }];
  const guards = { tableGuards: [statement("guard tables")], guards: [statement("guard built")] };
  const statements = migrationFileStatements(plan, { ...OPTIONS, ...guards, tables });
  const [, keepOut, tableGuard, view, locks, guard, rename] = statements;
  assertStringIncludes(
    keepOut,
    `lock table only "s"."a", only "s"."b" in share update exclusive mode;`,
  );
  // Clients do not wait behind it, so it may wait as long as the whole file.
  assertStringIncludes(keepOut, "'lock_timeout', '30000ms', true");
  assertStringIncludes(tableGuard, "guard tables");
  assertStringIncludes(view, "create view v");
  assertStringIncludes(locks, "lock a;");
  assertStringIncludes(guard, "guard built");
  assertStringIncludes(rename, "rename");
  // Where nothing is made before, there is nothing to keep others from.
  const without = migrationFileStatements({ ...plan, preparations: [] }, { ...OPTIONS, tables });
  assertEquals(without.some((sql) => sql.includes("share update exclusive")), false);
});

Deno.test("what is done under another role comes back to whoever it was, not to who has logged in", () => {
  const [, grant, as, last] = migrationFileStatements({
    ...NOTHING,
    changes: ["grant one", 'set local role "g"', "grant two", "reset role", "grant three"]
      .map((sql) => statement(sql)),
  }, OPTIONS);
  assertEquals([grant, last], ["-- why\ngrant one", "grant three"]);
  assertStringIncludes(as, "me constant name := current_user;");
  assertStringIncludes(as, `begin\n  set local role "g";\n  grant two;\n`);
  assertStringIncludes(as, "pg_catalog.set_config('role', me, true)");
  assert(!as.includes("reset role"));
});

Deno.test("nothing in a name ends the comment that it stands in", () => {
  for (const end of ["\n", "\r", "\r\n", "\u2028", "\u2029", "\v", "\f", "\u0085"]) {
    assertEquals(commentLine(`Renames "a${end}drop table b"`), '-- Renames "a drop table b"');
  }
  const [head] = migrationFileStatements(NOTHING, {
    ...OPTIONS,
    about: ['Renames "a\ndrop table b; --".'],
  });
  assertEquals(head.split("\n").filter((line) => line.startsWith("drop")), []);
});
