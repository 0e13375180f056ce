import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import { FINDING_CODES } from "../../shared/contract/findings.ts";
import { Problem } from "../../shared/contract/problems.ts";
import type { Finding, OperationAnswer, PlannedTable } from "../../shared/contract/responses.ts";
import { markdownOf, MAX_REPORT } from "../../shared/report/document/markdown.ts";
import { describeOperation, operationInMarkdown } from "../../shared/report/operation.ts";
import { problemInMarkdown } from "../../shared/report/problem.ts";
import { visible } from "../../shared/report/document/text.ts";
import { readFlowchart, readMarkdown } from "../support/documents/markdown.ts";

const HASH = `sha256:${"0123456789abcdef".repeat(4)}`;

const table = (more: Partial<PlannedTable> = {}): PlannedTable => ({
  schema: "public",
  old_name: "experts",
  new_name: "expert_profiles",
  compatibility_view: true,
  dependants: {},
  ...more,
});

const finding = (more: Partial<Finding> = {}): Finding => ({
  code: "realtime_publication",
  severity: "breaking",
  object: '"public"."experts"',
  message: "Subscriptions fall silent.",
  remedy: "Subscribe to both names.",
  ...more,
});

const plan = (more: Partial<OperationAnswer> = {}): OperationAnswer => ({
  batch_id: null,
  mode: "plan",
  plan_hash: HASH,
  migrations: [],
  statements: [{ sql: "alter table a rename to b", purpose: "Give the table its new name" }],
  findings: [],
  lock: null,
  verification: null,
  tables: [table()],
  ...more,
});

const reportOf = (answer: OperationAnswer, limit?: number) =>
  markdownOf(describeOperation(answer, { operation: "rename" }), { limit });

/** Names that mean something to Markdown, HTML, Mermaid, GitHub or a terminal. */
const HOSTILE = [
  ...["@everyone", "@org/team", "<!--", "-->", "</details>", "<script>alert(1)</script>", "a|b"],
  ...["a\\|b", "`", "``x`", "```", "~~~", "a\nb", "a\r\n# b", "[x](http://evil.example)", "![](x)"],
  ...[
    "https://evil.example",
    "www.evil.example",
    "#1",
    "GH-12",
    "a@b.example",
    "$x$",
    "- a",
    "1. a",
  ],
  ...[" a ", "*a*", "__a__", "&lt;", "end", '"', "]", "a --> b", "%%", "#quot;", "fa:fa-user"],
  ...[
    "subgraph",
    "a;b",
    "\u202eevil",
    "\u200b",
    "{{x}}",
    "|",
    "\\",
    "a\\",
    "ünïcödé",
    "表",
    "x".repeat(63),
  ],
];

