/** `rename_indexes`: indexes named after a table take its new name, and exactly their earlier ones back. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { runMain, withProject } from "../../support/programs/cli.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { testRoles } from "../../support/roles.ts";
import { holdLock, lockWaiter } from "../../support/waiting.ts";
import { catalogState, databaseState, stateDifferences } from "../../support/catalog/state.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles", rename_indexes: true };

async function verified(answer: Promise<OperationAnswer>): Promise<OperationAnswer> {
  const { verification } = await answer;
  assert(verification?.passed, JSON.stringify(verification, null, 2));
  return await answer;
}

/** The indexes of the schema, and the names of the constraints they back where these are not the same. */
async function indexNames(db: TestDatabase, schema = "public"): Promise<string[]> {
  const rows = await db.sql`
    select c.relname || case when o.conname <> c.relname then ' for ' || o.conname else '' end as name
    from pg_class c left join pg_constraint o on o.conindid = c.oid and o.contype in ('p', 'u', 'x')
    where c.relkind in ('i', 'I') and c.relnamespace = ${schema}::regnamespace
      and c.relname not like 'sys\\_table\\_migration%'
    order by c.relname collate "C"`;
  return rows.map(({ name }) => name);
}

const findingsOf = (answer: OperationAnswer) =>
  answer.findings.map(({ code, severity, object }) => [code, severity, object]);

function indexesTest(
  name: string,
  ddl: string,
  body: (given: { db: TestDatabase; functions: Functions }) => Promise<void>,
): void {
  databaseTest(name, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(ddl).simple();
    await body({ db, functions });
  });
}

const EXPERTS = `
  create table experts (id int primary key, code text not null unique, name text, during tstzrange,
    constraint experts_excl exclude using gist (during with &&) deferrable,
    constraint experts_check check (id > 0));
  create unique index experts_code_identity on experts (code);
  alter table experts replica identity using index experts_code_identity, cluster on experts_pkey;
  create index experts_name_idx on experts (name);
  create index "experts_Odd ""Näme"" $1" on experts (lower(name));
  create index by_name on experts (name desc);
  create index expertsname on experts (name, id);
  comment on index experts_name_idx is 'kept';
  comment on constraint experts_pkey on experts is 'kept, too';
  create table bookings (id int constraint experts_of_bookings primary key,
    expert_id int references experts, expert_code text references experts (code));`;

indexesTest(
  "indexes named after the table, and the constraints they back, take its new name and go back",
  EXPERTS,
  async ({ db, functions }) => {
    const before = await catalogState(db.admin);
    const answer = await verified(functions.rename(RENAME));
    assertEquals(await indexNames(db), [
      "by_name",
      'expert_profiles_Odd "Näme" $1',
      "expert_profiles_code_identity",
      "expert_profiles_code_key",
      "expert_profiles_excl",
      "expert_profiles_name_idx",
      "expert_profiles_pkey",
      "experts_of_bookings",
      "expertsname",
    ]);
    // Not an index's: it keeps its name.
    const [{ checks }] = await db.sql`select count(*)::int as checks from pg_constraint
      where conname = 'experts_check'`;
    assertEquals(checks, 1);
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  },
);

indexesTest(
  "without being asked, a rename leaves every index its name",
  EXPERTS,
  async ({ db, functions }) => {
    const names = await indexNames(db);
    await verified(functions.rename({ ...RENAME, rename_indexes: false }));
    assertEquals(await indexNames(db), names);
  },
);

