/** Names of renamed tables in TypeScript and JavaScript: each form, with the edit that is made. */
import { assert, assertEquals } from "@std/assert";
import { renamedBack, renamedIn } from "../../support/documents/source.ts";

type Case = [before: string, after: string];

/** What is changed, and that the same change backwards gives the same bytes. */
function changed(cases: Case[], file = "src/app.ts"): void {
  for (const [before, after] of cases) {
    const there = renamedIn(before, file);
    assertEquals(there.text, after, before);
    assertEquals(there.possible, [], before);
    const back = renamedBack(there.text, file);
    assertEquals(back.text, before, `and back: ${after}`);
  }
}

/** What is left, and listed as possible with this reason. */
function left(cases: [text: string, reason: string][], file = "src/app.ts"): void {
  for (const [text, reason] of cases) {
    const { text: after, possible } = renamedIn(text, file);
    assertEquals(after, text);
    assertEquals(possible.map(({ reason }) => reason), [reason], text);
  }
}

/** What is no use at all. */
function ignored(cases: string[], file = "src/app.ts"): void {
  for (const text of cases) {
    const { text: after, possible } = renamedIn(text, file);
    assertEquals(after, text);
    assertEquals(possible, [], text);
  }
}

const CLIENT = `import { createClient } from "@supabase/supabase-js";
const db = createClient(url, key);
`;

Deno.test("from() of a Supabase client is changed, wherever the client comes from", () => {
  changed([
    [CLIENT + `db.from("old");`, CLIENT + `db.from("new");`],
    [CLIENT + `const q = db.from('old')`, CLIENT + `const q = db.from('new')`],
    [CLIENT + "db.from(`old`).select()", CLIENT + "db.from(`new`).select()"],
    [CLIENT + `db?.from("old").select("*")`, CLIENT + `db?.from("new").select("*")`],
    [CLIENT + `db!.from("old" as const)`, CLIENT + `db!.from("new" as const)`],
    [CLIENT + `db.schema("public").from("old")`, CLIENT + `db.schema("public").from("new")`],
    [CLIENT + `db.schema("app").from("things")`, CLIENT + `db.schema("app").from("stuff")`],
    [
      `import { createClient } from "@/utils/supabase/server";
export async function load() { const db = await createClient(); return await db.from("old").select("id"); }`,
      `import { createClient } from "@/utils/supabase/server";
export async function load() { const db = await createClient(); return await db.from("new").select("id"); }`,
    ],
    [
      `import { supabase } from "./client"; await supabase.from("old").insert({ a: "old" } as never)`,
      `import { supabase } from "./client"; await supabase.from("new").insert({ a: "old" } as never)`,
    ],
    [
      `import type { SupabaseClient } from "@supabase/supabase-js";
export const f = (db: SupabaseClient<Database>) => db.from("old");`,
      `import type { SupabaseClient } from "@supabase/supabase-js";
export const f = (db: SupabaseClient<Database>) => db.from("new");`,
    ],
    [
      `import { SupabaseClient } from "npm:@supabase/supabase-js@2";
class Repository { constructor(private readonly db: SupabaseClient) {} all() { return this.db.from("old"); } }`,
      `import { SupabaseClient } from "npm:@supabase/supabase-js@2";
class Repository { constructor(private readonly db: SupabaseClient) {} all() { return this.db.from("new"); } }`,
    ],
    [
      `import * as S from "https://esm.sh/@supabase/supabase-js@2"; let db: S.SupabaseClient | null = null; db!.from("old")`,
      `import * as S from "https://esm.sh/@supabase/supabase-js@2"; let db: S.SupabaseClient | null = null; db!.from("new")`,
    ],
    [
      `export const load = async ({ locals: { supabase } }) => supabase.from("old").select()`,
      `export const load = async ({ locals: { supabase } }) => supabase.from("new").select()`,
    ],
    [
      `const supabase = useSupabaseClient(); supabase.from("old")`,
      `const supabase = useSupabaseClient(); supabase.from("new")`,
    ],
    [
      `import { createClient } from "@supabase/supabase-js"; const db = createClient(u, k, { db: { schema: "app" } }); db.from("things"); db.from("old");`,
      `import { createClient } from "@supabase/supabase-js"; const db = createClient(u, k, { db: { schema: "app" } }); db.from("stuff"); db.from("old");`,
    ],
    [
      `import { createServerClient } from "@supabase/ssr"; const options = { db: { schema: "app" } }; createServerClient(u, k, options).from("things")`,
      `import { createServerClient } from "@supabase/ssr"; const options = { db: { schema: "app" } }; createServerClient(u, k, options).from("stuff")`,
    ],
  ]);
});

