/**
 * Remedies that are changes of a text: each is made as the finding says, and does by the old name, before the
 * rename and after it, what the text did before.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import postgres from "postgres";
import type { FindingCode } from "../../../shared/contract/findings.ts";
import type { Finding } from "../../../shared/contract/responses.ts";
import { RULES } from "../../../shared/findings/text_rules.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

const MOVE = { old_name: "entries", new_name: "journal_entries" };

const TABLES = `
  create table entries (
    id int primary key,
    name text constraint entries_name_key unique,
    "Odd one" text constraint odd unique,
    during int4range,
    serial_no serial,
    number int generated always as identity,
    constraint entries_during exclude using gist (during with &&));
  insert into entries (id, name, "Odd one", during) values
    (1, 'one', 'a', '[1,2)'), (2, 'two', 'b', '[2,3)'), (3, 'three', 'c', '[3,4)');
  create table entries_log (n int);
  create table others (id int primary key, name text);
  insert into others values (1, 'uno'), (9, 'nine')`;

interface Remedied {
  code: FindingCode;
  /** Parameters of the routine, and what it is called with. */
  parameters?: string;
  call?: string;
  broken: string;
  /** The body as the remedy has it. */
  fixed: (remedy: string, broken: string) => string;
  versions?: number[];
  superuser?: boolean;
  trigger?: true;
}

/** What stands in the remedy between these words and the end of the SQL. */
function sqlIn(remedy: string, pattern: RegExp): string {
  const found = pattern.exec(remedy);
  assert(found, remedy);
  return found[0];
}

const onConflict = (remedy: string, broken: string) => {
  const target = sqlIn(remedy, /ON CONFLICT( \(.*?\)| DO NOTHING)/);
  const pragma = remedy.includes("Begin the body with #variable_conflict use_column")
    ? "#variable_conflict use_column\n"
    : "";
  return pragma + broken.replace(
    target.endsWith("NOTHING")
      ? /on conflict on constraint \S+ do nothing/
      : /on conflict on constraint \S+/,
    target,
  );
};