indexesTest(
  "what is renamed is recorded exactly, and shown in the plan that is reviewed",
  EXPERTS,
  async ({ db, functions }) => {
    const [{ oid }] = await db.sql`select 'experts_pkey'::regclass::oid`;
    const plan = await functions.rename({ ...RENAME, mode: "plan" });
    const shown = plan.statements.map(({ sql }) => sql);
    assertEquals(
      shown.includes('alter index "public"."experts_pkey" rename to "expert_profiles_pkey"'),
      true,
    );
    const without = await functions.rename({ ...RENAME, rename_indexes: false, mode: "plan" });
    assert(without.plan_hash !== plan.plan_hash);
    const answer = await verified(
      functions.rename({ ...RENAME, expected_plan_hash: plan.plan_hash }),
    );
    const [{ indexes }] = await db
      .sql`select plan -> 'indexes' as indexes from sys_table_migrations`;
    assertEquals(indexes.length, 6);
    assertEquals(indexes.find((one: { oid: number }) => one.oid === oid), {
      oid,
      schema: "public",
      from: "experts_pkey",
      to: "expert_profiles_pkey",
    });
    const back = await functions.rollback({ batch_id: answer.batch_id!, mode: "plan" });
    assertEquals(
      back.statements.map(({ sql }) => sql).includes(
        'alter index "public"."expert_profiles_pkey" rename to "experts_pkey"',
      ),
      true,
    );
  },
);

const EVENTS = `
  create schema archive;
  create table events (id int, at date, kind text, primary key (id, at, kind)) partition by range (at);
  create index events_kind on events (kind);
  create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01')
    partition by list (kind);
  create table events_2026_a partition of events_2026 for values in ('a');
  create table archive.events partition of events for values from ('2020-01-01') to ('2026-01-01');
  create index events_here_only on events_2026_a (at);
  create index other on events_2026_a (id);
  create table child_of_events (id int primary key);`;