Deno.test("a constant, a member, an element or a union that holds the name is changed, if it is used for nothing else", () => {
  changed([
    [
      CLIENT + `const TABLE = "old"; db.from(TABLE);`,
      CLIENT + `const TABLE = "new"; db.from(TABLE);`,
    ],
    [
      CLIENT + `const T = { old: "old", b: "b" } as const; db.from(T.old); db.from(T.b)`,
      CLIENT + `const T = { old: "new", b: "b" } as const; db.from(T.old); db.from(T.b)`,
    ],
    [
      CLIENT + `enum T { Old = "old", B = "b" } db.from(T.Old)`,
      CLIENT + `enum T { Old = "new", B = "b" } db.from(T.Old)`,
    ],
    [
      CLIENT + `for (const t of ["old", "b"] as const) await db.from(t).delete()`,
      CLIENT + `for (const t of ["new", "b"] as const) await db.from(t).delete()`,
    ],
    [
      CLIENT + `const ts = ["old", "b"] as const; ts.map((t) => db.from(t).select())`,
      CLIENT + `const ts = ["new", "b"] as const; ts.map((t) => db.from(t).select())`,
    ],
    [
      CLIENT + `function f(t: "old" | "b") { return db.from(t); } f("old"); f("b");`,
      CLIENT + `function f(t: "new" | "b") { return db.from(t); } f("new"); f("b");`,
    ],
    [
      CLIENT + `type T = "old" | "b"; const f = (t: T) => db.from(t); f("old");`,
      CLIENT + `type T = "new" | "b"; const f = (t: T) => db.from(t); f("new");`,
    ],
    [CLIENT + `db.from(x ? "old" : "b")`, CLIENT + `db.from(x ? "new" : "b")`],
  ]);
  left([
    [CLIENT + `const T = "old"; db.from(T); log(T)`, "T is used for something else, too"],
    [
      CLIENT + `export const T = "old"; db.from(T);`,
      "T is exported, and may be used for something else",
    ],
    [CLIENT + `let t = "old"; t = x; db.from(t);`, "t is assigned more than once"],
    [
      CLIENT + `export function f(t: "old" | "b") { return db.from(t); }`,
      "the function may be called from elsewhere",
    ],
    [
      CLIENT + `const T = { old: "old" }; db.from(T.old); log(T)`,
      "T.old is used for something else, too",
    ],
    [
      CLIENT + `const T = "old"; db.from(T); db.storage.from(T).list()`,
      "T is used for something else, too",
    ],
  ]);
});

Deno.test("other methods called from() are not uses", () => {
  ignored([
    CLIENT + `db.storage.from("old").upload("a", b)`,
    CLIENT + `const { storage } = db; storage.from("old").list()`,
    CLIENT + `const bucket = db.storage; bucket.from("old").list()`,
    `Array.from("old"); Buffer.from("old"); Object.entries({ old: 1 })`,
    `import { from } from "rxjs"; import * as R from "rxjs"; R.from("old")`,
    `import x from "./old"; import("./old"); export * from "./old"; require("./old")`,
    `// from("old")\nconst old = 1; /* "old" */`,
    `const text = "an old thing"; const css = "old-style"; const key = "older"; f({ old: 1 }.old)`,
  ]);
});

Deno.test("what may be the table is listed and left", () => {
  const string = "a string that may name the table";
  left([
    [`thing.from("old")`, "it is not clear that this is a Supabase client"],
    [`thing.from("old").update(path, file)`, "it is not clear that this is a Supabase client"],
    [`bucket.from("old").update(x)`, "it is not clear that this is a Supabase client"],
    [`type V = Database["public"]["Views"]["old"]`, "it is the view; the table is in Tables"],
    [`const key = ["old"]`, string],
    [`fetch(\`\${url}/rest/v1/old?select=*\`)`, string],
    [`const x: "old" = y`, string],
    [CLIENT + `db.schema(name).from("old")`, "the schema of the client is not known"],
    [`run("select * from old")`, "a string that looks like SQL"],
  ]);
});