/** Fails unless the report is whole, and has nothing in it but what a report has. */
function assertOurs(markdown: string) {
  const read = readMarkdown(markdown);
  const tags = read.html.filter((html) => !/^<\/?code>$/.test(html));
  for (const html of tags) {
    assert(
      /^(<!-- table-rename [\w=:. -]+ -->|<details><summary>[\w ,.]+<\/summary>|<\/details>)$/.test(
        html,
      ),
      html,
    );
  }
  const count = (start: string) => tags.filter((html) => html.startsWith(start)).length;
  assertEquals(count("<!--"), 1);
  assertEquals(count("<details>"), count("</details>"));
  assertEquals(read.links, []);
  // Whom and what GitHub would find in the text.
  assertEquals(read.prose.match(/@[\w-]|#\d|GH-\d|https?:\/\/|www\./i), null, markdown);
  for (const [head, ...rows] of read.tables) {
    for (const row of rows) assertEquals(row.length, head.length);
  }
  return read;
}

Deno.test("names of all kinds stand in a report as they are, and nothing in them is acted on", () => {
  const tables = HOSTILE.map((name) =>
    table({ schema: name, old_name: name, new_name: `n${name}` })
  );
  const findings = HOSTILE.map((name) =>
    finding({ object: name, message: `It is ${name}.`, remedy: name })
  );
  const statements = HOSTILE.map((name) => ({ sql: `select '${name}'`, purpose: name }));
  const read = assertOurs(reportOf(plan({ tables, findings, statements })));
  const [, ...rows] = read.tables[0];
  assertEquals(
    rows.map(([schema, from, to]) => [schema, from, to]),
    HOSTILE.map((name) => [visible(name), visible(name), `n${visible(name)}`]),
  );
  const sql = read.blocks.find(({ language }) => language === "sql")!.text;
  for (const name of HOSTILE.filter((name) => !/[\n\u202e\u200b]/.test(name))) {
    assertStringIncludes(sql, `select '${name}'`);
  }
});

Deno.test("whatever a name is, the report of it is whole", () => {
  const parts = [
    "|",
    "\\",
    "`",
    "\n",
    "<",
    ">",
    "!",
    "--",
    "@a",
    "#1",
    "_",
    "*",
    " ",
    "[",
    "](",
    "~",
    "$",
    "&",
  ];
  const name = fc.array(fc.oneof(fc.constantFrom(...parts, "a", "</details>"), fc.string()), {
    minLength: 1,
    maxLength: 8,
  }).map((some) => some.join("")).filter((text) => text !== "");
  fc.assert(
    fc.property(name, name, (one, other) => {
      const read = assertOurs(reportOf(plan({
        tables: [table({ old_name: one, new_name: other })],
        findings: [finding({ object: one, message: other, remedy: one })],
      })));
      const [, [, from, to]] = read.tables[0];
      assertEquals([from, to], [visible(one), visible(other)]);
    }),
    { numRuns: 200 },
  );
});

/** The flowchart of a report, by its labels. */
async function chartOf(report: string) {
  const block = readMarkdown(report).blocks.find(({ language }) => language === "mermaid");
  assert(block, report);
  const { nodes, edges } = await readFlowchart(block.text);
  const label = (id: string) => nodes.get(id)!.label.replaceAll("\n", " ");
  return {
    text: block.text,
    nodes,
    edges: edges.map(({ from, to, label: said }) => `${label(from)} | ${said} | ${label(to)}`),
  };
}

Deno.test("the graph says what changes or breaks of what depends on a table", async () => {
  const dependants: PlannedTable["dependants"] = {
    views: [{ name: "public.v", effect: "follows", detail: null }],
    indexes: [
      { name: "experts_pkey", effect: "follows", detail: null },
      { name: "experts_name", effect: "follows", detail: null },
    ],
    publications: [{ name: "supabase_realtime", effect: "breaks", detail: "…" }],
    functions: ["f", "g", "h", "i", "j", "k"].map((name) => ({
      name: `public.${name}()`,
      effect: "works_through_view" as const,
      detail: null,
    })),
    triggers: [{ name: "audit", effect: "changes", detail: null }],
  };
  const { edges, nodes } = await chartOf(reportOf(plan({ tables: [table({ dependants })] })));
  const [own, view] = [
    "table public.experts to be expert_profiles",
    "compatibility view public.experts",
  ];
  assertEquals(
    edges.toSorted(),
    [
      `${view} | new, reads | ${own}`,
      `publication supabase_realtime | breaks | ${view}`,
      `trigger audit | changes | ${own}`,
    ].toSorted(),
  );
  assertEquals(nodes.get("d0_0")!.class, "breaks");

  const { indexes } = dependants;
  const thirty = Array.from({ length: 30 }, () => table({ dependants: { indexes } }));
  const report = reportOf(plan({ tables: thirty }));
  assertStringIncludes(report, "### What depends on them\n\nNothing of it changes or breaks.");
  assertEquals(/```mermaid/.test(report), false);

  const built = {
    built_on_view: [{ name: "view public.w", effect: "handled" as const, detail: null }],
  };
  const answer = plan({ tables: [table({ dependants: built })] });
  const arrows = async (operation: "rollback" | "finalize" | "refresh") =>
    (await chartOf(operationInMarkdown(answer, { operation }))).edges;
  assertEquals(await arrows("rollback"), [
    `${view} | is dropped | table public.expert_profiles to be experts`,
    "view public.w | repointed | table public.expert_profiles to be experts",
  ]);
  assertEquals(await arrows("finalize"), [
    `${view} | is dropped | table public.expert_profiles`,
    "view public.w | repointed | table public.expert_profiles",
  ]);
  assertEquals(await arrows("refresh"), [
    `${view} | is refreshed | table public.expert_profiles`,
    `view public.w | repointed | ${view}`,
  ]);
});

Deno.test("Mermaid reads the graph of names of all kinds, and shows them as they are", async () => {
  const views = HOSTILE.map((name) => ({ name, effect: "changes" as const, detail: null }));
  for (const some of [views.slice(0, 25), views.slice(25)]) {
    const name = some[0].name;
    const tables = [
      table({ schema: name, old_name: name, new_name: name, dependants: { views: some } }),
    ];
    const { nodes } = await chartOf(reportOf(plan({ tables })));
    const shown = new Set([...nodes.values()].map(({ label }) => label.replaceAll("\u200b", "")));
    for (const { name } of some) assert(shown.has(`view\n${visible(name)}`), name);
    assert(shown.has(`compatibility view\n${visible(`${name}.${name}`)}`));
  }
});

/** A plan of many tables, each with much to say. */
function large(count: number): OperationAnswer {
  const long = (text: string, index: number) => `${text}_${index}_${"x".repeat(40)}`;
  return plan({
    tables: Array.from({ length: count }, (_, index) =>
      table({
        old_name: long("old", index),
        new_name: long("new", index),
        dependants: {
          indexes: [{ name: long("index", index), effect: "follows", detail: null }],
          views: [{ name: long("view", index), effect: "follows", detail: null }],
          publications: [{ name: "supabase_realtime", effect: "breaks", detail: null }],
        },
      })),
    findings: Array.from(
      { length: 2 * count },
      (_, index) =>
        finding({
          object: long("old", index),
          code: FINDING_CODES[index % 7],
          message: "m ".repeat(200),
        }),
    ),
    statements: Array.from({ length: 12 * count }, (_, index) => ({
      sql: index % 3 === 0
        ? `do $check$\nbegin\n${"  null;\n".repeat(20)}end $check$`
        : `grant select on "${long("t", index)}" to anon`,
      purpose: long("Purpose", index),
    })),
  });
}

Deno.test("a report of a thousand tables fits in a comment, is whole, and says what it leaves out", async () => {
  for (const count of [1, 10, 100, 1_000]) {
    const answer = large(count);
    const report = reportOf(answer);
    assert(report.length <= MAX_REPORT, `${count} tables`);
    const read = assertOurs(report);
    assertStringIncludes(report, HASH);
    assertStringIncludes(read.headings[0], `${count.toLocaleString("en-US")} table`);
    const shown = read.tables[0].length - 1;
    if (shown < count) {
      assertStringIncludes(report, `And ${(count - shown).toLocaleString("en-US")} more tables`);
    }
    const sql = read.blocks.find(({ language }) => language === "sql");
    if (sql === undefined) assertStringIncludes(report, "left out here; the JSON answer has all");
    const mermaid = read.blocks.find(({ language }) => language === "mermaid");
    if (mermaid !== undefined) await readFlowchart(mermaid.text);
    else assertStringIncludes(report, "left out. `analyze`");
    // All codes are there, in any case.
    for (const code of new Set(answer.findings.map(({ code }) => code))) {
      assertStringIncludes(report, `\`${code}\``);
    }
  }
});

