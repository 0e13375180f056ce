import { assert, assertEquals } from "@std/assert";
import { fileURLToPath } from "node:url";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const CLI = fileURLToPath(
  new URL("../../../node_modules/supabase/dist/supabase.js", import.meta.url),
);
const MIGRATIONS = new URL("../../../supabase/migrations/", import.meta.url);

interface Advice {
  name: string;
  level: "INFO" | "WARN" | "ERROR";
  detail: string;
  metadata: { schema?: string; name?: string };
}

/** What the advisors of the dashboard say, by the CLI against the database's URL. */
async function advise(db: TestDatabase): Promise<Advice[]> {
  const url = new URL(db.url);
  const { password } = url;
  url.password = "";
  url.searchParams.set("sslmode", "disable");
  const { success, stdout, stderr } = await new Deno.Command("node", {
    args: [
      ...[CLI, "db", "advisors", `--remote=${url}`, "--type", "all", "--level", "info"],
      ...["--fail-on", "none", "--output-format", "json"],
    ],
    env: { PGPASSWORD: password, DO_NOT_TRACK: "1", NO_UPDATE_NOTIFIER: "1", NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  assert(success, decoder.decode(stderr));
  return JSON.parse(decoder.decode(stdout)).results;
}

const line = ({ level, name, detail }: Advice) => `${level} ${name}: ${detail}`;

/** What is said now and was not before, one line each. */
function newAdvice(before: Advice[], after: Advice[], level: RegExp): string[] {
  const known = new Set(before.map(line));
  return after.filter((advice) => level.test(advice.level)).map(line)
    .filter((text) => !known.has(text)).sort();
}

/** As before, with the table's new name where its old one stood. */
const renamedIn = (advice: Advice[], from: string, to: string): Advice[] =>
  advice.map((one) => ({ ...one, detail: one.detail.replaceAll(from, to) }));

const SCHEMA = `
  create table teams (id int primary key);
  alter table teams enable row level security;
  create policy read on teams for select to authenticated using (true);
  create table experts (id int primary key, owner uuid, team_id int references teams,
    name text default 'x');
  create index experts_team on experts (team_id);
  alter table experts enable row level security;
  create policy own on experts to authenticated using (owner = (select auth.uid()));
  grant select, insert, update on experts, teams to authenticated;
  create table open_to_all (id int primary key);
  grant select on open_to_all to anon;
  create function touch() returns trigger language plpgsql set search_path = '' as
    $$ begin return new; end $$;
  create trigger touch before update on experts for each row execute function touch();
  create schema hidden;
  create table hidden.notes (id int primary key, note text);`;

const TABLES = ["events", "notifications", "requests", "usage", "uses", "verifications"]
  .map((name) => `_${name}`);

for (const defaultPrivileges of ["classic", "none"] as const) {
  databaseTest(
    `the project's advisors find nothing new but what is meant (${defaultPrivileges} privileges)`,
    { versions: [17], defaultPrivileges },
    async ({ db }) => {
      await using functions = functionsFor(db.url);
      await db.sql.unsafe(`drop table sys_table_migrations, table_rename.sys_table_migration_events,
        table_rename.sys_table_migration_requests, table_rename.sys_table_migration_usage,
        table_rename.sys_table_migration_notifications,
        table_rename.sys_table_migration_verifications, table_rename.sys_table_migration_uses; ${SCHEMA}`)
        .simple();
      const before = await advise(db);
      assert(before.some(({ name }) => name === "rls_disabled_in_public"), "the advisors work");

      const files = (await Array.fromAsync(Deno.readDir(MIGRATIONS))).map(({ name }) => name);
      for (const name of files.sort()) {
        await db.sql.unsafe(await Deno.readTextFile(new URL(name, MIGRATIONS))).simple();
      }
      const migrated = await advise(db);
      assertEquals(newAdvice(before, migrated, /WARN|ERROR/), []);
      const informed = newAdvice(before, migrated, /INFO/);
      // By design: nobody but the functions' own role is to see the tracking tables.
      assertEquals(
        informed.filter((text) => text.includes("rls_enabled_no_policy")),
        ["s", ...TABLES].map((end) =>
          `INFO rls_enabled_no_policy: Table \`${
            end === "s" ? "public" : "table_rename"
          }.sys_table_migration${end}\` has RLS enabled, ` +
          "but no policies exist"
        ),
      );
      // No index was used yet, in tables that are empty.
      assertEquals(
        informed.filter((text) =>
          !text.includes("rls_enabled_no_policy") &&
          !/^INFO unused_index: Index `sys_table_migration/.test(text)
        ),
        [],
      );

      const { verification } = await functions.rename({
        renames: [
          { old_name: "experts", new_name: "expert_profiles" },
          { old_name: "open_to_all", new_name: "still_open" },
          { schema: "hidden", old_name: "notes", new_name: "remarks" },
        ],
      });
      assert(verification?.passed);
      const renamed = await advise(db);
      let expected = renamedIn(migrated, "public.experts", "public.expert_profiles");
      expected = renamedIn(expected, "public.open_to_all", "public.still_open");
      expected = renamedIn(expected, "hidden.notes", "hidden.remarks");
      assertEquals(newAdvice(expected, renamed, /WARN|ERROR|INFO/), []);
    },
  );
}

databaseTest(
  "over column grants without row-level security the advisors warn, as our finding does",
  { versions: [17], defaultPrivileges: "none" },
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`create table experts (id int primary key, secret text);
      grant select (id) on experts to anon; grant select on experts to authenticated`).simple();
    const before = await advise(db);
    const { findings } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    assertEquals(findings.map(({ code, severity }) => [code, severity]), [[
      "column_grants",
      "warning",
    ]]);
    const after = await advise(db);
    const expected = renamedIn(before, "public.experts", "public.expert_profiles");
    assertEquals(
      newAdvice(expected, after, /WARN|ERROR/).map((text) => text.split(":")[0]),
      ["ERROR security_definer_view"],
    );
  },
);
