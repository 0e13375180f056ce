/** Which recorded statements the database hands over to be read. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { MAY_MATTER } from "../../shared/catalog/texts/texts.ts";
import type { FindingCode } from "../../shared/contract/findings.ts";
import { RULES } from "../../shared/findings/text_rules.ts";
import { unreadStatements } from "../../shared/findings/database_findings.ts";
import { referencesIn, tableIndex } from "../../shared/sql/references/table_references.ts";
import { column, table } from "../support/catalog/handwritten_facts.ts";

const INDEX = tableIndex(
  [
    table("old", {
      columns: [column("id"), column("name"), column("n", { identity: "d" })],
      constraints: [{ name: "old_pkey", definition: "PRIMARY KEY (id)" }],
      children: ["x"],
    }),
  ],
  new Map(),
  ["make_partition"],
);

/** Codes that recorded statements cannot have: they are about routines, jobs, or texts in other languages. */
const NOT_OF_STATEMENTS: FindingCode[] = [
  "tg_table_name",
  "unparsed_text",
  "cron_mentions",
  "old_name_gone",
];

/** At least one statement for every other code, spelled in ways that a search could miss. */
const EXAMPLES: Partial<Record<FindingCode, string[]>> = {
  on_conflict_on_constraint: [
    "insert into old values ($1) on conflict on\n constraint old_pkey do nothing",
  ],
  merge: ["with x as (select 1) merge\tinto old using x on true when matched then delete"],
  truncate: ["/* a\nb */ -- c\n Truncate old", "do $$ begin truncate old; end $$"],
  copy: ["copy old from stdin"],
  system_columns: ["select old.ctid from old", "select XMAX from old"],
  group_by_primary_key: ["select id, name from old group\nby id"],
  tablesample: ["select 1 from old tablesample system (1)"],
  where_current_of: ["delete from old where current\tof c"],
  set_default: ["update old set (id, n) =\n (1, default)"],
  disable_trigger: ["alter table old disable trigger all"],
  ddl_on_old_name: [
    "create index on old (id)",
    "alter table old add x int",
    "reindex table old",
    "cluster old",
    "comment on table old is 'x'",
    "security label on table old is 'x'",
    "drop table old",
  ],
  ddl_on_view_only: ["alter table old rename to x"],
  create_table_like: ["create temp table x (like old)"],
  privileges_on_old_name: ["grant select on old to x", "revoke all on old from x"],
  maintenance_skipped: ["vacuum old", "analyse old"],
  only: ["select 1 from only old", "update only (old) set id = 1"],
  serial_sequence_lookup: ["select pg_get_serial_sequence('old', 'id')"],
  relation_size: ["select pg_total_relation_size('old')"],
  name_as_argument: ["call make_partition('old')"],
  catalog_lookup: ["select 'old'::regclass", "select row_security_active('old')"],
};

Deno.test("whatever can have a finding is found by the words in it", () => {
  const mayMatter = new RegExp(MAY_MATTER, "is");
  const codes = Object.keys(RULES) as FindingCode[];
  assertEquals(
    codes.filter((code) => !NOT_OF_STATEMENTS.includes(code)).sort(),
    Object.keys(EXAMPLES).sort(),
  );
  for (const [code, examples] of Object.entries(EXAMPLES)) {
    for (const text of examples) {
      const uses = referencesIn({ language: "sql", text, search_path: null, schema: null }, INDEX);
      assert(uses.some((use) => use.code === code), `${code}: ${text}`);
      assert(mayMatter.test(text), `${code}: ${text}`);
    }
  }
});

Deno.test("what an application sends all day is left in the database", () => {
  const mayMatter = new RegExp(MAY_MATTER, "is");
  for (
    const text of [
      "select id, name from old where id = $1 order by name limit $2",
      "insert into old (id, name) values (default, $1) on conflict (id) do update set name = $1",
      "update old set name = $1 where id = $2 returning *",
      "delete from old where id = $1",
      "select * from old fetch first $1 rows only",
    ]
  ) assert(!mayMatter.test(text), text);
});

Deno.test("statements that were not read are reported with both numbers", () => {
  assertEquals(unreadStatements({ read: 7, wanted: 7 }), []);
  const [finding] = unreadStatements({ read: 2_000, wanted: 4_321 });
  assertEquals([finding.code, finding.severity], ["statements_not_read", "warning"]);
  assertStringIncludes(finding.message, "Only 2000 of 4321 recorded statements were read");
});