Deno.test("an embedded resource keeps its key in the answer by an alias", () => {
  const select = (columns: string, more = "") =>
    CLIENT + `db.from("b").select("${columns}")${more}`;
  const cases: [string, string][] = [
    ["old(*)", "old:new(*)"],
    ["*,old(*)", "*,old:new(*)"],
    ["id, old ( id , name )", "id, old:new ( id , name )"],
    ["o:old(*)", "o:new(*)"],
    ["o : old(*)", "o : new(*)"],
    ["old!inner(*)", "old:new!inner(*)"],
    ["old!b_old_fkey(*)", "old:new!b_old_fkey(*)"],
    ["old!b_old_fkey!left(id)", "old:new!b_old_fkey!left(id)"],
    ["...old(name)", "...new(name)"],
    ["c(old(c(*)))", "c(old:new(c(*)))"],
    ["old(old(id))", "old:new(old:new(id))"],
    ["c(*, ...old!inner(name, old(id)))", "c(*, ...new!inner(name, old:new(id)))"],
    ["old(count)", "old:new(count)"],
    ["old(id.sum(),data->old->>x,n::text)", "old:new(id.sum(),data->old->>x,n::text)"],
    [
      "a:data->old,old,b::old,old.sum(),count(),old()",
      "a:data->old,old,b::old,old.sum(),count(),old:new()",
    ],
    ["\\n  old (\\n id\\n )", "\\n  old:new (\\n id\\n )"],
  ];
  changed(cases.map(([before, after]) => [select(before), select(after)]));
  changed([
    [select("old!inner(id)", `.eq("old.id", 1)`), select("old:new!inner(id)", `.eq("old.id", 1)`)],
    [
      select("old(id)", `.order("id", { referencedTable: "old" }).or("a.eq.1,old.id.eq.2")`),
      select("old:new(id)", `.order("id", { referencedTable: "old" }).or("a.eq.1,old.id.eq.2")`),
    ],
    [
      CLIENT + "db.from('old').select(`\n    id,\n    parent:old!fk(id),\n    ${more}\n  `)",
      CLIENT + "db.from('new').select(`\n    id,\n    parent:new!fk(id),\n    ${more}\n  `)",
    ],
    [
      CLIENT + `const COLUMNS = "id," + "old(*)"; db.from("b").select(COLUMNS)`,
      CLIENT + `const COLUMNS = "id," + "old:new(*)"; db.from("b").select(COLUMNS)`,
    ],
    [
      CLIENT + `db.from("b").insert(row).select(["id", "old(*)"].join(",")).single()`,
      CLIENT + `db.from("b").insert(row).select(["id", "old:new(*)"].join(",")).single()`,
    ],
    [
      CLIENT + `let q = db.from("b"); q = q.eq("x", 1); const r = await q.select("old(*)")`,
      CLIENT + `let q = db.from("b"); q = q.eq("x", 1); const r = await q.select("old:new(*)")`,
    ],
    [
      CLIENT + `db.rpc("f").select("old(*)")`,
      CLIENT + `db.rpc("f").select("old:new(*)")`,
    ],
    [
      CLIENT + `db.schema("app").from("b").select("things(*), old(*)")`,
      CLIENT + `db.schema("app").from("b").select("things:stuff(*), old(*)")`,
    ],
  ]);
  left([
    [
      select("id,...old(name)", `.eq("old.id", 1)`),
      "a filter names it, and what is spread can have no alias",
    ],
    [select("c!old(*)"), "a hint can be a table, a column or a constraint"],
    [`thing.select("old(*)")`, "it is not clear that this is a Supabase query"],
  ]);
});

