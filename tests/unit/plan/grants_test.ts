import type { AclEntry } from "../../../shared/facts/privileges.ts";
import { assert, assertEquals, assertFalse } from "@std/assert";
import type { RelationFacts } from "../../../shared/facts/facts.ts";
import { grantStatements } from "../../../shared/plan/view/grants.ts";
import { column, frozen, grant, table } from "../../support/catalog/handwritten_facts.ts";

const plan = (more: Partial<RelationFacts>, viewOwner = "postgres") =>
  grantStatements(frozen(table("experts", { acl: [], ...more })), '"public"."experts"', viewOwner);

Deno.test("what a view is born with is revoked before anything is granted", () => {
  assertEquals(plan({ default_grantees: ["anon", "service_role"] }).statements, [
    `revoke all on table "public"."experts" from public, "anon", "service_role", "postgres"`,
  ]);
});

Deno.test("the owner's own privileges are replayed too, since an owner can have given some away", () => {
  const { statements } = plan({ acl: [grant("postgres", "SELECT"), grant("postgres", "INSERT")] });
  assertEquals(statements.slice(1), [
    `grant select, insert on table "public"."experts" to "postgres"`,
  ]);
});

Deno.test("whoever owns the view in the table owner's stead keeps what an owner has", () => {
  const more = { owner: "app", default_grantees: ["postgres", "anon"] };
  assertEquals(
    plan(more, "postgres").statements[0],
    `revoke all on table "public"."experts" from public, "anon", "app"`,
  );
  assertEquals(
    plan(more, "app").statements[0],
    `revoke all on table "public"."experts" from public, "postgres", "anon", "app"`,
  );
});

Deno.test("neighbours that differ in the grantee only become one statement", () => {
  const acl = ["anon", "authenticated", "service_role"].flatMap((role) => [
    grant(role, "SELECT"),
    grant(role, "INSERT"),
  ]);
  assertEquals(plan({ acl: [...acl, grant(null, "SELECT")] }).statements.slice(1), [
    `grant select, insert on table "public"."experts" to "anon", "authenticated", "service_role"`,
    `grant select on table "public"."experts" to public`,
  ]);
});

Deno.test("a role called public is not PUBLIC", () => {
  const { statements } = plan({ acl: [grant("public", "SELECT"), grant(null, "INSERT")] });
  assertEquals(statements.slice(1), [
    `grant select on table "public"."experts" to "public"`,
    `grant insert on table "public"."experts" to public`,
  ]);
});

Deno.test("grant options are kept, for exactly the privileges that have them", () => {
  const acl = [grant("app", "SELECT", { grantable: true }), grant("app", "UPDATE")];
  assertEquals(plan({ acl }).statements.slice(1), [
    `grant select on table "public"."experts" to "app" with grant option`,
    `grant update on table "public"."experts" to "app"`,
  ]);
});

Deno.test("column privileges are granted column by column, whatever the column is called", () => {
  const columns = [
    column("id", { acl: [grant("anon", "SELECT"), grant("anon", "UPDATE")] }),
    column('na"me', { acl: [grant("anon", "SELECT")] }),
  ];
  assertEquals(plan({ columns }).statements.slice(1), [
    `grant select ("id"), update ("id") on table "public"."experts" to "anon"`,
    `grant select ("na""me") on table "public"."experts" to "anon"`,
  ]);
});

Deno.test("a grantor grants under its own role, once it has received what it passes on", () => {
  const by = (grantor: string, grantee: string, more: Partial<AclEntry> = {}) =>
    grant(grantee, "SELECT", { grantor, ...more });
  // In the worst order: each entry before the one that its grantor needs.
  const acl = [
    by("b", "c"),
    by("a", "b", { grantable: true }),
    by("postgres", "a", { grantable: true }),
  ];
  assertEquals(plan({ acl }).statements.slice(1), [
    `grant select on table "public"."experts" to "a" with grant option`,
    `set local role "a"`,
    `grant select on table "public"."experts" to "b" with grant option`,
    "reset role",
    `set local role "b"`,
    `grant select on table "public"."experts" to "c"`,
    "reset role",
  ]);
});

