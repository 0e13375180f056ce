/** Ways to stop a request of ours in the middle of its work, prepared by the superuser. */
import type { TestDatabase } from "./servers/database.ts";

/** The functions' connections say this name. */
const APPLICATION = "table-rename";

/**
 * Counts every DDL command of the functions, every write of theirs to the tracking tables, and the commit
 * itself, and ends the backend at the one that `killAt` names. A sequence counts, since it does not go
 * back with a transaction.
 */
export async function installKiller(db: TestDatabase): Promise<void> {
  await db.admin.unsafe(`
    create schema killer;
    create sequence killer.counter;
    create table killer.target (n bigint);
    insert into killer.target values (0);
    create table killer.killed (n bigint);
    create function killer.count() returns void language plpgsql security definer
      set search_path = pg_catalog, pg_temp as $$
    begin
      if current_setting('application_name') = '${APPLICATION}'
        and nextval('killer.counter') = (select n from killer.target) then
        perform pg_terminate_backend(pg_backend_pid());
        perform pg_sleep(5);
      end if;
    end $$;
    create function killer.on_ddl() returns event_trigger language plpgsql as
      $$ begin perform killer.count(); end $$;
    create function killer.on_write() returns trigger language plpgsql as
      $$ begin perform killer.count(); return null; end $$;
    grant usage on schema killer to public;
    create trigger killer before insert or update on public.sys_table_migrations
      for each statement execute function killer.on_write();
    create trigger killer before insert on table_rename.sys_table_migration_events
      for each statement execute function killer.on_write();
    create constraint trigger killer_at_commit after insert on table_rename.sys_table_migration_events
      deferrable initially deferred for each row when (new.outcome = 'succeeded')
      execute function killer.on_write();
    create event trigger killer on ddl_command_end execute function killer.on_ddl();
  `).simple();
}

/** The functions' `n`th step from now on ends their backend; 0: none. */
export async function killAt(db: TestDatabase, n: number): Promise<void> {
  await db.admin.unsafe(
    `select setval('killer.counter', 1, false); update killer.target set n = ${n}`,
  ).simple();
}

/** Whether the backend was ended since the last `killAt`. */
export async function wasKilled(db: TestDatabase): Promise<boolean> {
  const [{ reached }] = await db.admin`
    select s.last_value >= t.n and s.is_called as reached from killer.counter s, killer.target t`;
  return reached;
}

/** A client that keeps ACCESS SHARE on a table until it is released. */
export interface Reader {
  pid: number;
  release(): Promise<void>;
}

/** Reads a table in a transaction that stays open. */
export async function startReader(db: TestDatabase, table: string): Promise<Reader> {
  const client = db.connect({ max: 1, connection: { application_name: "slow report" } });
  let release = () => {};
  const released = new Promise<void>((resolve) => release = resolve);
  let started: (pid: number) => void;
  const pid = new Promise<number>((resolve) => started = resolve);
  const done = client.begin(async (tx) => {
    const [row] = await tx.unsafe(`select pg_backend_pid() as pid, count(*) from ${table}`);
    started(row.pid);
    await released;
  });
  return {
    pid: await Promise.race([pid, done.then(() => -1)]),
    async release() {
      release();
      await done;
      await client.end();
    },
  };
}
