/** Changes are rows of the Supabase CLI's migration history, and its files make the same in an empty database. */
import { assertEquals } from "@std/assert";
import { BUILT_ACKNOWLEDGED, builtOn, TABLES } from "../../support/built_on_view.ts";
import { describeSchemas, descriptionDifferences } from "../../support/catalog/comparable_dump.ts";
import { assertSameDump } from "../../support/corpus/corpus_state.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { dumpSchema } from "../../support/catalog/dump.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import {
  appMigration,
  emptyDatabase,
  listedVersions,
  repository,
  trackingRows,
} from "../../support/migration_files.ts";
import { testRoles } from "../../support/roles.ts";

const SCHEMAS = ["public", "app", "table_rename"];

/** Fails the test unless both databases hold the same: schemas, and the record of the renames. */
async function assertReplayed(db: TestDatabase, fresh: TestDatabase): Promise<void> {
  const [wanted, found] = await Promise.all(
    [db, fresh].map(({ admin }) => describeSchemas(admin, SCHEMAS)),
  );
  assertEquals(descriptionDifferences(wanted, found), []);
  const [dump, again] = await Promise.all([dumpSchema(db), dumpSchema(fresh)]);
  if (dump !== null && again !== null) assertSameDump(dump, again);
  assertEquals(await trackingRows(fresh), await trackingRows(db));
  const oids = await fresh.sql`
    select m.old_name from sys_table_migrations m
    where m.status = 'active' and (
      m.table_oid is distinct from to_regclass(format('%I.%I', m.schema_name, m.new_name))::oid
      or m.compatibility_view_created
        and m.view_oid is distinct from to_regclass(format('%I.%I', m.schema_name, m.old_name))::oid)`;
  assertEquals(oids.map(({ old_name }) => old_name), []);
}

/** Drift of the active migrations, as list-migrations reports it. */
async function driftOf(functions: Functions) {
  const { migrations } = await functions.list({ status: "active", include: "drift" });
  return migrations.flatMap(({ drift }) =>
    drift!.map(({ code, message }) => `${code}: ${message}`)
  );
}

const ODD = `Odd "na;me"\n-- $$ '\\`;
const ODD_NEW = "select 'x'; $track$ drop table public.canary; --";

databaseTest(
  "what was renamed, built on, refreshed, rolled back and finalized is made again by the files of the history",
  async ({ db }) => {
    await using owners = await testRoles(db, "owner", "grantor");
    await db.admin.unsafe(`grant ${owners.owner}, ${owners.grantor} to postgres`).simple();
    await using repo = await repository();
    await using functions = functionsFor(db.url);
    const app = (sql: string) => appMigration(db, sql);
    const identifier = (name: string) => `"${name.replaceAll('"', '""')}"`;
    await app(`${TABLES}
    grant usage, create on schema app to ${owners.owner}, ${owners.grantor};
    grant select on app.experts, app.teams to ${owners.owner}, ${owners.grantor};
    create table app.journal (id int primary key, note text default 'n');
    create function app.short(app.journal) returns text language sql stable as 'select left($1.note, 3)';
    create table app.${identifier(ODD)} (
      "a;b" int primary key generated always as identity, "Select" text default E'it''s \\\\ $lock$; --',
      c text generated always as ("Select" || ';') stored);
    comment on table app.${identifier(ODD)} is E'$track$ ; -- it''s \\\\ \\n $lock$ /* ';
    comment on column app.${identifier(ODD)}."a;b" is '$$; $history$';
    create index "${"i".repeat(50)};" on app.${identifier(ODD)} ("Select");
    revoke all on app.${identifier(ODD)} from anon, authenticated, service_role;
    grant select on app.${identifier(ODD)} to ${owners.grantor} with grant option;
    set local role ${owners.grantor};
    grant select on app.${identifier(ODD)} to authenticated;
    reset role;
    grant update ("Select") on app.${identifier(ODD)} to service_role`);
    const rename = {
      schema: "app",
      old_name: "experts",
      new_name: "expert_profiles",
      rename_indexes: true,
      count_use: true,
      notes: "phase; $track$ it's \\",
    };
    const first = await functions.rename(rename);
    assertEquals(first.history?.name, "rename_experts_to_expert_profiles");
    assertEquals(first.verification?.passed, true);
    const batch = await functions.rename({
      renames: [
        { schema: "app", old_name: ODD, new_name: ODD_NEW },
        { schema: "app", old_name: "journal", new_name: "journals" },
      ],
      count_use: true,
    });
    await app(builtOn("app.experts", owners));
    await app("alter table app.journals add column since date default now()");
    await functions.refresh({ migration_id: batch.migrations[1].id, notes: "since" });
    // With other columns a new view takes the place of the old one.
    await functions.refresh({ migration_id: batch.migrations[0].id, without_columns: ["c"] });
    const rolledBack = await functions.rollback({
      table: "experts",
      schema: "app",
      acknowledge: BUILT_ACKNOWLEDGED,
    });
    assertEquals(rolledBack.verification?.passed, true, JSON.stringify(rolledBack.verification));
    const proposed = await functions.rename({ ...rename, mode: "propose", notes: "proposed" });
    assertEquals(proposed.history, undefined);
    const applied = await functions.rename({ batch_id: proposed.batch_id! });
    assertEquals(applied.history?.name, "rename_experts_to_expert_profiles");
    await app(`
      create view app.on_journal with (security_invoker = true) as
        select id, note, app.short(j) from app.journal j`);
    await functions.rename({ schema: "app", old_name: "teams", new_name: "crews" });
    await functions.finalize({
      table: "teams",
      schema: "app",
      acknowledge: ["old_name_in_use", ...BUILT_ACKNOWLEDGED],
    });

    await repo.supabase(db, "migration", "fetch");
    const { local, remote } = listedVersions(await repo.supabase(db, "migration", "list"));
    assertEquals(local, remote);
    await using fresh = await emptyDatabase(db);
    await repo.supabase(fresh, "db", "push");
    await assertReplayed(db, fresh);

    await using there = functionsFor(fresh.url);
    assertEquals(await driftOf(there), await driftOf(functions));
    // There the casts of the views have other names than their tables' OIDs would give them.
    for (const [where, { refresh }] of [[fresh, there], [db, functions]] as const) {
      await where.sql`alter table app.journals add column more int`;
      const { verification } = await refresh({ migration_id: batch.migrations[1].id });
      assertEquals(verification?.passed, true, JSON.stringify(verification));
    }
    for (const table of ["experts", "journal", ODD]) {
      const answers = await Promise.all(
        [there, functions].map(({ rollback }) =>
          rollback({ schema: "app", table, acknowledge: BUILT_ACKNOWLEDGED })
        ),
      );
      for (const { verification, findings } of answers) {
        assertEquals(verification?.passed, true, JSON.stringify(verification));
        assertEquals(
          findings.filter(({ severity }) => severity === "breaking").map(({ code }) => code),
          [],
        );
      }
    }
    const [wanted, found] = await Promise.all(
      [db, fresh].map(({ admin }) => describeSchemas(admin, SCHEMAS)),
    );
    assertEquals(descriptionDifferences(wanted, found), []);
  },
);
