/** The row that a change leaves in the migration history: under which version, and what if it cannot. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import { keepHistory, recordHistory } from "../../../shared/tracking/history.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { appMigration } from "../../support/migration_files.ts";
import { testRoles } from "../../support/roles.ts";
import { post } from "../../support/http/requests.ts";
import { quietly } from "../../support/quietly.ts";
import { holdLock } from "../../support/waiting.ts";

const EXPERTS = "create table experts (id int primary key, name text default 'x')";
const RENAME = { old_name: "experts", new_name: "expert_profiles" };

interface Row {
  version: string;
  name: string;
  statements: string[];
}

/** The rows that are not of our own migrations. */
async function history({ sql }: TestDatabase): Promise<Row[]> {
  return [
    ...await sql<Row[]>`
      select version, name, statements from supabase_migrations.schema_migrations
      where name ~ '^(rename|roll_back|finalize|refresh)_' order by version`,
  ];
}

const insertVersion = ({ sql }: TestDatabase, version: string) =>
  sql`insert into supabase_migrations.schema_migrations (version, name) values (${version}, 'other')`;

const present = () => new Date().toISOString().replace(/\.\d+Z$/, "").replace(/\D/g, "");

databaseTest(
  "ten tables that are renamed at once have ten versions",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const tables = Array.from({ length: 10 }, (_, n) => `t${n}`);
    await db.sql.unsafe(tables.map((table) => `create table ${table} (id int)`).join(";")).simple();
    const answers = await Promise.all(
      tables.map((table) => functions.rename({ old_name: table, new_name: `new_${table}` })),
    );
    const rows = await history(db);
    assertEquals(new Set(rows.map(({ version }) => version)).size, 10);
    assertEquals(
      answers.map(({ history }) => history?.version).toSorted(),
      rows.map(({ version }) => version),
    );
    for (const { version } of rows) assertMatch(version, /^\d{14}$/);
  },
);

databaseTest(
  "a change comes after the last version that is there, whatever the clock says",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const versionOfNext = async (last: string) => {
      await insertVersion(db, last);
      const { history } = await functions.rename(RENAME);
      await functions.rollback({ table: "experts", record_history: "never" });
      return history!.version;
    };
    assertEquals(await versionOfNext("29991231235959"), "30000101000000");
    assertEquals(await versionOfNext("30000102000000"), "30000102000001");
    assertEquals(await versionOfNext("30009999999998"), "30009999999999");
    await insertVersion(db, "40000101000001");
    assertEquals(await versionOfNext("40000101000000"), "40000101000002");
  },
);

databaseTest(
  "versions that are no times do not count, and the present second is the version",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    await db.sql`delete from supabase_migrations.schema_migrations`;
    for (const version of ["1", "9", "000042", "99999999999999999"]) {
      await insertVersion(
        db,
        version,
      );
    }
    const before = present();
    const { history: row } = await functions.rename(RENAME);
    assert(before <= row!.version && row!.version <= present(), row!.version);
  },
);

databaseTest(
  "a change that waits for its locks leaves one row, of the time when it is done",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; create table teams (id int)`).simple();
    const holder = await holdLock(db, "experts");
    const waiting = functions.rename({ ...RENAME, lock_timeout_ms: 20 });
    await new Promise((resolve) => setTimeout(resolve, 400));
    // Who is waiting keeps nobody else from being recorded, the CLI not either.
    await db.sql.begin(async (tx) => {
      await tx`set local lock_timeout = '1s'`;
      await tx`lock table supabase_migrations.schema_migrations in access exclusive mode`;
    });
    const meanwhile = await functions.rename({ old_name: "teams", new_name: "crews" });
    await holder.release();
    const { lock, history: row } = await waiting;
    assertGreater(lock!.waited_ms, 300);
    const rows = await history(db);
    assertEquals(rows.map(({ version }) => version), [meanwhile.history!.version, row!.version]);
  },
);

databaseTest(
  "where there is no migration history, the answer says nothing of it and nothing fails",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; drop schema supabase_migrations cascade`).simple();
    for (const mode of ["plan", "apply"] as const) {
      const answer = await functions.rename({ ...RENAME, mode });
      assertEquals([answer.history, answer.findings], [undefined, []]);
    }
    await db.sql.unsafe(`create schema supabase_migrations;
    create table supabase_migrations.schema_migrations (version bigint)`).simple();
    const { history: row, findings } = await functions.rollback({ table: "experts" });
    assertEquals([row, findings], [undefined, []]);
  },
);

databaseTest(
  "a history that this role may not write does not keep a change from being made",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    await db.admin.unsafe(`
    alter table supabase_migrations.schema_migrations owner to supabase_admin;
    revoke all on supabase_migrations.schema_migrations from postgres`).simple();
    for (const mode of ["plan", "apply"] as const) {
      const answer = await functions.rename({ ...RENAME, mode });
      const [{ code, severity, remedy }, ...others] = answer.findings;
      assertEquals([code, severity, others], ["history_not_recorded", "warning", []]);
      assertMatch(
        remedy,
        /Grant it SELECT, INSERT and UPDATE on supabase_migrations\.schema_migrations/,
      );
      assertEquals(answer.history, undefined);
    }
  },
);

