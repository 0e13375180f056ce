/** The texts that facts carry: what may name a table is read, wherever the server keeps it as text. */
import { assert, assertEquals } from "@std/assert";
import { factsFromRow, factsQuery } from "../../../shared/catalog/read_facts.ts";
import { Connection } from "../../../shared/postgres/connection/connection.ts";
import { beginReading, connected } from "../../../shared/postgres/begin.ts";
import type { Facts, TextFacts } from "../../../shared/facts/facts.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { until } from "../../support/waiting.ts";
import { MEMBER_OF_PG_CRON } from "../../support/programs/pg_cron.ts";

/** The facts that a plan for tables of these names in public would be made from, as role postgres or another. */
async function factsNaming(
  db: TestDatabase,
  names: string[],
  role = "postgres",
): Promise<Facts> {
  const connection = await Connection.open(db.urlOf(role));
  try {
    const limits = {
      deadline: performance.now() + 30_000,
      signal: new AbortController().signal,
      started: 0,
    };
    const { sources } = connected((await connection.run(beginReading(limits))).at(-1)!);
    const query = factsQuery({
      names: names.map((name) => ({ schema: "public", name })),
      oids: [],
      mentioned: names,
      sources,
    });
    const [[row]] = await connection.run(query);
    return factsFromRow(row as { facts: string });
  } finally {
    await connection.end();
  }
}

const identities = (texts: TextFacts[], kind: TextFacts["kind"] = "routine") =>
  texts.filter((text) => text.kind === kind).map(({ identity }) => identity).sort();

databaseTest(
  "bodies in every language that may name the table are read; those that the server parsed are not",
  async ({ db }) => {
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create function in_plpgsql() returns int language plpgsql as 'begin return (select 1 from experts); end';
      create function in_sql(int, variadic text[]) returns int language sql set search_path = '' as 'select 1 from public.experts';
      create procedure proc() language sql set search_path = "$user", "My Schema", public as 'delete from EXPERTS';
      create function parsed() returns bigint language sql begin atomic select count(*) from experts; end;
      create function of_others() returns int language sql as 'select 1 -- many_experts, experts2';
      create function dynamic() returns void language plpgsql security definer as
        $$ begin execute 'delete from "experts"'; end $$`).simple();
    const { texts } = await factsNaming(db, ["experts"]);
    assertEquals(identities(texts), [
      "public.dynamic()",
      "public.in_plpgsql()",
      "public.in_sql(integer, VARIADIC text[])",
      "public.proc()",
    ]);
    const byName = new Map(texts.map((text) => [text.identity, text]));
    const {
      text,
      language,
      search_path,
      schema,
      owned,
      security_definer,
      trigger_of,
      calls,
      role,
    } = byName.get("public.in_sql(integer, VARIADIC text[])")!;
    assertEquals(
      { text, language, search_path, schema, owned, security_definer, trigger_of, calls, role },
      {
        text: "select 1 from public.experts",
        language: "sql",
        search_path: [],
        schema: "public",
        owned: true,
        security_definer: false,
        trigger_of: [],
        calls: null,
        role: null,
      },
    );
    assertEquals(byName.get("public.proc()")?.search_path, ["$user", "My Schema", "public"]);
    assertEquals(byName.get("public.dynamic()")?.security_definer, true);
    assertEquals(byName.get("public.dynamic()")?.search_path, null);
  },
);

databaseTest(
  "functions of the tables' triggers are read whatever they name",
  async ({ db }) => {
    await db.sql.unsafe(`
      create table experts (id int primary key);
      create table others (id int primary key);
      create function touch() returns trigger language plpgsql as 'begin return new; end';
      create function name_it() returns trigger language plpgsql as
        $$ begin perform 'experts'; return new; end $$;
      create function of_others() returns trigger language plpgsql as 'begin return new; end';
      create trigger a before insert on experts for each row execute function touch();
      create trigger b before update on experts for each row execute function touch();
      create trigger c before insert on others for each row execute function name_it();
      create trigger d before insert on others for each row execute function of_others()`).simple();
    const { texts, relations: [{ oid }] } = await factsNaming(db, ["experts"]);
    assertEquals(
      texts.map(({ identity, trigger_of }) => [identity, trigger_of]).sort(),
      [["public.name_it()", []], ["public.touch()", [oid]]],
    );
  },
);

databaseTest("many names are looked for as one is, odd ones too", async ({ db }) => {
  const odd = ['Odd "Näme"', "ΑΒΓ", "$$", "it's", "new\nline"];
  const many = Array.from({ length: 40 }, (_, index) => `table_${index}`);
  await db.sql.unsafe(`create table "table_7" (id int)`);
  const bodies = [
    'select 1 from "Odd ""Näme"""',
    'select 1 from "ΑΒΓ"',
    'select 1 from "$$"',
    `select 1 from "it's"`,
    'select 1 from "new\nline"',
    "select 1 from TABLE_7",
    "select 1 from table_77",
    "select 1",
  ];
  for (const [index, body] of bodies.entries()) {
    const quoted = `'${body.replaceAll("'", "''")}'`;
    await db.sql.unsafe(`set check_function_bodies = off;
      create function f${index}() returns int language sql as ${quoted}`).simple();
  }
  const found = async (names: string[]) => identities((await factsNaming(db, names)).texts);
  const expected = [0, 1, 2, 3, 4, 5].map((index) => `public.f${index}()`);
  assertEquals(await found([...odd, ...many]), expected);
  assertEquals(await found([...odd, "table_7"]), expected);
  assertEquals(await found(["table_7"]), ["public.f5()"]);
  assertEquals(await found([]), []);
});