indexesTest(
  "indexes of partitions to any depth, in whatever schema, take the new name and go back",
  EVENTS,
  async ({ db, functions }) => {
    const before = await catalogState(db.admin);
    const archived = await indexNames(db, "archive");
    assertEquals(archived, ["events_kind_idx", "events_pkey"]);
    const answer = await verified(
      functions.rename({ old_name: "events", new_name: "log", rename_indexes: true }),
    );
    assertEquals(await indexNames(db, "archive"), ["log_kind_idx", "log_pkey"]);
    assertEquals(await indexNames(db), [
      "child_of_events_pkey",
      "log_2026_a_kind_idx",
      "log_2026_a_pkey",
      "log_2026_kind_idx",
      "log_2026_pkey",
      "log_here_only",
      "log_kind",
      "log_pkey",
      "other",
    ]);
    // A partition that is detached since keeps taking part, by its indexes' OIDs.
    await db.sql`alter table events_2026 detach partition events_2026_a`;
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    await db.sql`alter table events_2026 attach partition events_2026_a for values in ('a')`;
    const names = (state: Record<string, string>) =>
      Object.values(state).flatMap((row) => row.match(/"relname": "[^"]*"/) ?? []).sort();
    assertEquals(names(await catalogState(db.admin)), names(before));
  },
);

indexesTest(
  "where a batch renames table and partition, an index goes with the one it is named after",
  EVENTS,
  async ({ db, functions }) => {
    const before = await catalogState(db.admin);
    const answer = await verified(functions.rename({
      renames: [
        { old_name: "events", new_name: "log" },
        { old_name: "events_2026_a", new_name: "first_of_2026" },
      ],
      rename_indexes: true,
    }));
    assertEquals(await indexNames(db), [
      "child_of_events_pkey",
      "first_of_2026_kind_idx",
      "first_of_2026_pkey",
      "log_2026_kind_idx",
      "log_2026_pkey",
      "log_here_only",
      "log_kind",
      "log_pkey",
      "other",
    ]);
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  },
);

const LONG = "Ä".repeat(30) + "b";

indexesTest(
  "a name that would be longer than 63 bytes loses the end of the table's part, between characters",
  `create table t (id int constraint t_pkey primary key, a int, b int);
   create index t_${"x".repeat(30)} on t (a);
   create index t_a_b_idx on t (a, b);
   create index t_a_idx on t (a)`,
  async ({ db, functions }) => {
    const before = await catalogState(db.admin);
    const answer = await verified(
      functions.rename({ old_name: "t", new_name: LONG, rename_indexes: true }),
    );
    assertEquals(
      await indexNames(db),
      [
        `${"Ä".repeat(16)}_${"x".repeat(30)}`,
        `${"Ä".repeat(28)}_a_b_idx`.replace("Ä", ""),
        `${"Ä".repeat(28)}_a_idx`,
        `${"Ä".repeat(29)}_pkey`,
      ].sort(),
    );
    for (const name of await indexNames(db)) assert(new TextEncoder().encode(name).length <= 63);
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  },
);

indexesTest(
  "an index whose name is taken keeps its own, and that is reported",
  `${EXPERTS}
   create sequence expert_profiles_name_idx;
   create domain expert_profiles_code_identity as int;
   alter table experts add constraint expert_profiles_pkey check (id > -1);
   create table a (id int primary key);`,
  async ({ db, functions }) => {
    const before = await catalogState(db.admin);
    const answer = await verified(functions.rename({
      renames: [RENAME, { old_name: "a", new_name: "expert_profiles_excl" }].map(
        ({ old_name, new_name }) => ({ old_name, new_name }),
      ),
      rename_indexes: true,
    }));
    assertEquals(
      findingsOf(answer).sort(),
      ["experts_excl", "experts_name_idx", "experts_pkey"].map((
        name,
      ) => ["index_name_taken", "warning", `"public"."${name}"`]),
    );
    const messages = answer.findings.map(({ message }) => message).join("\n");
    assertStringIncludes(messages, "its table has another constraint of that name");
    assertEquals(await indexNames(db), [
      "by_name",
      'expert_profiles_Odd "Näme" $1',
      // A domain is no obstacle to an index.
      "expert_profiles_code_identity",
      "expert_profiles_code_key",
      "expert_profiles_excl_pkey",
      "experts_excl",
      "experts_name_idx",
      "experts_of_bookings",
      "experts_pkey",
      "expertsname",
    ]);
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(stateDifferences(before, await catalogState(db.admin)), []);
  },
);

const CUT = `${"y".repeat(57)}_a_a`;

indexesTest(
  "a name that is taken once it is cut, be it by another index of the table, is reported",
  `create table t (id int, a int, b int, c int);
   create index t_a on t (a); create index t_a_a on t (b); create index t_long on t (c);
   create table ${"y".repeat(57)}__long (id int)`,
  async ({ db, functions }) => {
    const answer = await verified(
      functions.rename({ old_name: "t", new_name: CUT, rename_indexes: true }),
    );
    assertEquals(await indexNames(db), ["t_a_a", "t_long", `${"y".repeat(57)}_a_a_a`]);
    assertEquals(
      findingsOf(answer),
      ["t_a_a", "t_long"].map((name) => ["index_name_taken", "warning", `"public"."${name}"`]),
    );
  },
);

databaseTest(
  "an index of another role's partition keeps its name, and that is reported",
  async ({ db }) => {
    await using roles = await testRoles(db, "other");
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EVENTS).simple();
    await db.admin.unsafe(`alter table events_2026_a owner to ${roles.other}`);
    const answer = await verified(
      functions.rename({ old_name: "events", new_name: "log", rename_indexes: true }),
    );
    assertEquals(
      findingsOf(answer).sort(),
      ["events_2026_a_kind_idx", "events_2026_a_pkey", "events_here_only"].map((name) => [
        "index_not_owned",
        "warning",
        `"public"."${name}"`,
      ]),
    );
    assertEquals((await indexNames(db)).includes("log_2026_pkey"), true);
    await verified(functions.rollback({ table: "events" }));
  },
);

// Locks -----------------------------------------------------------------------------------------------

