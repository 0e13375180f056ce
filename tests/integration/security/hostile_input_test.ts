/**
 * Hostile input: 500 names and bodies, each of which gives a correct rename, which is then rolled back, or a
 * refusal with its code; never a 500, never a changed database. `HOSTILE_SEED=n` has other random ones.
 */
import { assert, assertEquals } from "@std/assert";
import type postgres from "postgres";
import { type ProblemCode, PROBLEMS } from "../../../shared/contract/problems.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import {
  hostileNames,
  isStorableName,
  mutated,
  oneOf,
  seededRandom,
} from "../../support/hostile.ts";
import { sampled } from "../../support/runner/sampled.ts";

const SEED = Number(Deno.env.get("HOSTILE_SEED") ?? 20_261_122);
const CASES = 100;

/** Of how many steps one is run. */
const ONE_IN = sampled(1, 4);

console.log(`hostile input: HOSTILE_SEED=${SEED}`);

/** Everything in the catalog that is not the system's, a hash a kind, and what the canary and the record say. */
async function stateOf(sql: postgres.Sql): Promise<Record<string, string>> {
  const [{ state }] = await sql`
    with ours as (
      select oid, nspname from pg_namespace
      where nspname !~ '^pg_' and nspname <> 'information_schema')
    select jsonb_build_object(
      'schemas', (select md5(string_agg(concat_ws('|', n.oid, n.nspname, n.nspacl), ',' order by n.oid))
        from pg_namespace n join ours using (oid)),
      'relations', (select md5(string_agg(concat_ws('|', c.oid, c.relname, c.relnamespace, c.relkind,
          c.relowner, c.relacl, c.reloptions, c.relrowsecurity, obj_description(c.oid, 'pg_class')),
          ',' order by c.oid))
        from pg_class c join ours on ours.oid = c.relnamespace),
      'columns', (select md5(string_agg(concat_ws('|', a.attrelid, a.attname, a.attnum, a.atttypid,
          a.attacl, pg_get_expr(d.adbin, d.adrelid), col_description(a.attrelid, a.attnum)),
          ',' order by a.attrelid, a.attnum))
        from pg_attribute a join pg_class c on c.oid = a.attrelid
        join ours on ours.oid = c.relnamespace
        left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum),
      'types', (select md5(string_agg(concat_ws('|', t.oid, t.typname, t.typnamespace), ',' order by t.oid))
        from pg_type t join ours on ours.oid = t.typnamespace),
      'functions', (select md5(string_agg(concat_ws('|', p.oid, p.proname, p.proacl), ',' order by p.oid))
        from pg_proc p join ours on ours.oid = p.pronamespace),
      'rules', (select md5(string_agg(concat_ws('|', r.oid, r.rulename, r.ev_class), ',' order by r.oid))
        from pg_rewrite r join pg_class c on c.oid = r.ev_class
        join ours on ours.oid = c.relnamespace),
      'canary', (select string_agg(concat_ws('|', id, note), ',' order by id) from public.canary),
      'unfinished', (select count(*)::text from public.sys_table_migrations
        where status in ('pending', 'active'))
    ) as state`;
  return state;
}

/** Runs SQL in which %I and %L stand for the values: what quotes them is the server. */
async function execute(sql: postgres.Sql, format: string, ...values: string[]): Promise<void> {
  const [{ statement }] = await sql`
    select format(${format}::text, variadic ${values}::text[]) as statement`;
  await sql.unsafe(statement);
}

interface Hostile {
  db: TestDatabase;
  functions: Functions;
  /** Sends the body; gives the answer of a success, or the code of a refusal. */
  send(name: string, body: BodyInit, headers?: Record<string, string>): Promise<Answer>;
  /** Takes a rename back, if it happened. */
  takeBack(answer: Answer): Promise<void>;
}

interface Answer {
  status: number;
  code: string | null;
  // deno-lint-ignore no-explicit-any -- whatever the endpoint answers
  body: any;
}

/** One or more cases in one step, after which the database must be as before. */
interface Step {
  cases: number;
  run: () => Promise<void>;
}