/** A role that can log in and reads nothing that it is not granted, as postgres does. */
const APP = "authenticator";

/** The table of pg_cron 1.6, which is not at hand, as far as its columns go. */
const CRON = `
  create schema cron;
  create table cron.job (
    jobid bigint primary key, schedule text not null, command text not null, nodename text,
    nodeport int, database text not null, username text not null, active boolean, jobname text);
  insert into cron.job values
    (1, '* * * * *', 'delete from experts', 'localhost', 5432, current_database(), 'postgres', true, null),
    (2, '* * * * *', 'vacuum public.experts', 'localhost', 5432, current_database(), 'nobody', false, 'tidy'),
    (3, '* * * * *', 'select 1', 'localhost', 5432, current_database(), 'postgres', true, 'other'),
    (4, '* * * * *', 'delete from experts', 'localhost', 5432, 'another', 'postgres', true, 'elsewhere');
  ${MEMBER_OF_PG_CRON}`;

databaseTest("commands of pg_cron in this database are read, where they can be", async ({ db }) => {
  await db.admin.unsafe(CRON).simple();
  const jobs = async (role?: string) =>
    (await factsNaming(db, ["experts"], role)).texts
      .filter(({ kind }) => kind === "cron job")
      .map(({ identity, text, language, owned }) => [identity, text, language, owned]);
  assertEquals(await jobs(), [
    ["1", "delete from experts", "sql", true],
    ["tidy", "vacuum public.experts", "sql", false],
  ]);
  assertEquals(await jobs(APP), []);
  await db.admin.unsafe(`grant usage on schema cron to ${APP}`);
  assertEquals(await jobs(APP), []);
  await db.admin.unsafe(`grant select on cron.job to ${APP}`);
  assertEquals((await jobs(APP)).map(([identity, , , owned]) => [identity, owned]), [
    ["1", false],
    ["tidy", false],
  ]);
  // What only has the name of pg_cron's table is in nobody's way.
  await db.admin`alter extension pg_cron drop table cron.job`;
  assertEquals(await jobs(), []);
  await db.admin`drop table cron.job`;
  await db.admin`create table cron.job (a int)`;
  assertEquals(await jobs(), []);
});

databaseTest("recorded statements are read with how often they ran and as whom", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`create table experts (id int primary key, n int default 1);
    grant select on experts to ${APP}`).simple();
  const app = db.connect({ role: APP });
  const sent = {
    select: "select n, ctid from experts where id = $1",
    truncate: "-- note\n truncate experts",
    disable: "/* app */ alter table experts disable trigger user",
  };
  const wanted = [
    `${sent.disable} | postgres | sql`,
    `${sent.select} | ${APP} | sql`,
    `${sent.truncate} | postgres | sql`,
  ].sort();
  /**
   * The statements that facts contain once all these were sent. The server drops rare ones when others fill
   * its list, at any time, so that it can take more than one go.
   */
  const recorded = (expected: string[], role?: string) =>
    until(`recorded: ${expected.join()}`, async () => {
      for (let n = 0; n < 3; n++) await app`select n, ctid from experts where id = ${1}`;
      await app`select n from experts where id = ${1}`;
      await db.sql.unsafe(sent.disable);
      await db.sql.unsafe(sent.truncate);
      const { texts } = await factsNaming(db, ["experts"], role);
      const statements = texts.filter(({ kind }) => kind === "statement");
      assert(statements.every(({ calls }) => calls! >= 1));
      const found = statements.map(({ text, role, language }) =>
        `${text.trim()} | ${role} | ${language}`
      );
      // Nothing else, be it ours or such as a view serves.
      assertEquals(found.filter((one) => !wanted.includes(one)), []);
      return expected.every((one) => found.includes(one)) && found.sort();
    });
  assertEquals(await recorded(wanted), wanted);
  const { texts } = await factsNaming(db, ["experts"]);
  const select = texts.find(({ text }) => text === sent.select);
  assert(select === undefined || select.calls! >= 3, String(select?.calls));

  // What a rename itself has sent is nobody's use of the old name.
  const move = { old_name: "experts", new_name: "b", acknowledge: ["truncate", "system_columns"] };
  const { migrations: [{ id }] } = await functions.rename(move);
  await functions.rollback({ migration_id: id });
  assertEquals(await recorded(wanted), wanted);

  // Without the right to the schema none, without pg_read_all_stats one's own.
  assertEquals(await recorded([], APP), []);
  await db.admin.unsafe(`grant usage on schema extensions to ${APP}`);
  const own = [`${sent.select} | ${APP} | sql`];
  assertEquals(await recorded(own, APP), own);

  // Where the extension is elsewhere, or is not there.
  await db.admin.unsafe(`create schema "Stat""s"; grant usage on schema "Stat""s" to postgres;
    alter extension pg_stat_statements set schema "Stat""s"`).simple();
  assertEquals(await recorded(wanted), wanted);
  await db.admin`drop extension pg_stat_statements`;
  assertEquals(await recorded([]), []);
  await functions.rename(move);
});