indexesTest(
  "no client waits for the indexes: they are renamed before the table is locked",
  EVENTS + EXPERTS,
  async ({ db, functions }) => {
    const renames = [{ old_name: "experts", new_name: "people" }, {
      old_name: "events",
      new_name: "log",
    }];
    const plan = await functions.rename({ renames, rename_indexes: true, mode: "plan" });
    const statements = plan.statements.map(({ sql }) => sql);
    const last = statements.findLastIndex((sql) => sql.startsWith("alter index"));
    assert(last > 0 && last < statements.findIndex((sql) => sql.startsWith("lock table")));
    const holder = db.connect({ max: 1 });
    const client = db.connect({ max: 1, connection: { lock_timeout: 1 } });
    await holder.begin(async (tx) => {
      const changes = statements.filter((sql) => sql.startsWith("alter index"));
      assertEquals(changes.length, 15);
      await tx.unsafe(changes.join(";\n")).simple();
      const locks = await tx`select distinct mode, c.relkind::text as kind from pg_locks l
      join pg_class c on c.oid = l.relation
      where pid = pg_backend_pid() and l.relation >= 16384 order by kind`;
      assertEquals(locks.map(({ mode, kind }) => [mode, kind]), [
        ["ShareUpdateExclusiveLock", "I"],
        ["ShareUpdateExclusiveLock", "i"],
      ]);
      await client.unsafe(`
      insert into experts (id, code, name) values (1, 'a', 'Ann')
        on conflict (id) do update set name = excluded.name;
      update experts set name = 'b' where code = 'a';
      select * from experts where name = 'b' for update;
      insert into events values (1, '2026-02-03', 'a');
      delete from events where kind = 'a'`).simple();
    });
  },
);

indexesTest(
  "an index that is renamed or made while the rename waits is looked at again",
  EXPERTS,
  async ({ db, functions }) => {
    const holder = await holdLock(db, "experts");
    const renamed = functions.rename({ ...RENAME, lock_timeout_ms: 30 });
    await lockWaiter(db.admin, "AccessExclusiveLock");
    await db.sql.unsafe(`alter index experts_name_idx rename to mine;
      create table expert_profiles_excl (id int)`).simple();
    await holder.release();
    assertEquals(findingsOf(await verified(renamed)), [
      ["index_name_taken", "warning", '"public"."experts_excl"'],
    ]);
    const names = await indexNames(db);
    assertEquals(names.filter((name) => ["mine", "experts_excl"].includes(name)).length, 2);
    assertEquals(names.filter((name) => name.startsWith("expert_profiles_")).length, 4);
    await verified(functions.rollback({ table: "experts" }));
  },
);

// The way back ----------------------------------------------------------------------------------------

indexesTest(
  "an index that was renamed since is left, and that is reported",
  EXPERTS,
  async ({ db, functions }) => {
    const answer = await verified(functions.rename(RENAME));
    await db.sql.unsafe(`alter index expert_profiles_name_idx rename to mine;
    alter index expert_profiles_pkey rename to my_key;
    alter index expert_profiles_code_key rename to experts_code_key`).simple();
    const back = await verified(functions.rollback({ batch_id: answer.batch_id! }));
    const reported = back.findings.filter(({ code }) => code === "index_renamed_since");
    assertEquals(
      reported.map(({ severity, object }) => [severity, object]).sort(),
      [["info", '"public"."mine"'], ["info", '"public"."my_key"']],
    );
    assertMatch(reported[0].message + reported[0].remedy, /expert_profiles_[^]*experts_/);
    assertEquals((await indexNames(db)).filter((name) => !/^experts?_/.test(name)), [
      "by_name",
      "expertsname",
      "mine",
      "my_key",
    ]);
    assertEquals((await indexNames(db)).filter((name) => name.startsWith("expert_profiles")), []);
  },
);

indexesTest(
  "an index that was dropped, commented on or built anew since is no obstacle",
  EXPERTS,
  async ({ db, functions }) => {
    const names = await indexNames(db);
    const answer = await verified(functions.rename(RENAME));
    await db.sql`reindex table concurrently expert_profiles`;
    await db.sql`drop index expert_profiles_name_idx`;
    await db.sql`comment on index "expert_profiles_Odd ""Näme"" $1" is 'new'`;
    const back = await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(await indexNames(db), names.filter((name) => name !== "experts_name_idx"));
    assertEquals(back.findings.map(({ code }) => code), ["table_changed_since"]);
  },
);