databaseTest(
  "a history that refuses the row does not keep a change from being made",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS};
    alter table supabase_migrations.schema_migrations add column author text not null default 'us';
    alter table supabase_migrations.schema_migrations alter column author drop default`).simple();
    const { history: row, findings, verification } = await functions.rename(RENAME);
    assertEquals([row, findings.map(({ code }) => code)], [undefined, ["history_not_recorded"]]);
    assertEquals(verification!.passed, true);
    await db.sql`alter table supabase_migrations.schema_migrations drop column author`;
    const back = await functions.rollback({ table: "experts" });
    assertEquals(back.findings.map(({ code }) => code), ["history_incomplete"]);
    assertEquals(await history(db), []);
  },
);

databaseTest(
  "nothing is recorded where that was not wanted, nor of what is only planned or proposed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    await functions.rename({ ...RENAME, mode: "plan" });
    const { batch_id } = await functions.rename({ ...RENAME, mode: "propose" });
    await functions.rollback({ batch_id: batch_id! });
    const { history: row } = await functions.rename({ ...RENAME, record_history: "never" });
    assertEquals([row, await history(db)], [undefined, []]);
    // What is not in the history cannot be undone there.
    const { findings } = await functions.rollback({ table: "experts" });
    assertEquals(findings.map(({ code, severity }) => [code, severity]), [
      ["history_incomplete", "info"],
    ]);
    assertEquals(await history(db), []);
  },
);

databaseTest(
  "a plan's hash does not depend on the history, nor on when it is made",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const plan = await functions.rename({ ...RENAME, mode: "plan" });
    const file = await functions.rename({ ...RENAME, mode: "plan", migration_file: true });
    await appMigration(db, "create table teams (id int)");
    const applied = await functions.rename({ ...RENAME, expected_plan_hash: plan.plan_hash });
    assertEquals(applied.plan_hash, plan.plan_hash);
    assertEquals(file.plan_hash, plan.plan_hash);
    assertEquals(applied.statements, plan.statements);
  },
);

databaseTest(
  "a request that is repeated with its key is answered with the row that it left",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    const send = async () => {
      const response = await functions.fetch("rename", {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": "once" },
        body: JSON.stringify(RENAME),
      });
      return await response.json();
    };
    const first = await send();
    assertMatch(first.history.version, /^\d{14}$/);
    assertEquals(await send(), first);
    // The same where the first answer was lost after the commit.
    await db.sql`
    update table_rename.sys_table_migration_requests set finished_at = null, created_at = now() - interval '1 h',
      response_body = response_body - 'history' - 'verification' - 'lock' - 'migrations'`;
    await db
      .sql`update table_rename.sys_table_migration_events set occurred_at = now() - interval '1 hour'`;
    const late = await send();
    assertEquals(late.history, first.history);
    assertEquals((await history(db)).length, 1);
  },
);

databaseTest(
  "a migration file is made of a plan only, and not while something would break",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS}; alter publication supabase_realtime add table experts`)
      .simple();
    const request = { ...RENAME, migration_file: true };
    const { status, body } = await post(functions, "rename", request);
    assertEquals([status, body.issues[0].path], [400, "migration_file"]);
    await functions.refused("breaking_findings", "rename", { ...request, mode: "plan" });
    const { migration_file } = await functions.rename({
      ...request,
      mode: "plan",
      acknowledge: ["realtime_publication"],
    });
    assertMatch(migration_file!.version, /^\d{14}$/);
    assertEquals(migration_file!.name, "rename_experts_to_expert_profiles");
    assertEquals(await history(db), []);
  },
);

databaseTest(
  "whoever acts as another role makes the change as that role, to the end",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using roles = await testRoles(db, "login", "grantor");
    await db.admin.unsafe(`
      grant postgres to ${roles.login};
      grant ${roles.grantor} to postgres;
      alter role ${roles.login} password '${new URL(db.url).password}'`).simple();
    await db.sql.unsafe(`${EXPERTS};
    grant usage on schema public to ${roles.grantor};
    grant select on experts to ${roles.grantor} with grant option;
    set role ${roles.grantor};
    grant select on experts to ${roles.login};
    reset role`).simple();
    await functions.rename(RENAME);
    const [{ statements }] = await history(db);
    const tracked = await db.sql`select id from sys_table_migrations`;
    await functions.rollback({ table: "experts", record_history: "never" });
    await db.sql`delete from sys_table_migrations`;
    const sql = db.connect({ role: roles.login, max: 1 });
    await sql.unsafe(`set role postgres; ${statements.join(";\n")}`).simple();
    const [{ role }] = await sql`select current_user as role`;
    assertEquals(role, "postgres");
    const views = await sql`
    select m.id, c.relowner::regrole::text as owner, c.relacl::text as acl
    from sys_table_migrations m join pg_class c on c.oid = m.view_oid`;
    assertEquals(
      views.map(({ id, owner }) => [id, owner]),
      tracked.map(({ id }) => [id, "postgres"]),
    );
    assertMatch(views[0].acl, new RegExp(`${roles.login}=r/${roles.grantor}`));
  },
);

databaseTest(
  "a version that another has taken and not committed yet is passed over, and not waited for",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(EXPERTS).simple();
    await insertVersion(db, "30000101000000");
    const other = await db.sql.reserve();
    try {
      await other.unsafe(`begin; ${keepHistory(["select 1"])}; ${recordHistory("other", [])}`)
        .simple();
      const { history: row, lock } = await functions.rename(RENAME);
      assertEquals([row!.version, lock!.attempts], ["30000101000002", 1]);
      await other`commit`;
    } finally {
      other.release();
    }
    const [{ name }] = await db.sql`
    select name from supabase_migrations.schema_migrations where version = '30000101000001'`;
    assertEquals(name, "other");
  },
);

databaseTest(
  "a row that could be written, and not be completed, is in the answer all the same",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`${EXPERTS};
    alter table supabase_migrations.schema_migrations add constraint incomplete
      check (array_to_string(statements, '') not like '%-- When it was done%')`).simple();
    const answer = await quietly(() => functions.rename(RENAME));
    const [{ version, name }] = await history(db);
    assertEquals(answer.history, { version, name });
    assertEquals(answer.findings.filter(({ code }) => code === "history_not_recorded"), []);
  },
);
