/** What COMMIT has to write while clients wait for it. */
import { assertGreater, assertLess } from "@std/assert";
import { functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";

/** COMMIT waits for its log, and nothing writes it in the background meanwhile. */
const servers = ownServers([15, 17, 18], {
  synchronous_commit: "on",
  wal_writer_delay: "10s",
  wal_writer_flush_after: "1GB",
});

const TABLES = 15;

servers.test("the log of the views is on disk before clients wait for COMMIT", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const names = Array.from({ length: 2 * TABLES }, (_, index) => `t_${index}`);
  const tables = names.map((name) => `create table ${name} (id int primary key, name text)`);
  await db.sql.unsafe(tables.join(";")).simple();
  await db.admin.unsafe(`
    create table public.at_commit (unwritten numeric);
    create function public.measure() returns trigger language plpgsql security definer as $$
    begin
      insert into public.at_commit
      select pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn();
      return null;
    end $$;
    create constraint trigger measure after insert on table_rename.sys_table_migration_events
      deferrable initially deferred for each row execute function public.measure()`).simple();
  const unwrittenBytes = async (some: string[]) => {
    await functions.rename({
      renames: some.map((name) => ({ old_name: name, new_name: `${name}_new` })),
    });
    const [{ unwritten }] = await db.admin`delete from public.at_commit returning unwritten`;
    return Number(unwritten);
  };
  // The first change finds no row in the tracking table to lock, and so its log is not written before.
  const all = await unwrittenBytes(names.slice(0, TABLES));
  const rest = await unwrittenBytes(names.slice(TABLES));
  assertGreater(all, TABLES * 10_000);
  assertLess(rest, all / 2);
});