for (
  const [what, taking] of Object.entries({
    "a relation": "create table experts_name_idx (id int)",
    "an index": "create index experts_name_idx on bookings (id)",
    "a constraint": "alter table expert_profiles add constraint experts_pkey check (true)",
  })
) {
  indexesTest(
    `a rollback is refused where ${what} has an index's earlier name, and changes nothing`,
    EXPERTS,
    async ({ db, functions }) => {
      const answer = await verified(functions.rename(RENAME));
      await db.sql.unsafe(taking);
      const before = await databaseState(db.admin);
      const problem = await functions.refused("name_taken", "rollback", {
        batch_id: answer.batch_id!,
      });
      assertMatch(problem.detail!, /"experts_(name_idx|pkey)"/);
      assertEquals(problem.status, 409);
      assertEquals(stateDifferences(before, await databaseState(db.admin)), []);
    },
  );
}

indexesTest(
  "each rename of a chain takes its indexes along, and each rollback gives them back",
  "create table a (id int primary key, name text unique); create index a_name_idx on a (name)",
  async ({ db, functions }) => {
    const states = [await catalogState(db.admin)];
    for (const [old_name, new_name] of [["a", "b"], ["b", "c"], ["c", "d"]]) {
      await verified(functions.rename({ old_name, new_name, rename_indexes: true }));
      assertEquals(
        await indexNames(db),
        ["name_idx", "name_key", "pkey"].map((rest) => `${new_name}_${rest}`),
      );
      states.push(await catalogState(db.admin));
    }
    for (const name of ["d", "c", "b"]) {
      states.pop();
      await verified(functions.rollback({ table: name }));
      assertEquals(stateDifferences(states.at(-1)!, await catalogState(db.admin)), [], name);
    }
  },
);

indexesTest(
  "a thousand indexes are renamed in one batch and go back",
  `do $$ begin for n in 1..200 loop execute format('create table t%s (a int constraint t%s_pkey primary key,
     b int unique, c int); create index t%s_c on t%s (c); create index on t%s (b, c); create index on t%s (c, b)',
     n, n, n, n, n, n); end loop; end $$`,
  async ({ db, functions }) => {
    const names = await indexNames(db);
    assertEquals(names.length, 1000);
    const renames = Array.from({ length: 200 }, (_, n) => ({
      old_name: `t${n + 1}`,
      new_name: `app_t${n + 1}`,
    }));
    const answer = await verified(functions.rename({ renames, rename_indexes: true }));
    assertEquals((await indexNames(db)).sort(), names.map((name) => `app_${name}`).sort());
    await verified(functions.rollback({ batch_id: answer.batch_id! }));
    assertEquals(await indexNames(db), names);
  },
);

// The command -----------------------------------------------------------------------------------------

indexesTest(
  "rename-table --rename-indexes renames them, and only then",
  EXPERTS,
  async ({ db, functions }) => {
    await withProject(async (request) => {
      const { pathname } = new URL(request.url);
      return await functions.fetch(pathname.replace("/functions/v1/", ""), {
        method: request.method,
        headers: Object.fromEntries(request.headers),
        body: await request.text(),
      });
    }, async (url) => {
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: SECRET_KEY };
      const command = ["rename-table", "experts", "expert_profiles"];
      const plan = await runMain([...command, "--plan", "--sql"], env);
      assertEquals([plan.code, plan.stdout.includes("alter index")], [0, false], plan.stderr);
      const shown = await runMain([...command, "--rename-indexes", "--plan", "--sql"], env);
      assertMatch(
        shown.stdout,
        /^alter index "public"\."experts_pkey" rename to "expert_profiles_pkey";$/m,
      );
      // What the plan says to run next has the option, too.
      assertMatch(shown.stdout, /^ {2}npm run cli -- rename-table .*--rename-indexes/m);
      const renamed = await runMain([...command, "--rename-indexes"], env);
      assertEquals(renamed.code, 0, renamed.stderr);
      assertEquals((await indexNames(db)).includes("expert_profiles_pkey"), true);
    });
  },
);
