/**
 * Texts of the database that are made to keep us busy: read in a moment, where a careless pattern would need
 * years for the first and hours for the others.
 */
import { assert, assertEquals } from "@std/assert";
import { withoutEnd } from "../../shared/dependents/definitions.ts";
import { isOneTimeStatement } from "../../shared/sql/references/table_references.ts";

const MANY = 200_000;

Deno.test("the first word of a statement is found behind any number of comments, or is not there", () => {
  assert(isOneTimeStatement("/* a */ -- b\n /** c **/ create table x ()"));
  assert(!isOneTimeStatement("/* create */ select 1"));
  assert(!isOneTimeStatement("/* create table x"));
  assert(!isOneTimeStatement(`${"/**/".repeat(MANY / 100)}(select 1)`));
  assert(!isOneTimeStatement(`${"/*".repeat(MANY)} create`));
  assert(isOneTimeStatement(`${"/***/ ".repeat(MANY / 100)}drop table x`));
});

Deno.test("the end of a definition is left out, however much white space is within it", () => {
  assertEquals(withoutEnd("select 1 ;\n ; "), "select 1");
  assertEquals(withoutEnd(" ; "), "");
  const long = `select '${" ;".repeat(MANY)}x'`;
  assertEquals(withoutEnd(`${long};\n`), long);
});
