import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ExplainOutcome,
  type ExplainResult,
  judgePlans,
  type PlanNode,
} from "../../shared/verify/plans.ts";

/** A scan as EXPLAIN (VERBOSE) describes it, of a relation under an alias. */
function scan(alias: string, more: Partial<PlanNode> = {}): PlanNode {
  return {
    "Node Type": "Seq Scan",
    "Relation Name": "expert_profiles",
    Alias: alias,
    "Startup Cost": 0,
    "Total Cost": 10,
    "Plan Rows": 5,
    Output: [`${alias}.id`],
    Filter: `(${alias}.name ~~ 'n1%'::text)`,
    ...more,
  };
}

const explained = (...plans: PlanNode[]): ExplainResult => ({
  sqlstate: null,
  plan: plans.map((Plan) => ({ Plan })),
});

const refused = (sqlstate: string): ExplainResult => ({ sqlstate, plan: null });

const judged = (table: ExplainResult, view: ExplainResult, again = table) =>
  judgePlans({ table, view, again });

Deno.test("plans that differ by an alias are the same, also where no column is qualified by it", () => {
  const same: [PlanNode, PlanNode][] = [
    [scan("t"), scan("expert_profiles")],
    [scan("t", { Output: ["id"], Filter: "(name ~~ 'n1%'::text)" }), scan("expert_profiles")],
    [
      scan("t", { Filter: '("Odd" = t."t.x")' }),
      scan("odd name", { Output: ['"odd name".id'], Filter: '("Odd" = "odd name"."t.x")' }),
    ],
    // Of a plan that reads nothing only the columns are left.
    [
      { "Node Type": "Result", Output: ["id", "name"] },
      { "Node Type": "Result", Output: ["expert_profiles.id", "expert_profiles.name"] },
    ],
    // The parent of partitions is no node.
    [
      {
        "Node Type": "Append",
        Plans: [scan("t_1"), scan("t_2")],
        "Sort Key": ["t.id"],
      },
      {
        "Node Type": "Append",
        Plans: [scan("events_1"), scan("events_2")],
        "Sort Key": ["events.id"],
      },
    ],
    // The server gives the partitions of an update other aliases where the table was renamed since the view was made.
    [
      {
        "Node Type": "ModifyTable",
        Alias: "events",
        "Target Tables": [{ "Relation Name": "p1", Alias: "events_1" }, {
          "Relation Name": "p2",
          Alias: "events",
        }],
        Plans: [scan("events_1")],
      },
      {
        "Node Type": "ModifyTable",
        Alias: "events",
        "Target Tables": [{ "Relation Name": "p1", Alias: "old" }, {
          "Relation Name": "p2",
          Alias: "old",
        }],
        Plans: [scan("old")],
      },
    ],
  ];
  for (const [table, view] of same) {
    assertEquals(judged(explained(table), explained(view)).kind, "same", JSON.stringify(view));
  }
});

Deno.test("an alias in a string constant is text", () => {
  const table = scan("t", { Filter: "(t.name = 't.id')" });
  const view = scan("x", { Filter: "(x.name = 'x.id')" });
  assertEquals(judged(explained(table), explained(view)).kind, "different");
  const same = scan("x", { Filter: "(x.name = 't.id')" });
  assertEquals(judged(explained(table), explained(same)).kind, "same");
});

