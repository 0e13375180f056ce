/** The analysis and its findings, made from facts alone. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { analyzeTables } from "../../../shared/findings/analysis.ts";
import { dataApiFindings } from "../../../shared/findings/data_api_findings.ts";
import type { RelationFacts, TextFacts } from "../../../shared/facts/facts.ts";
import { eventTriggerFindings } from "../../../shared/findings/database_findings.ts";
import { objectFindings } from "../../../shared/findings/object_findings.ts";
import {
  factsOf,
  frozen,
  grant,
  rowTypeUser,
  table,
} from "../../support/catalog/handwritten_facts.ts";

const experts = (more: Partial<RelationFacts> = {}) => table("experts", more);

/** Facts on which every finding about objects is made. */
const CONCERNED: Partial<RelationFacts> = {
  constraints: [{ name: "experts_pkey", definition: "PRIMARY KEY (id)" }],
  publications: [{ name: "supabase_realtime", definition: "table" }],
  trigger_functions: [{
    trigger: "tell",
    function: "supabase_functions.http_request()",
    schema: "supabase_functions",
    name: "http_request",
    enabled: true,
    names_table: false,
  }],
  computed_relationships: [{
    function: "public.reviews_of(public.experts)",
    schema: "public",
    name: "reviews_of",
    returns: "public.reviews",
    set: true,
    rows: 1000,
  }],
  foreign_tables: [{
    identity: "remote.experts",
    server: "here",
    roles: ["postgres"],
    updatable: true,
  }],
  subscriptions: ["feed"],
  partition_access: [{ role: "anon", privileges: ["SELECT"], row_security: false, beyond: true }],
  media_handlers: [{ aggregate: "public.listed(public.experts)", media_type: "application/vnd.x" }],
  self_embeddings: [{ constraint: "experts_parent_fkey", column: "parent_id", references: "id" }],
  join_table_pairs: [{
    one: { oid: 1, schema: "public", table: "posts" },
    other: { oid: 2, schema: "public", table: "tags" },
    overridden: [false, false],
    direct_keys: 0,
    junctions: [{ oid: 16_400, primary_key: [1, 2], ways: 1, listed: true, readers: [] }],
  }],
};

const DATA_API_CODES = [
  "computed_relationships",
  "partition_exposed",
  "media_type_handlers",
  "ambiguous_many_to_many",
  "ambiguous_self_reference",
];

const CODES = [
  "webhook_payload",
  "graphql",
  "foreign_table_users",
  "subscription_target",
];

const text = (more: Partial<TextFacts>): TextFacts => ({
  kind: "routine",
  identity: "public.f()",
  schema: "public",
  language: "plpgsql",
  text: "begin perform 1 from experts; end",
  search_path: null,
  owned: true,
  security_definer: false,
  parameters: [],
  record_parameters: false,
  trigger_of: [],
  calls: null,
  role: null,
  object_identity: "public.f()",
  ...more,
});

Deno.test("an analysis is made from facts alone, and leaves them as they are", () => {
  const identity = "public.reviews_of(public.experts)";
  const of = experts({
    ...CONCERNED,
    dependants: [{ kind: "function", identity, on_row_type: true, takes_row: true }],
  });
  const facts = frozen({ ...factsOf([of]), graphql: true, texts: [text({})] });
  const [analysis] = analyzeTables(facts.relations, facts);
  assertEquals(
    analysis.findings.map(({ code }) => code).sort(),
    [
      ...CODES,
      ...DATA_API_CODES,
      "realtime_publication",
    ].sort(),
  );
  assertEquals(analysis.dependants.webhooks.map(({ name }) => name), ["tell"]);
  assertEquals(analysis.dependants.triggers, []);
  assertEquals(analysis.dependants.graphql.map(({ effect }) => effect), ["changes"]);
  assertEquals(analysis.dependants.functions.map(({ name, effect }) => [name, effect]), [
    ["public.f()", "works_through_view"],
    // Though the cast would have it work in SQL.
    [identity, "breaks"],
  ]);
  assertEquals(analysis.dependants.subscriptions.map(({ effect }) => effect), ["breaks"]);
  assertEquals(
    analysis.dependants.foreign_tables.map(({ detail }) => detail),
    ["It refers to the table through the server here, for postgres; some updates and deletes fail."],
  );
});

Deno.test("every finding names the table and says the next step, with a new name or without", () => {
  const of = experts(CONCERNED);
  const facts = { ...factsOf([of]), graphql: true };
  for (const newName of [null, "people"]) {
    for (const hasView of [true, false]) {
      const findings = [
        ...objectFindings(of, facts, { newName, hasView }),
        ...dataApiFindings(of, { newName, hasView }),
      ];
      // Without a view the Data API finds nothing under the old name.
      const expected = hasView ? [...CODES, ...DATA_API_CODES] : CODES;
      assertEquals(findings.map(({ code }) => code), expected);
      for (const { object, message, remedy } of findings) {
        assertEquals(object, '"public"."experts"');
        assert(message.length > 20 && remedy.length > 20);
        assert(!/null|undefined/.test(message + remedy), message);
        assertEquals(message.includes("people") && newName === null, false, message);
      }
      const [{ message }] = findings;
      assertStringIncludes(message, newName === null ? "the new name" : '"people"');
    }
  }
  assertEquals(
    objectFindings(experts(), facts, { newName: null, hasView: true }),
    [],
  );
});

