/**
 * What is built on the old name and has to be made again on the table runs code: checks look at every row,
 * materialized views are filled, their indexes are built. None of it runs with rights that its author has not.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { until } from "../../support/waiting.ts";

/** Reads what only the functions' login may read, in the functions' sessions. */
const EVIL = `
  create function evil(text) returns text language plpgsql immutable as $$
  begin
    if pg_catalog.current_setting('application_name') = 'table-rename' then
      perform pg_catalog.count(*) from public.vault;
    end if;
    return $1;
  exception when others then return $1;
  end $$`;

const TABLES = `
  create table experts (id int primary key, name text);
  insert into experts values (1, 'a');
  create table notes (id int primary key, name text);
  insert into notes values (1, 'a')`;

/** On the row type of the old name, so that whatever uses it is made again with it. */
const TITLE =
  "create function title(experts) returns text language sql immutable as 'select $1.name'";

const CHECK =
  "alter table notes add constraint nice check (evil(title(row(id, name)::experts)) <> '')";

interface Attack {
  /** After the rename, as postgres. */
  built: string;
  /** What is refused; null: nothing, and it gets nothing. */
  refused: string | null;
}

const ATTACKS: Record<string, Attack> = {
  "the check of a table of the login's": {
    built: `${TITLE}; ${CHECK}`,
    refused: "nice on public.notes",
  },
  "the check of somebody's table": {
    built: `${TITLE}; ${CHECK}; alter table notes owner to OTHER`,
    refused: "nice on public.notes",
  },
  "a materialized view of the login's": {
    built: "create materialized view summary as select evil(name) as name from experts",
    refused: "public.summary",
  },
  "the index of a materialized view of the login's": {
    built: `create materialized view summary as select name from experts;
      create index on summary (evil(name))`,
    refused: "public.summary",
  },
  "a materialized view of the login's that reads somebody's view": {
    built: `create view others as select evil(name) as name from notes;
      alter view others owner to OTHER; grant select on notes to OTHER;
      create materialized view summary as
        select e.name from experts e join others using (name)`,
    refused: "public.summary",
  },
  "somebody's own materialized view with an index": {
    built: `grant select on experts, expert_profiles to OTHER;
      create materialized view summary as select evil(name) as name from experts;
      create index on summary (evil(name));
      alter materialized view summary owner to OTHER`,
    refused: null,
  },
};

databaseTest(
  "what is made again runs nobody's code with the login's rights, by rollback or finalize",
  async ({ db, test }) => {
    const other = `${db.name}_mallory`;
    await db.admin.unsafe(`create role ${other} login; grant ${other} to postgres;
      grant create, usage on schema public to ${other};
      create table vault (secret text); alter table vault owner to postgres;
      revoke all on vault from public, anon, authenticated, service_role;
      ${TABLES}; alter table experts owner to postgres; alter table notes owner to postgres;
      ${EVIL}; alter function evil owner to ${other}`).simple();
    try {
      for (const [name, { built, refused }] of Object.entries(ATTACKS)) {
        await test.step(name, async () => {
          for (const operation of ["rollback", "finalize"] as const) {
            const read = await scans(db);
            {
              await using functions = functionsFor(db.url);
              const { migrations: [{ id }] } = await functions.rename({
                old_name: "experts",
                new_name: "expert_profiles",
              });
              await db.sql.unsafe(built.replaceAll("OTHER", other)).simple();
              const request = {
                migration_id: id,
                acknowledge: ["old_name_in_use", "materialized_view_refilled"],
              };
              if (refused === null) {
                await functions[operation](request);
                const [{ owner }] = await db.sql`select relowner::regrole::text as owner
                  from pg_class where relname = 'summary'`;
                assertEquals(owner, other);
              } else {
                const problem = await functions.refused(
                  "dependants_cannot_follow",
                  operation,
                  request,
                );
                const dependants = problem.dependants as { identity: string; reason: string }[];
                const found = dependants.find(({ identity }) => identity === refused);
                assert(found, JSON.stringify(dependants));
                assertStringIncludes(found.reason, other);
              }
            }
            await ended(db);
            assertEquals(await scans(db), read, `our table was read by ${operation}`);
            await db.admin.unsafe(`
              drop materialized view if exists summary;
              drop view if exists others;
              alter table notes drop constraint if exists nice;
              alter table notes owner to postgres;
              drop function if exists title`).simple();
            await back(db);
          }
        });
      }
    } finally {
      await db.admin.unsafe(`drop owned by ${other} cascade; drop role ${other}`).simple();
    }
  },
);

/** The table has its old name again, by whatever way. */
async function back(db: TestDatabase): Promise<void> {
  await db.admin.unsafe(`
    do $$ begin
      if exists (select from pg_class where relname = 'experts' and relkind = 'v') then
        drop view experts cascade;
      end if;
      if exists (select from pg_class where relname = 'expert_profiles') then
        alter table expert_profiles rename to experts;
      end if;
    end $$;
    truncate sys_table_migrations cascade`).simple();
}

/** Counts are reported at the latest when the connections end. */
async function ended({ admin }: TestDatabase): Promise<void> {
  await until("the functions' connections have ended", async () => {
    const [{ n }] = await admin`select count(*)::int as n from pg_stat_activity
      where datname = current_database() and application_name = 'table-rename'`;
    return n === 0;
  });
}

async function scans({ admin }: TestDatabase): Promise<number> {
  const [{ n }] = await admin`
    select coalesce(seq_scan, 0)::int as n from pg_stat_user_tables where relname = 'vault'`;
  return n;
}