Deno.test("Realtime and generated types are changed", () => {
  changed([
    [
      `channel.on("postgres_changes", { event: "*", schema: "public", table: "old" }, f)`,
      `channel.on("postgres_changes", { event: "*", schema: "public", table: "new" }, f)`,
    ],
    [
      `channel.on("postgres_changes" as any, { event: "*", schema: "app", table: 'things', filter: "id=eq.1" }, f)`,
      `channel.on("postgres_changes" as any, { event: "*", schema: "app", table: 'stuff', filter: "id=eq.1" }, f)`,
    ],
    [
      `import type { Tables, TablesInsert as Insert } from "./database.types"; type A = Tables<"old">; type B = Insert<"old">;`,
      `import type { Tables, TablesInsert as Insert } from "./database.types"; type A = Tables<"new">; type B = Insert<"new">;`,
    ],
    [
      `type A = TablesUpdate<"old" | "b">; type B = Tables<{ schema: "app" }, "things">`,
      `type A = TablesUpdate<"new" | "b">; type B = Tables<{ schema: "app" }, "stuff">`,
    ],
    [
      `type R = Database["public"]["Tables"]["old"]["Row"]; type V = Database['public']['Tables']['old']`,
      `type R = Database["public"]["Tables"]["new"]["Row"]; type V = Database['public']['Tables']['new']`,
    ],
    [
      `type P = Database["public"]["Tables"]; let x: P["old"]["Insert"]; type S = Database["app"]; let y: S["Tables"]["things"]`,
      `type P = Database["public"]["Tables"]; let x: P["new"]["Insert"]; type S = Database["app"]; let y: S["Tables"]["stuff"]`,
    ],
  ]);
  const unknown = "the schema of the client is not known";
  left([
    [`channel.on("postgres_changes", { event: "*", table: "old" }, f)`, unknown],
    [`channel.on("postgres_changes", { event: "*", schema: "*", table: "old" }, f)`, unknown],
  ]);
  ignored([
    `type R = Database["other"]["Tables"]["old"]`,
    `channel.on("postgres_changes", { event: "*", schema: "other", table: "old" }, f)`,
  ]);
});