Deno.test("each kind is there, if only as an empty list", () => {
  const facts = factsOf([experts({ acl: [] })]);
  const [{ dependants }] = analyzeTables(facts.relations, facts);
  assertEquals(Object.values(dependants).flat(), []);
  for (
    const kind of [
      ...["foreign_keys", "referenced_by", "constraints", "indexes", "triggers", "policies"],
      ...["rules", "statistics", "publications", "sequences", "partitions", "parents", "views"],
      ...["materialized_views", "functions", "policies_elsewhere", "others", "trigger_functions"],
      ...["webhooks", "grants", "comments", "security_labels", "foreign_tables", "subscriptions"],
      ...["event_triggers", "cron_jobs", "statements", "graphql"],
    ]
  ) assertEquals(dependants[kind], [], kind);
});

Deno.test("grants are listed by who has them, of the whole table and of columns", () => {
  const of = experts({
    acl: [
      grant("anon", "SELECT"),
      grant(null, "INSERT"),
      grant("anon", "SELECT", { grantor: "x" }),
    ],
  });
  of.columns[0].acl.push(grant("anon", "UPDATE"));
  const facts = factsOf([of]);
  const [{ dependants }] = analyzeTables(facts.relations, facts);
  assertEquals(dependants.grants.map(({ name, effect, detail }) => [name, effect, detail]), [
    ["PUBLIC", "handled", "INSERT."],
    ["anon", "handled", "SELECT, UPDATE (id)."],
  ]);
});

Deno.test("a function that takes rows is served by the cast, unless that would be ambiguous or cannot be made", () => {
  const identity = "public.title(public.experts)";
  const of = (ambiguous: boolean) =>
    experts({
      dependants: [{ kind: "function", identity, on_row_type: true, takes_row: true }],
      row_type: {
        users: [rowTypeUser(identity, { ambiguous })],
        inherited_functions: [],
        casts: [],
      },
    });
  const effect = (relation: RelationFacts, sqlFunctions = true) => {
    const facts = factsOf([relation]);
    facts.session.sql_functions = sqlFunctions;
    return analyzeTables(facts.relations, facts)[0].dependants.functions
      .map(({ name, effect }) => [name, effect]);
  };
  assertEquals(effect(of(false)), [[identity, "handled"]]);
  assertEquals(effect(of(true)), [[identity, "breaks"]]);
  assertEquals(effect(of(false), false), [[identity, "breaks"]]);
});

Deno.test("a function that stands on the table and names it is listed once, with the graver effect", () => {
  const of = experts({
    dependants: [{
      kind: "function",
      identity: "public.f()",
      on_row_type: true,
      takes_row: false,
    }],
  });
  const facts = { ...factsOf([of]), texts: [text({ text: "begin truncate experts; end" })] };
  const [{ dependants }] = analyzeTables(facts.relations, facts);
  assertEquals(dependants.functions.map(({ name, effect }) => [name, effect]), [
    ["public.f()", "breaks"],
  ]);
});

Deno.test("each table has the texts and stale routines of its own", () => {
  const tables = [experts(), table("others", { oid: 17_000 })];
  const texts = [
    text({ owned: false, text: "declare e experts; begin perform 1 from experts; end" }),
    text({ identity: "public.g()", object_identity: "public.g()", text: "begin perform 1; end" }),
    text({
      identity: "public.h()",
      object_identity: "public.h()",
      language: "sql",
      text: "truncate others",
    }),
    text({
      kind: "cron job",
      identity: "nightly",
      object_identity: null,
      language: "sql",
      text: "delete from others",
    }),
  ];
  const facts = { ...factsOf(tables), texts };
  const [first, second] = analyzeTables(facts.relations, facts);
  assertEquals(first.findings.map(({ code, object }) => [code, object]), [
    ["routine_kept_compiled", "public.f()"],
  ]);
  assertEquals(first.dependants.functions.map(({ name, effect }) => [name, effect]), [
    ["public.f()", "changes"],
  ]);
  assertEquals(second.findings.map(({ code, object }) => [code, object]), [
    ["truncate", "public.h()"],
    ["cron_mentions", "cron job nightly"],
  ]);
  assertEquals(second.dependants.cron_jobs.map(({ name }) => name), ["nightly"]);
});

Deno.test("event triggers count by their commands, but for those of the platform", () => {
  const trigger = (event: string, tags: string[] | null, schema = "public") => ({
    name: `${event} ${tags} ${schema}`,
    event,
    function: `${schema}.guard()`,
    schema,
    tags,
  });
  const counted = [
    trigger("ddl_command_start", null),
    trigger("ddl_command_end", ["CREATE TABLE", "COMMENT"]),
    trigger("sql_drop", null),
    trigger("sql_drop", ["DROP VIEW"]),
  ];
  const others = [
    trigger("ddl_command_end", ["CREATE TABLE"]),
    trigger("sql_drop", ["DROP TABLE"]),
    trigger("table_rewrite", null),
    trigger("login", null),
    trigger("ddl_command_end", null, "extensions"),
  ];
  const facts = { ...factsOf([]), event_triggers: [...counted, ...others] };
  assertEquals(
    eventTriggerFindings(facts).map(({ object }) => object),
    counted.map(({ name }) => name),
  );
});