Deno.test("a report becomes shorter in steps: checks first, the SQL, findings by code, the graph, the tables", () => {
  const answer = large(20);
  const whole = reportOf(answer, Infinity);
  assertStringIncludes(whole, "do $check$");
  const seen = new Set<string>();
  for (let limit = whole.length; limit > 3_000; limit = Math.floor(limit * 0.93)) {
    const report = reportOf(answer, limit);
    const read = assertOurs(report);
    assert(report.length <= limit);
    const sql = read.blocks.find(({ language }) => language === "sql")?.text;
    const state = [
      sql === undefined
        ? "none"
        : /are left out, and/.test(report)
        ? "some"
        : /do \$check/.test(sql)
        ? "all"
        : "changes",
      /The first one:/.test(report) ? "by code" : /Remedy/.test(report) ? "each" : "counts",
      /```mermaid/.test(report) ? "graph" : "no graph",
      read.tables[0].length === 21 ? "tables" : "some tables",
    ].join(", ");
    seen.add(state);
  }
  assertEquals([...seen], [
    "all, each, graph, tables",
    "changes, each, graph, tables",
    "some, each, graph, tables",
    "none, each, graph, tables",
    "none, by code, graph, tables",
    "none, by code, no graph, tables",
    "none, counts, no graph, tables",
    "none, counts, no graph, some tables",
  ]);
});

Deno.test("a graph is never larger than what GitHub draws", async () => {
  const dependants = Object.fromEntries(
    ["views", "functions"].map((kind) => [
      kind,
      Array.from({ length: 400 }, (_, index) => ({
        name: "<".repeat(200) + index,
        effect: "breaks" as const,
        detail: null,
      })),
    ]),
  );
  const tables = Array.from({ length: 100 }, () => table({ dependants }));
  const { text, edges } = await chartOf(reportOf(plan({ tables }), Infinity));
  assert(text.length <= 50_000);
  assert(edges.length <= 500);
});

Deno.test("where not all tables can be drawn, those where something breaks are", async () => {
  const tables = Array.from({ length: 200 }, (_, index) =>
    table({
      old_name: `t${index}`,
      dependants: {
        publications: [{ name: "p", effect: index === 199 ? "breaks" : "changes", detail: null }],
      },
    }));
  const report = reportOf(plan({ tables }));
  const { nodes } = await chartOf(report);
  assertEquals(nodes.get("t0")!.label, "table public.t199\nto be expert_profiles");
  assertStringIncludes(report, "Left out: 160 tables.");
});

Deno.test("a plan says how to apply exactly it, and what would have to be acknowledged", () => {
  const answer = plan({ findings: [finding(), finding({ severity: "warning", code: "only" })] });
  const fields = (report: string) =>
    JSON.parse(readMarkdown(report).blocks.find(({ language }) => language === "json")!.text);
  assertEquals(fields(reportOf(answer)), {
    mode: "apply",
    expected_plan_hash: HASH,
    acknowledge: ["realtime_publication"],
  });
  assertStringIncludes(reportOf(answer), "It would be refused, since something would break");
  const accepted = operationInMarkdown(answer, {
    operation: "rename",
    acknowledged: ["realtime_publication"],
  });
  assertEquals(fields(accepted), { mode: "apply", expected_plan_hash: HASH });
  assertStringIncludes(accepted, "What breaks is acknowledged: 1 breaking finding, 1 warning.");
  const batch_id = "c7d5ba68-8d83-438b-a3aa-94a8f320dd5e";
  const proposed = reportOf({ ...answer, mode: "propose", batch_id });
  assertEquals(fields(proposed), { batch_id });
  assertEquals(
    proposed.split("\n")[0],
    `<!-- table-rename operation=rename mode=propose plan_hash=${HASH} batch_id=${batch_id} -->`,
  );
});

Deno.test("what is done has its verification with it, and no graph of what was", () => {
  const migration = {
    id: "7b9e3c0a-5a55-4d2e-9a7e-0d6b1a1f0c01",
    schema_name: "public",
    old_name: "experts",
    new_name: "expert_profiles",
    compatibility_view_created: true,
    dependencies: { views: ["public.v"] },
  } as unknown as OperationAnswer["migrations"][number];
  const report = reportOf(plan({
    mode: "apply",
    tables: undefined,
    migrations: [migration],
    lock: { attempts: 2, waited_ms: 3, held_ms: 1.9 },
    verification: {
      passed: false,
      checks: [{
        name: "grants",
        passed: false,
        differences: [{ object: "a|b", before: null, after: "x\ny" }],
      }],
    },
  }));
  const read = assertOurs(report);
  assertEquals(read.headings[0], "Renamed 1 table");
  assertStringIncludes(report, "**Locks:** 2 attempts, waited for 3 ms, held for 1.9 ms");
  assertStringIncludes(report, "Verification: **did not pass**");
  assertEquals(read.tables[1], [["Object", "Before", "Now"], ["a|b", "nothing", "x\\ny"]]);
  assertEquals(/mermaid|depends on/.test(report), false);
});

Deno.test("a refusal shows its findings, the next step, and whatever stands in the way", () => {
  const problem = new Problem("breaking_findings", "This would break @everyone.", {
    hint: "Fix it.",
    fields: { findings: [finding({ object: "@team" })] },
  });
  const report = problemInMarkdown(problem.toBody());
  const read = assertOurs(report);
  assertEquals(report.split("\n")[0], "<!-- table-rename problem=breaking_findings -->");
  assertEquals(read.headings[0], "Not done: Something would break");
  assertStringIncludes(report, "**Hint:** Fix it.");
  assertStringIncludes(report, "Subscribe to both names.");
  assertEquals(JSON.parse(read.blocks[0].text), { acknowledge: ["realtime_publication"] });

  const blockers = HOSTILE.map((query, pid) => ({ pid, role: "r", state: null, query }));
  const dependants = HOSTILE.map((identity) => ({
    view: "v",
    kind: "view",
    identity,
    reason: identity,
  }));
  const changes = HOSTILE.map((line) => `+ ${line}`);
  const more = assertOurs(problemInMarkdown({
    ...problem.toBody(),
    ...{ code: "--> <b>", findings: [], blockers, dependants, changes },
  }));
  assertEquals(
    more.tables.map((rows) => rows.length),
    [HOSTILE.length, HOSTILE.length].map((n) => Math.min(n, 50) + 1),
  );

  const many = Array.from({ length: 3_000 }, (_, index) => finding({ object: `t${index}` }));
  const long = problemInMarkdown({ ...problem.toBody(), findings: many });
  assert(long.length <= MAX_REPORT);
  assertStringIncludes(long, "3,000 times");
});