Deno.test("table definitions and queries of drizzle, kysely, knex, TypeORM and MikroORM are changed", () => {
  changed([
    [
      `import { pgTable, pgSchema } from "drizzle-orm/pg-core"; export const a = pgTable("old", {}); const s = pgSchema("app"); s.table("things", {})`,
      `import { pgTable, pgSchema } from "drizzle-orm/pg-core"; export const a = pgTable("new", {}); const s = pgSchema("app"); s.table("stuff", {})`,
    ],
    [
      `import { Kysely } from "kysely"; interface DB { old: Old; b: B } const db = new Kysely<DB>({}); db.selectFrom("old").innerJoin("b", "b.id", "old.b").select(["old.id"]).where("old.x", "=", 1)`,
      `import { Kysely } from "kysely"; interface DB { new: Old; b: B } const db = new Kysely<DB>({}); db.selectFrom("new").innerJoin("b", "b.id", "new.b").select(["new.id"]).where("new.x", "=", 1)`,
    ],
    [
      `import type { Kysely } from "kysely"; import { DB } from "./db"; export const f = (db: Kysely<DB>) => db.insertInto("old").values(v)`,
      `import type { Kysely } from "kysely"; import { DB } from "./db"; export const f = (db: Kysely<DB>) => db.insertInto("new").values(v)`,
    ],
    [
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.selectFrom("old as o").select("o.id"); db.withSchema("app").selectFrom("things"); db.deleteFrom("app.things")`,
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.selectFrom("new as o").select("o.id"); db.withSchema("app").selectFrom("stuff"); db.deleteFrom("app.stuff")`,
    ],
    [
      `import knex from "knex"; const db = knex({}); db("old").where("old.id", 1); db.from("b").join("old as o", "o.id", "b.old")`,
      `import knex from "knex"; const db = knex({}); db("new").where("new.id", 1); db.from("b").join("new as o", "o.id", "b.old")`,
    ],
    [
      `import { Entity, JoinTable } from "typeorm"; @Entity("old") class A { @JoinTable({ name: "old" }) b } @Entity({ name: "things", schema: "app" }) class C {}`,
      `import { Entity, JoinTable } from "typeorm"; @Entity("new") class A { @JoinTable({ name: "new" }) b } @Entity({ name: "stuff", schema: "app" }) class C {}`,
    ],
  ]);
  changed([
    [
      `import { Entity } from "@mikro-orm/core"; @Entity({ tableName: "old" }) class A {} @Entity({ tableName: "things", schema: "app" }) class B {}`,
      `import { Entity } from "@mikro-orm/core"; @Entity({ tableName: "new" }) class A {} @Entity({ tableName: "stuff", schema: "app" }) class B {}`,
    ],
    [
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.selectFrom(["old", "b"]).select("old.id")`,
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.selectFrom(["new", "b"]).select("new.id")`,
    ],
    [
      `import knex from "knex"; const db = knex({}); db.insert(x).into("old"); db({ o: "old" }).where("o.id", 1); db.withSchema("app").from("things")`,
      `import knex from "knex"; const db = knex({}); db.insert(x).into("new"); db({ o: "new" }).where("o.id", 1); db.withSchema("app").from("stuff")`,
    ],
  ]);
  const unclear = "old.column is said in a way that is not understood";
  const KNEX = `import knex from "knex"; const db = knex({}); `;
  for (
    const text of [
      KNEX + `db("old").where("file", "=", "old.csv")`,
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.selectFrom("old").selectAll("old")`,
      KNEX + `const f = (q) => q.where("old.id", 1); db("old").modify(f)`,
    ]
  ) {
    const { text: after, possible } = renamedIn(text, "a.ts");
    assertEquals(after, text);
    assert(possible.some(({ reason }) => reason === unclear), text);
  }
  ignored([KNEX + `db.schema.createView("b")`]);
});

Deno.test("a query of another library that begins like one of supabase-js is left", () => {
  const text = `import { db } from "./knex"; db.from("old").select("old.id").where("old.id", 1)`;
  const { text: after, possible } = renamedIn(text, "a.ts");
  assertEquals(after, text);
  assertEquals(possible.length, 2);
});

Deno.test("SQL in tagged templates and in strings for PostgreSQL is changed", () => {
  changed([
    [
      "import postgres from 'postgres'; const sql = postgres(url); await sql`select old.id from old where old.id = ${id} and name = ${n}`",
      "import postgres from 'postgres'; const sql = postgres(url); await sql`select new.id from new where new.id = ${id} and name = ${n}`",
    ],
    [
      `import { Pool } from "pg"; const pool = new Pool(); pool.query("select * from \\"old\\" where id = $1", [1]); pool.query({ text: 'delete from old' })`,
      `import { Pool } from "pg"; const pool = new Pool(); pool.query("select * from \\"new\\" where id = $1", [1]); pool.query({ text: 'delete from new' })`,
    ],
    [
      `import pg from "pg"; const c = new pg.Client(); const q = "select *\\n" + "from app.things t"; c.query(q)`,
      `import pg from "pg"; const c = new pg.Client(); const q = "select *\\n" + "from app.stuff t"; c.query(q)`,
    ],
    [
      "import { sql } from 'kysely'; sql`insert into old (id) values (${1}) returning old.id`.execute(db)",
      "import { sql } from 'kysely'; sql`insert into new (id) values (${1}) returning new.id`.execute(db)",
    ],
    [
      "import { sql } from 'drizzle-orm'; db.execute(sql`select row_to_json(old) from old`)",
      "import { sql } from 'drizzle-orm'; db.execute(sql`select row_to_json(old) from new as old`)",
    ],
    [
      "import { PrismaClient } from '@prisma/client'; const p = new PrismaClient(); p.$queryRaw`select 1 from old`",
      "import { PrismaClient } from '@prisma/client'; const p = new PrismaClient(); p.$queryRaw`select 1 from new`",
    ],
  ]);
  left([
    [
      `import { db } from "./db"; db.query("select * from old")`,
      "it is not clear that this is a client of PostgreSQL",
    ],
    ["const x = sql`from old`", "it is a part of a statement"],
    ["const x = sql`${w} select * from old`", "it is a part of a statement"],
    [
      `import Database from "better-sqlite3"; new Database("x").exec("select * from old")`,
      "it is not clear that this is a client of PostgreSQL",
    ],
  ]);
  ignored([
    "sql`select * from old_things where ${x}.old = 'an old one'`",
    "sql`select ${x} from ${y}.old`",
  ]);
});

Deno.test("scripts of components are read in place", () => {
  changed([[
    `<template><a href="x">old</a></template>\r\n<script setup lang="ts">\r\nconst db = useSupabaseClient()\r\nawait db.from('old').select()\r\n</script>\r\n<style>.old{}</style>`,
    `<template><a href="x">old</a></template>\r\n<script setup lang="ts">\r\nconst db = useSupabaseClient()\r\nawait db.from('new').select()\r\n</script>\r\n<style>.old{}</style>`,
  ]], "App.vue");
  changed([[
    `<!-- <script>db.from("old").select()</script> --><script lang="ts">import { db } from "./db"; db.from("old").select()</script>{#if old}{/if}`,
    `<!-- <script>db.from("old").select()</script> --><script lang="ts">import { db } from "./db"; db.from("new").select()</script>{#if old}{/if}`,
  ]], "App.svelte");
  changed([[
    `---\nimport { db } from "../db";\nconst { data } = await db.from("old").select();\n---\n<p>old</p>`,
    `---\nimport { db } from "../db";\nconst { data } = await db.from("new").select();\n---\n<p>old</p>`,
  ]], "index.astro");
  changed([[
    `import { db } from "./db"; export const A = <T,>(p: T) => <b title="x">{db.from("old").select()}</b>`,
    `import { db } from "./db"; export const A = <T,>(p: T) => <b title="x">{db.from("new").select()}</b>`,
  ]], "a.tsx");
});