const REMEDIED: Remedied[] = [
  {
    code: "on_conflict_on_constraint",
    broken: `begin insert into entries (id, name) values (9, 'one')
      on conflict on constraint entries_name_key do update set name = excluded.name || '!';
      return string_agg(name, ',' order by id) from entries; end`,
    fixed: onConflict,
  },
  {
    code: "on_conflict_on_constraint",
    parameters: `id int, name text, out result text`,
    call: "(9, 'one')",
    broken: `begin insert into entries (id, name) values (id, name)
      on conflict on constraint entries_name_key do update set name = excluded.name || '!';
      result := (select string_agg(e.name, ',' order by e.id) from entries e); end`,
    fixed: onConflict,
  },
  {
    code: "on_conflict_on_constraint",
    parameters: `"Odd one" text`,
    call: "('a')",
    broken: `begin insert into entries (id, "Odd one") values (9, "Odd one")
      on conflict on constraint odd do nothing; return (select count(*) from entries); end`,
    fixed: onConflict,
  },
  {
    code: "on_conflict_on_constraint",
    broken: `begin insert into entries (id, during) values (9, '[1,9)')
      on conflict on constraint entries_during do nothing; return count(*) from entries; end`,
    fixed: onConflict,
  },
  {
    code: "merge",
    versions: [15, 16],
    broken: `begin merge into entries e using others o on e.id = o.id
      when matched then update set name = o.name
      when not matched then insert (id, name) values (o.id, o.name);
      return string_agg(name, ',' order by id) from entries; end`,
    fixed: (remedy) => {
      assertStringIncludes(remedy, "INSERT … ON CONFLICT");
      return `begin insert into entries (id, name) select id, name from others
        on conflict (id) do update set name = excluded.name;
        return string_agg(name, ',' order by id) from entries; end`;
    },
  },
  {
    code: "merge",
    versions: [15, 16],
    broken: `begin merge into entries e using others o on e.id = o.id
      when matched then update set name = o.name
      when not matched then insert (id, name) values (o.id, o.name);
      return string_agg(name, ',' order by id) from entries; end`,
    fixed: (remedy) => {
      assertStringIncludes(remedy, "UPDATE and INSERT");
      return `begin update entries e set name = o.name from others o where o.id = e.id;
        insert into entries (id, name) select id, name from others o
          where not exists (select from entries e where e.id = o.id);
        return string_agg(name, ',' order by id) from entries; end`;
    },
  },
  {
    code: "truncate",
    broken: "begin truncate entries; return count(*) from entries; end",
    fixed: (remedy, broken) => broken.replace("truncate", sqlIn(remedy, /DELETE FROM/)),
  },
  {
    code: "copy",
    superuser: true,
    broken: "begin copy entries (id) to '/dev/null'; return 'done'; end",
    fixed: (remedy, broken) =>
      broken.replace(
        "copy entries (id) to",
        sqlIn(remedy, /COPY \(SELECT … FROM …\) TO/).replace("…", "id").replace("…", "entries"),
      ),
  },
  {
    code: "copy",
    superuser: true,
    broken: "begin copy entries (id) from '/dev/null'; return count(*) from entries; end",
    fixed: (remedy) => {
      assertStringIncludes(remedy, "Copy into a temporary table and insert from there");
      return `begin create temp table staged (id int) on commit drop; copy staged from '/dev/null';
        insert into entries (id) select id from staged; return count(*) from entries; end`;
    },
  },
  {
    code: "system_columns",
    broken: `begin update entries set name = 'x' where ctid =
      (select ctid from entries order by id limit 1 for update); return name from entries where id = 1; end`,
    fixed: (remedy) => {
      assertStringIncludes(remedy, "Find the rows by their key");
      return `begin update entries set name = 'x' where id =
        (select id from entries order by id limit 1 for update); return name from entries where id = 1; end`;
    },
  },
  {
    code: "group_by_primary_key",
    broken: `begin return string_agg(x.n, ',') from (
      select upper(name) || count(*) as n from entries group by id order by id) x; end`,
    fixed: (remedy, broken) =>
      broken.replace("group by id", `group by id, ${/Add (\S+), and/.exec(remedy)![1]}`),
  },
  {
    code: "tablesample",
    broken: "begin return count(*) <= 3 from entries tablesample bernoulli (50); end",
    fixed: (remedy, broken) =>
      broken.replace("tablesample bernoulli (50)", `where ${sqlIn(remedy, /random\(\)/)} < 0.5`),
  },
  {
    code: "where_current_of",
    broken: `declare c cursor for select * from entries order by id for update; r record; begin
      open c; fetch c into r; delete from entries where current of c; return min(id) from entries; end`,
    fixed: (remedy, broken) => {
      assertStringIncludes(remedy, "by the key of the row that was fetched");
      return broken.replace("where current of c", "where id = r.id");
    },
  },
  {
    code: "set_default",
    broken: `begin update entries set name = 'n', number = default where id = 1;
      return name from entries where id = 1; end`,
    fixed: (remedy, broken) => {
      assertStringIncludes(remedy, "Leave the column out");
      return broken.replace(", number = default", "");
    },
  },
  {
    code: "disable_trigger",
    superuser: true,
    broken: `begin alter table entries disable trigger all; update entries set name = name;
      alter table entries enable trigger all; return 'done'; end`,
    fixed: (remedy) => {
      const setting = sqlIn(remedy, /session_replication_role/);
      return `begin set local ${setting} = replica; update entries set name = name;
        set local ${setting} = origin; return 'done'; end`;
    },
  },
  {
    code: "serial_sequence_lookup",
    broken: `begin return setval(pg_get_serial_sequence('entries', 'serial_no'), 100); end`,
    fixed: (remedy, broken) =>
      broken.replace("pg_get_serial_sequence('entries', 'serial_no')", sqlIn(remedy, /'.*'/)),
  },
  {
    code: "tg_table_name",
    trigger: true,
    broken: "begin if tg_table_name = 'entries' then new.name := 'seen'; end if; return new; end",
    fixed: (remedy, broken) =>
      broken.replace("tg_table_name = 'entries'", sqlIn(remedy, /TG_TABLE_NAME in \(.*?\)/)),
  },
  {
    code: "tg_table_name",
    trigger: true,
    broken:
      "begin execute format('insert into %I values (1)', tg_table_name || '_log'); return new; end",
    fixed: (remedy, broken) =>
      broken.replace("tg_table_name", `(${sqlIn(remedy, /case TG_TABLE_NAME .*? end/)})`),
  },
];

/** Those whose only remedy is to use the new name, or to read the text. */
const NO_CHANGE_BEFORE: FindingCode[] = [
  "ddl_on_old_name",
  "ddl_on_view_only",
  "create_table_like",
  "privileges_on_old_name",
  "maintenance_skipped",
  "only",
  "relation_size",
  "catalog_lookup",
  "name_as_argument",
  "unparsed_text",
  "cron_mentions",
  "old_name_gone",
];

Deno.test("every remedy that is a change of a text is tried", () => {
  const tried = [...REMEDIED.map(({ code }) => code), ...NO_CHANGE_BEFORE];
  const untried = (Object.keys(RULES) as FindingCode[]).filter((code) => !tried.includes(code));
  assertEquals(untried, []);
});

const onServer = (version: number) =>
  REMEDIED.flatMap((one, n) =>
    one.versions && !one.versions.includes(version) ? [] : [{ ...one, name: `text_${n + 1}` }]
  );

const definition = (name: string, { parameters = "", trigger }: Remedied, body: string) => {
  const returns = trigger ? "returns trigger" : parameters.includes("out ") ? "" : "returns text";
  return `create or replace function ${name}(${parameters}) ${returns} language plpgsql as
    $routine$${body}$routine$`;
};

