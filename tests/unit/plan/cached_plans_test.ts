/** Which PL/pgSQL routines keep rows of a table, so that sessions have to compile them again after a rename. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import type { TextFacts } from "../../../shared/facts/facts.ts";
import { readTexts } from "../../../shared/findings/text_findings.ts";
import { migrationFileStatements } from "../../../shared/plan/migration_file.ts";
import { recompile, routinesWithCachedPlans } from "../../../shared/plan/cached_plans.ts";
import { column, table } from "../../support/catalog/handwritten_facts.ts";
import { routineText } from "../../support/text_facts.ts";

const ORDERS = table("orders", { oid: 1, schema: "t1", columns: [column("id"), column("a")] });
const SELF_NAMED = table("tag", { oid: 2, schema: "t1", columns: [column("tag")] });

const routine = (text: string, more: Partial<TextFacts> = {}): TextFacts =>
  routineText({ identity: "t1.f()", schema: "t1", language: "plpgsql", text, ...more });

function isWarm(
  text: string,
  more: Partial<TextFacts> = {},
  same_named_relations: [string, string][] = [],
): boolean {
  const tables = [ORDERS, SELF_NAMED];
  return routinesWithCachedPlans(
    readTexts(
      { texts: [routine(text, more)], dynamic_sql_routines: [], same_named_relations },
      tables,
    ),
    tables,
  )
    .length > 0;
}

const declaring = (declaration: string, body = "null;") =>
  `declare ${declaration}; begin ${body} end`;

/** A body with a variable of the type record. */
const recording = (body: string) => declaring("r record", body);

Deno.test("a routine with a variable of the row type is compiled again", () => {
  for (
    const declaration of [
      "v orders",
      "v t1.orders",
      'v "orders" := null',
      "v constant orders%rowtype",
      "a int; v orders[]",
      "c cursor (v orders) for select 1",
    ]
  ) assertEquals(isWarm(declaring(declaration)), true, declaration);
});

Deno.test("a routine that puts whole rows into a record is compiled again", () => {
  for (
    const body of [
      "select o into r from orders o;",
      "for r in select orders as x from orders loop null; end loop;",
      "select (select o from t1.orders o limit 1) as w into r;",
      "for r in select array_agg(o.*) from orders o loop null; end loop;",
      "select null::orders as w into r;",
      "select cast(row(1, 2) as orders) as w into r;",
      "insert into orders values (1) returning orders into r;",
      "execute 'select o from t1.orders o' into r;",
    ]
  ) {
    assertEquals(isWarm(recording(body)), true, body);
    // There is nothing that would keep them.
    assertEquals(isWarm(declaring("n int", body)), false, body);
    assertEquals(isWarm(declaring("n int", body), { record_parameters: true }), true, body);
  }
});

Deno.test("a routine that keeps no row of the table is left alone", () => {
  for (
    const body of [
      "select * into r from orders;",
      "select o.* into r from orders o;",
      "select o.*, 1 as more into r from orders o where o.id = 1;",
      "for r in select id, a from orders loop null; end loop;",
      "update orders set a = 1 where orders.id = 2;",
      "insert into orders select 1 returning id into r;",
      "select tag into r from tag;",
      "raise notice 'orders'; -- v orders",
    ]
  ) assertEquals(isWarm(recording(body)), false, body);
  for (const declaration of ["v orders.id%type", "v t1.orders.a%type", "orders int"]) {
    assertEquals(isWarm(declaring(declaration, "delete from orders;")), false, declaration);
  }
  assertEquals(isWarm("select orders from orders", { language: "sql" }), false);
});

Deno.test("a text that cannot be read to its end may keep anything", () => {
  assertEquals(isWarm("begin perform 1 from orders where (id = 1; end"), true);
  assertEquals(isWarm("begin perform 1 from others where (id = 1; end"), false);
});

Deno.test("only a routine whose text can mean the table is compiled again", () => {
  const both: [string, string][] = [["t1", "orders"], ["t2", "orders"]];
  const cases: [text: string, more: Partial<TextFacts>, warm: boolean][] = [
    ["v t2.orders", {}, false],
    ["v t2.orders", { schema: "t2" }, false],
    ["v t1.orders", { schema: "t2" }, true],
    ["v orders", {}, true],
    // Beside a table of the name it means that one.
    ["v orders", { schema: "t2" }, false],
    // Beside none it means whatever its caller's path has.
    ["v orders", { schema: "public" }, true],
    ["v orders", { schema: "t3" }, true],
    ["v orders", { schema: "t2", search_path: ["t1"] }, true],
    ["v orders", { schema: "t2", search_path: ["t2", "t1"] }, false],
    ["v orders", { schema: "t2", search_path: ["t3", "t1", "t2"] }, true],
    ["v orders", { search_path: ["t2"] }, false],
    ["v orders", { search_path: [] }, false],
  ];
  for (const [declaration, more, warm] of cases) {
    const text = declaring(declaration);
    assertEquals(isWarm(text, more, both), warm, JSON.stringify([declaration, more]));
  }
});

Deno.test("in a migration file a routine that is not there is passed by", () => {
  const routines = [routine("", { identity: 't1.f("x$compile$y")' })];
  const beforeLocks = recompile(routines);
  const sql = migrationFileStatements({ preparations: [], beforeLocks, locks: [], changes: [] }, {
    about: [],
    lockTimeoutMs: 1,
    maxWaitMs: 1,
    tracking: [],
  }).join(";\n");
  assertStringIncludes(sql, 'alter routine t1.f("x$compile$y") security invoker;');
  assertStringIncludes(sql, "invalid_schema_name or undefined_function or undefined_object");
  assertStringIncludes(sql, "do $compile1$");
});