/** Registers a test of hostile cases on a database with a canary. */
function hostileTest(
  name: string,
  prepare: (t: Hostile, random: () => number) => Promise<Step[]>,
): void {
  databaseTest(name, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table canary (id int primary key, note text default 'sings')`;
    await db.sql`insert into canary values (1, 'sings'), (2, null)`;
    await db.sql`grant select on canary to anon`;

    const send: Hostile["send"] = async (endpoint, body, headers = {}) => {
      const response = await functions.fetch(endpoint, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body,
      });
      return await answerOf(response);
    };
    const takeBack: Hostile["takeBack"] = async ({ body }) => {
      if (!body.batch_id || body.mode !== "apply") return;
      assert(body.verification.passed, JSON.stringify(body.verification));
      const back = await functions.rollback({ batch_id: body.batch_id });
      assert(back.verification?.passed, JSON.stringify(back.verification));
    };

    const steps = await prepare({ db, functions, send, takeBack }, seededRandom(SEED));
    assertEquals(steps.reduce((sum, { cases }) => sum + cases, 0), CASES);
    const before = await stateOf(db.sql);
    for (const [index, { run }] of steps.entries()) {
      if (index % ONE_IN !== 0) continue;
      try {
        await run();
        assertEquals(await stateOf(db.sql), before, "the database was changed");
      } catch (error) {
        throw new Error(`step ${index} of HOSTILE_SEED=${SEED}`, { cause: error });
      }
    }
  });
}

/** Names that should do go into batches of ten, as in a real request; each of the others into its own. */
function steps<T>(
  cases: T[],
  shouldDo: (one: T) => boolean,
  accepted: (batch: T[]) => Promise<void>,
  refused: (one: T) => Promise<void>,
): Step[] {
  const batches: T[][] = [];
  for (const one of cases.filter(shouldDo)) {
    if ((batches.at(-1)?.length ?? 10) === 10) batches.push([]);
    batches.at(-1)!.push(one);
  }
  return [
    ...batches.map((batch) => ({ cases: batch.length, run: () => accepted(batch) })),
    ...cases.filter((one) => !shouldDo(one)).map((one) => ({ cases: 1, run: () => refused(one) })),
  ];
}

/** A success, or a refusal with a code that has its status; anything else fails the test. */
async function answerOf(response: Response): Promise<Answer> {
  const body = await response.json();
  if (response.status === 200) return { status: 200, code: null, body };
  assert(response.status >= 400 && response.status < 500, JSON.stringify(body));
  assertEquals(PROBLEMS[body.code as ProblemCode]?.status, response.status, JSON.stringify(body));
  assertEquals(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
  return { status: response.status, code: body.code, body };
}

hostileTest(
  "hostile names as the new name: the table is called just that, or it is no identifier",
  async (t, random) => {
    const { db, send, takeBack } = t;
    for (let n = 0; n < 10; n++) await execute(db.sql, "create table %1$I (id int)", `table_${n}`);
    return steps(
      hostileNames(random, CASES),
      isStorableName,
      async (names) => {
        const renames = names.map((name, n) => ({ old_name: `table_${n}`, new_name: name }));
        const answer = await send("rename", JSON.stringify({ renames }));
        assertEquals(answer.code, null, JSON.stringify(answer.body));
        for (const [index, { table_oid, view_oid }] of answer.body.migrations.entries()) {
          const [table] = await db.sql`
          select relname, relkind from pg_class where oid = ${table_oid}`;
          const [view] = await db.sql`select relname from pg_class where oid = ${view_oid}`;
          assertEquals([table.relname, table.relkind], [names[index], "r"]);
          assertEquals(view.relname, `table_${index}`);
        }
        await takeBack(answer);
      },
      async (name) => {
        const body = JSON.stringify({ old_name: "canary", new_name: name });
        assertEquals((await send("rename", body)).code, "invalid_identifier");
      },
    );
  },
);

hostileTest(
  "100 tables with hostile names, columns, defaults and comments: each is renamed and comes back",
  async (t, random) => {
    const { db, functions, send, takeBack } = t;
    const names = hostileNames(random, CASES);
    await db.sql`create schema app`;
    for (const name of names.filter(isStorableName)) {
      await execute(
        db.sql,
        `create table app.%1$I (%1$I text default %1$L, id int primary key);
       comment on table app.%1$I is %1$L; comment on column app.%1$I.%1$I is %1$L;
       insert into app.%1$I (id) values (1)`,
        name,
      );
    }
    return steps(
      names,
      isStorableName,
      async (batch) => {
        const renames = batch.map((name, n) => ({
          schema: "app",
          old_name: name,
          new_name: `renamed_${n}`,
        }));
        const answer = await send("rename", JSON.stringify({ renames }));
        assertEquals(answer.code, null, JSON.stringify(answer.body));
        for (const [n, name] of batch.entries()) {
          // Through the view, whose default is the table's.
          await execute(db.sql, "insert into app.%1$I (id) values (2)", name);
          const rows = await db.sql.unsafe(`select * from app.renamed_${n} order by id`);
          assertEquals(rows.map((row) => row[name]), [name, name]);
          await db.sql.unsafe(`delete from app.renamed_${n} where id = 2`);
          const listed = await functions.list({ table: name, schema: "app", status: "active" });
          assertEquals(listed.migrations.map(({ id }) => id), [answer.body.migrations[n].id]);
        }
        await takeBack(answer);
      },
      async (name) => {
        const body = JSON.stringify({ schema: "app", old_name: name, new_name: "x" });
        assertEquals((await send("rename", body)).code, "invalid_identifier");
      },
    );
  },
);

hostileTest(
  "hostile schemas: a table in each is renamed and comes back, or the schema is refused",
  async (t, random) => {
    const { db, functions, send, takeBack } = t;
    const isReserved = (name: string) => /^(pg_|supabase_|graphql)/.test(name);
    const isUsable = (name: string) => isStorableName(name) && !isReserved(name);
    const names = hostileNames(random, CASES);
    for (const name of names.filter(isUsable)) {
      await execute(db.sql, "create schema if not exists %1$I", name);
      await execute(db.sql, "create table %1$I.hostile_table (id int)", name);
    }
    const renaming = (schema: string) => ({
      schema,
      old_name: "hostile_table",
      new_name: "hostile_2",
    });
    return steps(
      names,
      isUsable,
      async ([first, ...rest]) => {
        const answer = await send(
          "rename",
          JSON.stringify({ renames: [first, ...rest].map(renaming) }),
        );
        assertEquals(answer.code, null, JSON.stringify(answer.body));
        // One of them by name, the others by batch.
        const back = await functions.rollback({ table: "hostile_2", schema: first });
        assert(back.verification?.passed);
        assertEquals(back.migrations.map(({ schema_name }) => schema_name), [first]);
        if (rest.length > 0) await takeBack(answer);
      },
      async (name) => {
        const { code } = await send("rename", JSON.stringify(renaming(name)));
        assertEquals(code, isReserved(name) ? "protected_schema" : "invalid_identifier");
      },
    );
  },
);

hostileTest("hostile bodies: a refusal with its code, or what the body says", (t, random) => {
  const { send, takeBack } = t;
  const json = (value: unknown) => JSON.stringify(value);
  const canary = { old_name: "canary", new_name: "canary_2" };
  const bytes = (...values: number[]) => new Uint8Array(values);
  const utf8 = (text: string) => new TextEncoder().encode(text);
  const concatenated = (...parts: Uint8Array[]) => new Uint8Array(parts.flatMap((one) => [...one]));
  const deep = (depth: number) => `{"a":`.repeat(depth) + "1" + "}".repeat(depth);

  const refused: [string, BodyInit, Record<string, string>?][] = [
    ["invalid_json", ""],
    ["invalid_json", " "],
    ["invalid_json", "{"],
    ["invalid_json", json(canary).slice(0, -1)],
    ["invalid_json", json(canary) + json(canary)],
    ["invalid_json", json(canary) + ";"],
    ["invalid_json", json(canary).replace("}", ",}")],
    ["invalid_json", json(canary).replaceAll('"', "'")],
    ["invalid_json", `// comment\n${json(canary)}`],
    ["invalid_json", "\ufeff" + json(canary)],
    ["invalid_json", "old_name=canary&new_name=x"],
    ["invalid_json", "NaN"],
    [
      "invalid_json",
      concatenated(utf8(`{"old_name":"canary","new_name":"`), bytes(0xff), utf8(`"}`)),
    ],
    [
      "invalid_json",
      concatenated(utf8(`{"old_name":"canary","new_name":"`), bytes(0xc0, 0xaf), utf8(`"}`)),
    ],
    [
      "invalid_json",
      concatenated(utf8(`{"old_name":"canary","new_name":"`), bytes(0xed, 0xa0, 0xbd), utf8(`"}`)),
    ],
    [
      "invalid_json",
      bytes(0xff, 0xfe, ...json(canary).split("").flatMap((c) => [c.charCodeAt(0), 0])),
    ],
    ["invalid_json", bytes(0x1f, 0x8b, 0x08, 0x00), { "content-encoding": "gzip" }],
    ["invalid_json", `{"old_name":"canary","new_name":"a\nb"}`],
    ["invalid_request", "null"],
    ["invalid_request", "true"],
    ["invalid_request", "0"],
    ["invalid_request", "1e400"],
    ["invalid_request", '"canary"'],
    ["invalid_request", "[]"],
    ["invalid_request", json([canary])],
    ["invalid_request", "{}"],
    ["invalid_request", deep(1_000)],
    ["invalid_request", deep(100_000)],
    ["invalid_request", "[".repeat(500_000) + "]".repeat(500_000)],
    ["invalid_request", json({ ...canary, notes: JSON.parse(deep(500)) })],
    ["invalid_request", json({ ...canary, dry_run: true })],
    ["invalid_request", json({ ...canary, Mode: "plan" })],
    ["invalid_request", `{"__proto__":{"mode":"plan"},"old_name":"canary","new_name":"x"}`],
    ["invalid_request", `{"constructor":{},"old_name":"canary","new_name":"x"}`],
    ["invalid_request", json({ ...canary, renames: [canary] })],
    ["invalid_request", json({ renames: canary })],
    ["invalid_request", json({ renames: [] })],
    ["invalid_request", json({ renames: [null] })],
    ["invalid_request", json({ renames: [canary, canary] })],
    ["invalid_request", json({ renames: [canary, { old_name: "canary_2", new_name: "x" }] })],
    ["invalid_request", json({ renames: Array(1_001).fill(canary) })],
    ["invalid_request", json({ renames: Array(300_000).fill(0) })],
    ["invalid_request", json({ old_name: "canary", new_name: "canary" })],
    ["invalid_request", json({ old_name: ["canary"], new_name: "x" })],
    ["invalid_request", json({ old_name: { toString: "canary" }, new_name: "x" })],
    ["invalid_request", json({ ...canary, mode: "APPLY" })],
    ["invalid_request", json({ ...canary, mode: ["plan"] })],
    ["invalid_request", json({ ...canary, compatibility_view: "false" })],
    ["invalid_request", json({ ...canary, lock_timeout_ms: "200; drop table canary" })],
    ["invalid_request", `{"old_name":"canary","new_name":"x","lock_timeout_ms":1e999}`],
    ["invalid_request", `{"old_name":"canary","new_name":"x","max_wait_ms":-0.5}`],
    ["invalid_request", json({ ...canary, acknowledge: "all" })],
    ["invalid_request", json({ ...canary, expected_plan_hash: "sha256:'; drop table canary" })],
    ["invalid_request", json({ ...canary, notes: "a\0b" })],
    ["invalid_request", json({ ...canary, notes: "\ud800" })],
    ["invalid_request", json({ ...canary, notes: "x".repeat(10_001) })],
    ["invalid_request", json({ ...canary, acknowledge: ["\ud800"] })],
    ["invalid_identifier", json({ old_name: "canary", new_name: "x".repeat(1_000_000) })],
    ["plan_changed", json({ ...canary, expected_plan_hash: `sha256:${"0".repeat(64)}` })],
    ["protected_schema", json({ ...canary, schema: "pg_catalog" })],
    ["protected_schema", json({ ...canary, new_name: "sys_table_migrations" })],
    ["table_not_found", json({ ...canary, schema: "nowhere" })],
    ["body_too_large", json({ ...canary, notes: "x".repeat(2 * 1_048_576) })],
    ["body_too_large", " ".repeat(2 * 1_048_576) + json(canary)],
    ["body_too_large", json(canary) + " ".repeat(1_048_576)],
    ["unsupported_media_type", json(canary), { "content-type": "text/plain" }],
    ["unsupported_media_type", json(canary), { "content-type": "" }],
    ["unsupported_media_type", json(canary), { "content-type": "application/json5" }],
    ["unsupported_media_type", json(canary), {
      "content-type": "application/x-www-form-urlencoded",
    }],
  ];
  const cases: (() => Promise<void>)[] = refused.map(([code, body, headers]) => async () => {
    assertEquals((await send("rename", body, headers)).code, code);
  });
  // The last of two keys counts, as JSON.parse has it; what the answer says is what happened.
  cases.push(async () => {
    const twice = `{"old_name":"nothing","new_name":"x","old_name":"canary","new_name":"canary_3"}`;
    const answer = await send("rename", twice);
    assertEquals(answer.body.migrations[0].new_name, "canary_3");
    await takeBack(answer);
  });
  while (cases.length < CASES) {
    const valid = oneOf(random, [
      json(canary),
      json({ renames: [{ schema: "public", ...canary }], mode: "apply", notes: "n" }),
      json({ ...canary, mode: "plan", acknowledge: ["x"], max_wait_ms: 0 }),
      json({ table: "canary", schema: "public" }),
    ]);
    const body = mutated(random, valid);
    const endpoint = valid.includes("table") ? "rollback" : "rename";
    cases.push(async () => takeBack(await send(endpoint, body)));
  }
  return Promise.resolve(cases.map((run) => ({ cases: 1, run })));
});

