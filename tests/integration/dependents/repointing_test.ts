/** Whatever was built on the old name while it was a view follows the table, and stays what it is. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import {
  BUILT_ACKNOWLEDGED,
  builtOn,
  createOwners,
  TABLES,
  USES,
} from "../../support/built_on_view.ts";
import {
  createTestDatabase,
  databaseTest,
  type TestDatabase,
} from "../../support/servers/database.ts";
import { describe, descriptionDifferences, identities } from "../../support/catalog/described.ts";
import { dumpSchema } from "../../support/catalog/dump.ts";
import { finalize } from "../../support/finalize.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { outcomes, prepareOutcomes, testRoles } from "../../support/roles.ts";
import { testServers } from "../../support/servers/servers.ts";

/** What cannot keep its OID, and the indexes that go with it. */
const MADE_AGAIN =
  /^(materialized view|index (totals|empty|stored)|routine app\.(of_totals|title|every_expert|best|names_of|take)\()/;

/** The table's own objects, the view, and the cast between them. */
const OF_THE_TABLE = /\bexpert(s|_profiles)(_pkey)?$|app\.label\(|compatibility_cast/;

const without = <Value>(pattern: RegExp, objects: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(Object.entries(objects).filter(([object]) => !pattern.test(object)));

/** What every role can see and do. */
async function usesOf(db: TestDatabase): Promise<Record<string, string[]>> {
  const uses: Record<string, string[]> = {};
  for (const role of ["anon", "authenticated", "service_role", "postgres"]) {
    uses[role] = await outcomes(db, role, USES);
  }
  return uses;
}

interface Built {
  db: TestDatabase;
  functions: Functions;
  id: string;
  /** Fails the test unless everything but the table and its view is still itself. */
  assertKept(): Promise<void>;
}

/** A test that begins with everything built on the old name of a renamed table. */
function builtTest(
  name: string,
  inTexts: string,
  body: (built: Built & { owners: Owners }) => Promise<void>,
): void {
  databaseTest(name, async ({ db }) => {
    await using owners = await testRoles(db, "owner", "grantor");
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(TABLES).simple();
    await createOwners(db, owners);
    const { migrations: [{ id }] } = await functions.rename({
      schema: "app",
      old_name: "experts",
      new_name: "expert_profiles",
    });
    await db.sql.unsafe(builtOn("app.experts", owners, inTexts)).simple();
    await prepareOutcomes(db);
    const objects = without(OF_THE_TABLE, await identities(db.sql, "app"));
    assertGreater(Object.keys(objects).length, 35);
    const uses = await usesOf(db);
    await body({
      db,
      functions,
      id,
      owners,
      async assertKept() {
        const after = without(OF_THE_TABLE, await identities(db.sql, "app"));
        assertEquals(without(MADE_AGAIN, after), without(MADE_AGAIN, objects));
        const names = (of: Record<string, number>) =>
          Object.keys(of).map((name) => name.replace("expert_profiles", "experts")).sort();
        assertEquals(names(after), names(objects));
        assertEquals(await usesOf(db), uses);
      },
    });
  });
}

interface Owners {
  owner: string;
  grantor: string;
}

/**
 * Fails the test unless the database holds the same as one in which all of it was built on the table itself,
 * under the name that it has in the end: as this test reads it, and as pg_dump does.
 */
async function assertLikeTwin(db: TestDatabase, owners: Owners, name: string): Promise<void> {
  const server = testServers().find(({ version }) => version === db.version)!;
  const twin = await createTestDatabase(server);
  try {
    await twin.sql.unsafe(TABLES).simple();
    await createOwners(twin, owners);
    if (name !== "experts") await twin.sql.unsafe(`alter table app.experts rename to ${name}`);
    await twin.sql.unsafe(builtOn(`app.${name}`, owners)).simple();
    const [ours, theirs] = [await describe(db.sql, "app"), await describe(twin.sql, "app")];
    assertEquals(descriptionDifferences(theirs, ours), []);
    await db.admin.unsafe("drop schema probe cascade").simple();
    assertEquals(await dumpSchema(db), await dumpSchema(twin));
  } finally {
    await twin.close();
  }
}

builtTest(
  "everything built on the old name follows the table back to it",
  "app.experts",
  async ({ db, functions, id, owners, assertKept }) => {
    // While the view stands, what the cast does to its rows is written out.
    const same = new RegExp(`${OF_THE_TABLE.source}|relation labels`);
    const before = without(same, await describe(db.sql, "app"));
    const answer = await functions.rollback({ migration_id: id, acknowledge: BUILT_ACKNOWLEDGED });
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
    const after = without(same, await describe(db.sql, "app"));
    assertEquals(descriptionDifferences(before, after), []);
    await assertKept();
    await assertLikeTwin(db, owners, "experts");
  },
);

builtTest(
  "everything built on the old name follows the table to its new one when the old one ends",
  "app.expert_profiles",
  async ({ db, id, owners, assertKept }) => {
    await finalize(db, { migration_id: id, acknowledge: BUILT_ACKNOWLEDGED });
    const [{ old }] = await db.sql`select to_regclass('app.experts') as old`;
    assertEquals(old, null);
    await assertKept();
    await assertLikeTwin(db, owners, "expert_profiles");
  },
);

databaseTest("a materialized view and its indexes stay in their tablespaces", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const spaces = [`${db.name}_data`, `${db.name}_indexes`];
  // CREATE TABLESPACE cannot be one of several statements of a message.
  const admin = db.connect({ role: "supabase_admin", max: 1 });
  await admin`set allow_in_place_tablespaces = on`;
  for (const space of spaces) {
    await admin.unsafe(`create tablespace ${space} owner postgres location ''`);
  }
  const [data, indexes] = spaces;
  await db.sql.unsafe(`
    create table experts (id int primary key, name text)`).simple();
  await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
  await db.sql.unsafe(`
    create materialized view placed tablespace ${data} as select id, name from experts;
    create index placed_id on placed (id) tablespace ${indexes};
    create index placed_name on placed (name) tablespace ${data};
    create index placed_both on placed (id, name)`).simple();
  const places = () =>
    db.sql`
    select c.relname, s.spcname from pg_class c left join pg_tablespace s on s.oid = c.reltablespace
    where c.relname like 'placed%' order by 1`.then((rows) => rows.map((row) => ({ ...row })));
  const before = await places();
  assertEquals(before.map(({ spcname }) => spcname), [data, null, indexes, data]);
  await functions.rollback({ table: "experts" });
  assertEquals(await places(), before);
  await db.sql`drop materialized view placed`;
  for (const space of spaces) await admin.unsafe(`drop tablespace ${space}`);
});

databaseTest(
  "names of any kind, and constants that look like them, are left what they are",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const schema = `My "S"; --`;
    const [oldName, newName] = [`Old "T" 'x' $$ \\ ::`, `New.T "(e)" $f$ '' \\n`];
    const ident = (name: string) => `"${name.replaceAll('"', '""')}"`;
    const literal = (text: string) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
    const [s, o, n] = [schema, oldName, newName].map(ident);
    const mention = literal(`(e.*)::${s}.${n} and ${s}.${o}`);
    await db.sql.unsafe(`
    create schema ${s};
    create table ${s}.${o} ("the ""id""" int primary key, name text);
    insert into ${s}.${o} values (1, 'Ada');
    create function ${s}.label(${s}.${o}) returns text language sql stable as 'select $1.name';
    create table ${s}."other; --" (id int, note text)`).simple();
    await functions.rename({ schema, old_name: oldName, new_name: newName });
    await db.sql.unsafe(`
    set local check_function_bodies = off;
    create view ${s}."v ""w""" with (security_invoker) as
      select "the ""id""", ${mention}::text as "said (e)::" from ${s}.${o} where name <> ${mention};
    create view ${s}.labels with (security_invoker) as
      select ${s}.label(e) as l, ${mention}::text as said, $$(x)::y$$::text as "a::b" from ${s}.${o} e;
    create materialized view ${s}."m;" as
      select ${s}.label(e) as l, ${mention}::text as "said;" from ${s}.${o} e;
    create unique index "i ""n""" on ${s}."m;" ("said;", l);
    alter table ${s}."other; --" enable row level security;
    create policy "p ' "" \\" on ${s}."other; --" using (exists (
      select from ${s}.${o} e where ${s}.label(e) = ${mention} or e."the ""id""" = id));
    create function ${s}."f ""g"""(${s}.${o}, text default ${mention}) returns text language sql immutable
      as $body$select $1.name || ${mention}$body$;
    create function ${s}.atomic(text default ${mention}) returns bigint language sql stable begin atomic
      select count(*) from ${s}.${o} e where ${s}.label(e) <> ${mention}; end;
    create rule "r "" '" as on update to ${s}."other; --" do also
      update ${s}.${o} set name = ${mention};
    alter table ${s}."other; --" alter column note set default ${s}."f ""g"""(row(1, ${mention})::${s}.${o})`)
      .simple();
    const casts = /^relation (labels|m;)$|^policy|^routine.*atomic|label|compat/;
    const own = new RegExp(`${casts.source}|Old |New`);
    const before = await describe(db.sql, s);
    const reading = async () => [
      ...await db.sql.unsafe(`select * from ${s}.labels, ${s}."v ""w""", ${s}."m;"`),
      ...await db.sql.unsafe(`select ${s}.atomic(), ${s}."f ""g"""(e) as f from ${s}.${o} e`),
      ...await db.sql.unsafe(`insert into ${s}."other; --" values (1) returning note`),
    ];
    const rows = await reading();
    const answer = await functions.rollback({ schema, table: oldName });
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
    const after = await describe(db.sql, s);
    assertEquals(descriptionDifferences(without(own, before), without(own, after)), []);
    assertGreater(Object.keys(without(/compat|label|Old |New/, after)).length, 5);
    // Without the cast, and with every constant as it was.
    const skeleton = (text: string) => text.replaceAll(`::${s}.${n}`, "").replace(/[()\s]/g, "");
    for (
      const object of Object.keys(before).filter((name) =>
        /^relation (labels|m;)$|^policy|atomic/.test(name)
      )
    ) {
      assertEquals(skeleton(after[object]), skeleton(before[object]), object);
    }
    assertEquals(await reading(), rows);
  },
);