Deno.test("BOM, line ends and everything else stay", () => {
  changed([[
    "\uFEFF" + CLIENT.replaceAll("\n", "\r\n") + `db.from( /* a */ "old" /* b */ )\r\n\t\r\n`,
    "\uFEFF" + CLIENT.replaceAll("\n", "\r\n") + `db.from( /* a */ "new" /* b */ )\r\n\t\r\n`,
  ]]);
});

Deno.test("a file that is not parsed, or only with errors, is never changed", () => {
  left([
    [`db.from("old").select(`, "the file cannot be parsed"],
    [CLIENT + `db.from("old"); x = { __proto__: 1, __proto__: 2 };`, "the file has errors"],
  ]);
});

Deno.test("a comment says that a line has no use", () => {
  ignored([
    `const a = "old"; // find-uses-ignore`,
    `// find-uses-ignore: a label\nconst a = "old";`,
  ]);
});

Deno.test("a constant for tables of two schemas is left, of which one table is renamed", () => {
  left([
    [
      CLIENT + `const T = "old"; db.from(T); db.schema("app").from(T);`,
      "it is used for different tables",
    ],
    [
      CLIENT + `const T = "old"; db.schema("app").from(T); db.from(T);`,
      "it is used for different tables",
    ],
  ]);
  ignored([CLIENT + `const T = "old"; db.schema("app").from(T);`]);
});

Deno.test("the schema of a client goes with it", () => {
  changed([
    [
      CLIENT +
      `const app = db.schema("app"); app.from("things").select(); app.from("old").select();`,
      CLIENT +
      `const app = db.schema("app"); app.from("stuff").select(); app.from("old").select();`,
    ],
    [
      `import { db } from "./db"; const app = db.schema("app"); app.from("things").select("old(*)")`,
      `import { db } from "./db"; const app = db.schema("app"); app.from("stuff").select("old(*)")`,
    ],
    [
      `import type { SupabaseClient } from "@supabase/supabase-js"; const f = (db: SupabaseClient<D, "app">) => db.from("things")`,
      `import type { SupabaseClient } from "@supabase/supabase-js"; const f = (db: SupabaseClient<D, "app">) => db.from("stuff")`,
    ],
  ]);
});

Deno.test("a transaction is a client, too", () => {
  changed([
    [
      "import postgres from 'postgres'; const sql = postgres(); sql.begin(async (tx) => { await tx`delete from old` })",
      "import postgres from 'postgres'; const sql = postgres(); sql.begin(async (tx) => { await tx`delete from new` })",
    ],
    [
      "import { sql } from './db'; await sql.begin(async (tx) => { await tx`delete from old`; await tx.unsafe('table old'); })",
      "import { sql } from './db'; await sql.begin(async (tx) => { await tx`delete from new`; await tx.unsafe('table new'); })",
    ],
    [
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.transaction().execute(async (trx) => trx.deleteFrom("old").execute())`,
      `import { Kysely } from "kysely"; const db = new Kysely({}); db.transaction().execute(async (trx) => trx.deleteFrom("new").execute())`,
    ],
  ]);
});