hostileTest(
  "hostile notes, actors, selections and filters: stored as they are, or refused",
  (t, random) => {
    const { db, functions, send, takeBack } = t;
    const run = async (text: string, index: number) => {
      // A header holds no more than printable Latin-1.
      const actor = [...text].filter((c) => c >= " " && c <= "~").join("").slice(0, 100);
      const request = {
        old_name: "canary",
        new_name: `canary_${index}`,
        notes: text,
        acknowledge: [text.slice(0, 100)],
      };
      const answer = await send("rename", JSON.stringify(request), { "x-actor": actor });
      const isStorable = !text.includes("\0") && text.isWellFormed();
      assertEquals(answer.code, isStorable ? null : "invalid_request");
      if (isStorable) {
        const [migration] = answer.body.migrations;
        assertEquals(migration.notes, text);
        assertEquals(migration.migrated_by, `key:default ${actor.trim()}`.trim());
        const [row] = await db.sql`
        select notes, requested_by from sys_table_migrations where id = ${migration.id}`;
        assertEquals([row.notes, row.requested_by], [text, migration.migrated_by]);
        await takeBack(answer);
      }

      const selected = await send("rollback", JSON.stringify({ table: text, schema: text }));
      const isName = isStorableName(text);
      assertEquals(selected.code, isName ? "migration_not_found" : "invalid_identifier");
      const wrong = await send("rollback", JSON.stringify({ migration_id: text }));
      assertEquals(wrong.code, "invalid_request");

      // The URL replaces halves of surrogate pairs by U+FFFD.
      const query = new URLSearchParams({ table: text, schema: text });
      const asRead = query.get("table")!;
      const listed = await answerOf(
        await functions.fetch("list-migrations", { query: `?${query}` }),
      );
      assertEquals(
        listed.code,
        isStorableName(asRead.toWellFormed()) ? null : "invalid_identifier",
      );
      for (const field of ["status", "batch_id", "limit", "cursor", "order"]) {
        const query = `?${new URLSearchParams({ [field]: text })}`;
        const answer = await answerOf(await functions.fetch("list-migrations", { query }));
        if (answer.status === 200) assert(["limit", "cursor"].includes(field), field);
      }
    };
    return Promise.resolve(
      hostileNames(random, CASES).map((text, index) => ({ cases: 1, run: () => run(text, index) })),
    );
  },
);