Deno.test("sides of a commutative operator are the same in either order", () => {
  const join = (
    t: string,
    n: string,
    condition: string,
    more: Partial<PlanNode> = {},
  ): PlanNode => ({
    "Node Type": "Nested Loop",
    "Join Filter": condition,
    Plans: [scan(t), scan(n, { "Relation Name": "posts" })],
    ...more,
  });
  const same: [string, string][] = [
    ["(t.id = n.author_id)", "(n.author_id = people.id)"],
    ["(t.id < n.author_id)", "(n.author_id > people.id)"],
    ["((t.a = n.b) AND (n.c <> t.d))", "((people.d <> n.c) AND (n.b = people.a))"],
    ["(t.id OPERATOR(public.=) n.author_id)", "(n.author_id OPERATOR(public.=) people.id)"],
    ["((t.id)::text = lower(n.name))", "(lower(n.name) = (people.id)::text)"],
    [
      "(CASE WHEN (t.a = n.b) THEN 1 ELSE 2 END = 1)",
      "(1 = CASE WHEN (n.b = people.a) THEN 1 ELSE 2 END)",
    ],
  ];
  for (const [table, view] of same) {
    const judgement = judged(
      explained(join("t", "n", table)),
      explained(join("people", "n", view)),
    );
    assertEquals(judgement.kind, "same", JSON.stringify(judgement));
  }
  const different: [string, string][] = [
    ["(t.id < n.author_id)", "(n.author_id < people.id)"],
    ["(t.id - n.author_id)", "(n.author_id - people.id)"],
    ["(t.id = ANY (n.ids))", "(people.id = ALL (n.ids))"],
    ["(t.id = n.author_id)", "(people.id = people.author_id)"],
    ["(t.name = 'a(b = c)')", "(people.name = 'a(c = b)')"],
    ["((t.a = n.b) AND (t.c = n.d))", "((people.a = n.b) OR (people.c = n.d))"],
    ["((t.a = n.b) AND (NOT t.c))", "((NOT people.a) AND (people.c = n.b))"],
  ];
  for (const [table, view] of different) {
    const judgement = judged(
      explained(join("t", "n", table)),
      explained(join("people", "n", view)),
    );
    assertEquals(judgement.kind, "different", view);
  }
  // Parents of partitions have no node that would number them.
  const parents = (condition: string, output: string[]) =>
    join("a_1", "b_1", condition, { Output: output });
  assertEquals(
    judged(
      explained(parents("(a.id = b.id)", ["a.id", "b.id"])),
      explained(parents("(b.id = x.id)", ["x.id", "b.id"])),
    ).kind,
    "same",
  );
});

Deno.test("costs, estimates, filters, nodes and the side of a join make plans different", () => {
  const join = (condition: string): PlanNode => ({
    "Node Type": "Hash Join",
    "Hash Cond": condition,
    Plans: [scan("t"), scan("n", { "Relation Name": "posts" })],
  });
  const different: [PlanNode, PlanNode][] = [
    [scan("t"), scan("x", { "Total Cost": 10.01 })],
    [scan("t"), scan("x", { "Plan Rows": 6 })],
    [scan("t"), scan("x", { Filter: "(x.name ~~ 'n2%'::text)" })],
    [scan("t"), scan("x", { "Relation Name": "another" })],
    [scan("t"), { "Node Type": "Subquery Scan", Alias: "x", Plans: [scan("y")] }],
    [join("(t.id = n.expert_id)"), join("(n.id = t.expert_id)")],
  ];
  for (const [table, view] of different) {
    const verdict = judged(explained(table), explained(view));
    assert(verdict.kind === "different", JSON.stringify(view));
    assert(verdict.mismatch.expected !== verdict.mismatch.got, JSON.stringify(verdict.mismatch));
  }
});

Deno.test("a failure shows the first lines that differ, as EXPLAIN would print them", () => {
  const view: PlanNode = {
    "Node Type": "Subquery Scan",
    Alias: "experts",
    "Startup Cost": 0,
    "Total Cost": 12,
    "Plan Rows": 5,
    Filter: "(experts.name = 'x'::text)",
    Plans: [scan("expert_profiles")],
  };
  const verdict = judged(explained(scan("t")), explained(view));
  assert(verdict.kind === "different");
  assertEquals(verdict.mismatch, {
    expected: "Seq Scan on expert_profiles  (cost=0..10 rows=5)  Filter: (t.name ~~ 'n1%'::text)",
    got: "Subquery Scan  (cost=0..12 rows=5)  Filter: (experts.name = 'x'::text)",
  });
  // What no line shows is named by its path.
  const other = judged(explained(scan("t")), explained(scan("x", { Output: ["x.id", "x.name"] })));
  assert(other.kind === "different");
  assertStringIncludes(other.mismatch.got, 'plan, 0, Output, 1: "name"');
});

Deno.test("refusals are compared by their codes", () => {
  assertEquals(judged(refused("42501"), refused("42501")).kind, "same");
  const verdict = judged(refused("42501"), explained(scan("x")));
  assert(verdict.kind === "different");
  assertEquals(verdict.mismatch.expected, "42501 (insufficient_privilege)");
});

Deno.test("a plan of the table that changes by itself says nothing about the view", () => {
  const grown: ExplainOutcome = {
    table: explained(scan("t")),
    view: explained(scan("x", { "Plan Rows": 6 })),
    again: explained(scan("t", { "Plan Rows": 6 })),
  };
  assertEquals(judgePlans(grown).kind, "changing");
});