/** What calling the routine comes to, without a trace. */
async function outcome(
  db: TestDatabase,
  { name, call = "()", superuser, trigger }: Remedied & { name: string },
): Promise<string> {
  const undo = new Error("undone on purpose");
  let found = "";
  try {
    await (superuser ? db.admin : db.sql).begin(async (tx) => {
      const asked = trigger
        ? "insert into entries (id, name) values (77, 'unseen') returning name as result"
        : `select ${name}${call} as result`;
      found = String((await tx.unsafe(asked))[0].result);
      throw undo;
    });
  } catch (error) {
    if (error instanceof postgres.PostgresError) return error.code;
    if (error !== undo) throw error;
  }
  return found;
}

databaseTest(
  "a remedy does the same by the old name before and after",
  { everyVersion: true },
  async ({ db, test }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    const cases = onServer(db.version);
    const make = (one: typeof cases[number], body: string) =>
      (one.superuser ? db.admin : db.sql).unsafe(definition(one.name, one, body)).simple();
    for (const one of cases) {
      await make(one, one.broken);
      if (one.trigger) {
        await db.sql.unsafe(
          `create trigger t_${one.name} before insert on entries for each row when (new.id = 77)
        execute function ${one.name}()`,
        );
      }
    }
    const before: string[] = [];
    for (const one of cases) {
      before.push(await outcome(db, one));
      assert(!/^[0-9A-Z]{5}$/.test(before.at(-1)!), `${one.name}: ${before.at(-1)}`);
    }

    const { findings } = await functions.rename({ ...MOVE, mode: "plan" });
    const fixed: string[] = [];
    for (const one of cases) {
      const own = findings.filter(({ object, code }) =>
        object.startsWith(`public.${one.name}(`) && code === one.code
      );
      assertEquals(own.length, 1, `${one.name} ${one.code}`);
      fixed.push(one.fixed(own[0].remedy, one.broken));
    }
    for (const [n, one] of cases.entries()) {
      await make(one, fixed[n]);
      await test.step(`${one.name}: ${one.code}, before`, async () => {
        assertEquals(await outcome(db, one), before[n], fixed[n]);
      });
    }
    const after = await functions.rename(MOVE);
    const own = (finding: Finding) => /^public\.text_/.test(finding.object);
    assertEquals(after.findings.filter((one) => own(one) && one.severity === "breaking"), []);
    for (const [n, one] of cases.entries()) {
      await test.step(`${one.name}: ${one.code}, after`, async () => {
        assertEquals(await outcome(db, one), before[n], fixed[n]);
      });
    }
  },
);

databaseTest("each constraint and column of a batch is reported with its table", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql.unsafe(`
    create table a (id int primary key, x int constraint a_x unique, n int generated always as identity);
    create table b (id int primary key, y int constraint b_y unique, m int generated always as identity);
    create schema t2;
    create table t2.a (id int primary key, z int constraint a_z unique);
    create function f() returns void language plpgsql as $$ begin
      insert into a (x) values (1) on conflict on constraint a_x do nothing;
      insert into b (y) values (1) on conflict on constraint b_y do nothing;
      insert into b (id) values (1) on conflict on constraint b_pkey do nothing;
      insert into a (z) values (1) on conflict on constraint a_z do nothing;
      update a set n = default; update b set m = default;
    end $$`).simple();
  const { findings } = await functions.rename({
    renames: ["a", "b"].map((name) => ({ old_name: name, new_name: `${name}_new` }))
      .concat({ schema: "t2", old_name: "a", new_name: "a_new" } as never),
    mode: "plan",
  });
  const ofFunction = findings.filter(({ object }) => object === "public.f()");
  const of = (code: string) => ofFunction.filter((one) => one.code === code);
  const said = of("on_conflict_on_constraint").map(({ message, remedy }) => [
    message.replace(/.*inserts into (.*?),.*/, "$1"),
    /ON CONFLICT \(.*?\)/.exec(remedy)?.[0],
  ]);
  assertEquals(said, [
    ['"public"."a" with ON CONFLICT ON CONSTRAINT a_x', "ON CONFLICT (x)"],
    ['"public"."b" with ON CONFLICT ON CONSTRAINT b_y', "ON CONFLICT (y)"],
    ['"public"."b" with ON CONFLICT ON CONSTRAINT b_pkey', "ON CONFLICT (id)"],
    ['"t2"."a" with ON CONFLICT ON CONSTRAINT a_z', "ON CONFLICT (z)"],
  ]);
  const [first, second, ...none] = of("set_default").map(({ message }) => message);
  assertMatch(first, /sets n of "public"\."a" to DEFAULT/);
  assertMatch(second, /sets m of "public"\."b" to DEFAULT/);
  assertEquals(none, []);
});
