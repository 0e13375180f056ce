/** Batches whose locks do not fit into the server's table of locks are refused, with the size that fits. */
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { stateDifferences } from "../../support/catalog/state.ts";
import { catalogState } from "../../support/catalog/state.ts";

/** Room for 10 × (20 + 3 + 1 + 8 + 10) = 420 locks. */
const servers = ownServers([15, 17, 18], {
  max_locks_per_transaction: "10",
  max_connections: "20",
});

const COLUMNS = "id int generated always as identity primary key, name text default 'x'";

const named = (count: number) => Array.from({ length: count }, (_, index) => `t_${index}`);

async function makeTables(db: TestDatabase, names: string[]): Promise<void> {
  // In parts: each table takes locks, too.
  for (let start = 0; start < names.length; start += 20) {
    const part = names.slice(start, start + 20);
    await db.sql.unsafe(part.map((name) => `create table ${name} (${COLUMNS})`).join(";"))
      .simple();
  }
}

const renamesOf = (names: string[]) =>
  names.map((name) => ({ old_name: name, new_name: `${name}_new` }));

servers.test("a batch that needs too many locks is refused, and the size it names fits", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = named(250);
  await makeTables(db, names);
  const before = await catalogState(db.admin);
  const problem = await functions.refused("too_many_locks", "rename", {
    renames: renamesOf(names),
  });
  assertEquals(problem.status, 422);
  const fit = problem.tables_that_fit as number;
  assertGreater(fit, 50);
  assertLess(fit, 250);
  assert(problem.hint!.includes(`at most ${fit} `), problem.hint);
  assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  // Whoever only plans it learns the same.
  const planned = await functions.rename({ renames: renamesOf(names), mode: "plan" });
  assertEquals(
    [planned.would_be_refused?.code, planned.would_be_refused?.hint],
    ["too_many_locks", problem.hint],
  );

  const { batch_id } = await functions.rename({ renames: renamesOf(names.slice(0, fit)) });
  // To drop a view takes more locks than to make it.
  const back = await functions.refused("too_many_locks", "rollback", { batch_id });
  const less = back.tables_that_fit as number;
  const backPlan = await functions.rollback({ batch_id: batch_id!, mode: "plan" });
  assertEquals(backPlan.would_be_refused?.code, "too_many_locks");
  assertGreater(less, 20);
  assertLess(less, fit);
  const rest = names.slice(fit, fit + less);
  const second = await functions.rename({ renames: renamesOf(rest) });
  assert((await functions.rollback({ batch_id: second.batch_id! })).verification?.passed);
});

servers.test("what a change needs of locks is what it takes", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = named(12);
  await makeTables(db, names);
  await db.admin.unsafe(`
    create table public.taken (operation text, locks int);
    create function public.count_locks() returns trigger language plpgsql security definer as $$
    begin
      insert into public.taken select new.operation, count(*) from (
        select distinct locktype, database, relation, page, tuple, virtualxid, transactionid::text,
          classid, objid, objsubid
        from pg_locks where pid = pg_backend_pid() and not fastpath) l;
      return null;
    end $$;
    create constraint trigger at_commit after insert on table_rename.sys_table_migration_events
      deferrable initially deferred for each row execute function public.count_locks()`).simple();
  for (const options of [{}, { count_use: true }, { rename_indexes: true }]) {
    const counts: Record<string, number[]> = {};
    for (const count of [2, 12]) {
      const renames = renamesOf(names.slice(0, count));
      const { batch_id } = await functions.rename({ renames, ...options });
      await functions.rollback({ batch_id: batch_id! });
      const rows = await db.admin`delete from public.taken returning operation, locks`;
      for (const { operation, locks } of rows) (counts[operation] ??= []).push(locks);
    }
    // Ten tables more, whatever else is locked; names are locked one by one up to a hundred of them.
    const perTable = (operation: string) => (counts[operation][1] - counts[operation][0]) / 10 - 2;
    const more = "count_use" in options ? [1, 3] : "rename_indexes" in options ? [1, 1] : [0, 0];
    assertEquals(
      [perTable("rename"), perTable("rollback")],
      [2 + more[0], 6 + more[1]],
      String(Object.keys(options)),
    );
  }
});