Deno.test("the right to grant is looked at privilege by privilege, on the table or on the column", () => {
  const by = (grantor: string, grantee: string, privilege: string, grantable = false) =>
    grant(grantee, privilege, { grantor, grantable });
  // a may pass SELECT on from the start, INSERT only once b has passed it on.
  const acl = [
    by("a", "c", "INSERT"),
    by("a", "c", "SELECT"),
    by("b", "a", "INSERT", true),
    by("postgres", "a", "SELECT", true),
    by("postgres", "b", "INSERT", true),
  ];
  const columns = [column("id", { acl: [by("a", "d", "SELECT")] })];
  const { statements } = plan({ acl, columns });
  const place = (statement: string) => {
    const at = statements.findIndex((one) => one.startsWith(statement));
    assert(at >= 0, `${statement} is not in\n${statements.join("\n")}`);
    return at;
  };
  const table = `on table "public"."experts"`;
  assert(place(`grant insert ${table} to "a"`) < place(`grant insert ${table} to "c"`));
  assert(place(`grant select ${table} to "a"`) < place(`grant select ${table} to "c"`));
  assert(place(`grant select ${table} to "a"`) < place(`grant select ("id") ${table} to "d"`));
});

Deno.test("every change of role is taken back at once", () => {
  const acl = ["a", "b", "c"].map((grantor) => grant("anon", "SELECT", { grantor }));
  const { statements } = plan({ acl });
  let elsewhere = false;
  for (const statement of statements) {
    if (statement.startsWith("set local role")) {
      assertFalse(elsewhere);
      elsewhere = true;
    } else if (statement === "reset role") {
      assert(elsewhere);
      elsewhere = false;
    }
  }
  assertFalse(elsewhere);
  assertEquals(statements.filter((one) => one.startsWith("grant")).length, 3);
});

Deno.test("where this role cannot act for a grantor, the owner grants, and the grantor is reported", () => {
  const foreign = grant("anon", "SELECT", { grantor: "app", grantor_settable: false });
  const { statements, replaced } = plan({ acl: [foreign, grant("anon", "INSERT")] });
  assertEquals(statements.slice(1), [
    `grant select, insert on table "public"."experts" to "anon"`,
  ]);
  assertEquals(replaced.map(({ grantor }) => grantor), ["app"]);
});

Deno.test("privileges that nobody can be said to have granted first are still granted", () => {
  // Left by a role that lost its grant option: no order makes it valid on paper.
  const acl = [grant("anon", "SELECT", { grantor: "a" }), grant("x", "SELECT", { grantor: "b" })];
  const { statements } = plan({ acl });
  assertEquals(statements.filter((one) => one.startsWith("grant")).length, 2);
});

Deno.test("a hostile role name stays one identifier", () => {
  const { statements } = plan({ acl: [grant('x"; drop table canary; --', "SELECT")] });
  assertEquals(statements.slice(1), [
    `grant select on table "public"."experts" to "x""; drop table canary; --"`,
  ]);
});

Deno.test("a session of another role grants as the owner, not as whichever of its roles could", () => {
  const acl = [
    grant("authenticated", "SELECT", { grantable: true }),
    grant("anon", "SELECT", { grantor: "authenticated" }),
  ];
  const facts = frozen(table("experts", { acl }));
  const statements = (sessionUser: string) =>
    grantStatements(facts, '"public"."experts"', "postgres", { sessionUser }).statements;
  const own = statements("postgres");
  assertEquals(statements("renamer"), [
    'set local role "postgres"',
    ...own.slice(0, 2),
    "reset role",
    ...own.slice(2),
  ]);
  assertEquals(own.slice(2), [
    'set local role "authenticated"',
    'grant select on table "public"."experts" to "anon"',
    "reset role",
  ]);
});
