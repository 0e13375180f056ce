/** The command analyze-table, and how an analysis is shown. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import pc from "picocolors";
import { printed } from "../../../shared/cli/terminal/print.ts";
import { type AnalysisContext, describeAnalysis } from "../../../shared/report/analysis.ts";
import type { AnalyzedTable, Finding } from "../../../shared/contract/responses.ts";
import { answered } from "../../support/programs/cli.ts";

const finding = (severity: Finding["severity"], code: string, object: string): Finding => ({
  severity,
  // Another server may have other codes.
  code: code as Finding["code"],
  object,
  message: `It is ${severity}.`,
  remedy: `Fix ${code}.`,
});

const experts: AnalyzedTable = {
  schema: "public",
  table: "experts",
  kind: "table",
  owner: "postgres",
  estimated_bytes: 81_920,
  estimated_rows: 412,
  migrations: [],
  dependants: {
    foreign_keys: [],
    indexes: [
      { name: "experts_pkey", effect: "follows", detail: "It keeps its name." },
      { name: "by_name", effect: "follows", detail: null },
    ],
    publications: [
      { name: "feed", effect: "changes", detail: "It carries the changes under the new name." },
      {
        name: "supabase_realtime",
        effect: "breaks",
        detail: "Subscriptions to the old name receive nothing.",
      },
    ],
    grants: [{ name: "anon", effect: "handled", detail: "SELECT." }],
    policies_elsewhere: [{ name: "own on public.notes", effect: "follows", detail: null }],
  },
  findings: [finding("breaking", "realtime_publication", '"public"."experts"')],
};

const bare: AnalyzedTable = {
  ...experts,
  table: "bare",
  kind: "partitioned table",
  migrations: [
    { id: "b", old_name: "middle", new_name: "bare" },
    { id: "a", old_name: "first", new_name: "middle" },
  ],
  dependants: { indexes: [] },
  findings: [],
};

const shown = (tables: AnalyzedTable[], context: AnalysisContext = {}, width = 60) =>
  printed(
    describeAnalysis({ tables }, { url: "http://127.0.0.1:54321", whole: true, ...context }),
    { colors: pc.createColors(false), width },
  );

Deno.test("what depends on a table is shown by kind: what needs attention on lines of its own", () => {
  assertEquals(
    shown([experts, bare]),
    `Analysis  of 2 tables  on http://127.0.0.1:54321
A rename would break something: 1 object, 1 breaking
finding. Nothing was changed.

public.experts  table of postgres
  1 breaks, 1 changes, 1 is handled, 3 follow the table
  indexes  2 follow the table
    experts_pkey, by_name
  publications  1 breaks, 1 changes
    breaks  supabase_realtime
        Subscriptions to the old name receive nothing.
    changes  feed
        It carries the changes under the new name.
  grants  1 is handled
    anon
  policies elsewhere  1 follows the table
    own on public.notes

Findings
  breaking  realtime_publication  "public"."experts"
    It is breaking.
    → Fix realtime_publication.

public.bare  partitioned table of postgres, renamed from middle, before that first
  Nothing depends on it.`,
  );
});

Deno.test("with --verbose every object has a line, with all there is to know", () => {
  const verbose = shown([experts], { verbose: true });
  for (
    const line of [
      "    experts_pkey  It keeps its name.\n",
      "    by_name\n",
      "    is handled  anon  SELECT.\n",
      "    own on public.notes\n",
    ]
  ) assertStringIncludes(verbose, line);
});

Deno.test("of a whole schema it is shown how much depends on each table, and who has which finding", () => {
  const other = {
    ...experts,
    table: "others",
    findings: [
      finding("info", "event_trigger", "guard"),
      finding("warning", "webhook_payload", '"public"."others"'),
      finding("breaking", "realtime_publication", '"public"."others"'),
    ],
  };
  const again = { ...bare, findings: [finding("info", "event_trigger", "guard")] };
  assertEquals(
    shown([experts, other, again], { whole: false }, 80),
    `Analysis  of 3 tables  on http://127.0.0.1:54321
A rename would break something: 2 objects, 2 breaking findings. Nothing was
changed.

  TABLE           BREAK  CHANGE  HANDLED  FOLLOW  FINDINGS
  public.experts  1      1       1        3       1 breaking
  public.others   1      1       1        3       1 breaking, 1 warning
  public.bare

Findings
  breaking  realtime_publication
    "public"."experts", "public"."others"
  warning  webhook_payload
    "public"."others"
  info  event_trigger
    guard

Name a table to see what depends on it, or add --verbose.`,
  );
  assertEquals(
    shown([], { whole: false }),
    "Analysis  of 0 tables  on http://127.0.0.1:54321\nThere are none.",
  );
});

Deno.test("names with controls in them reach no terminal", () => {
  const odd = "a\x1b[31m\n";
  const whole = shown([
    {
      ...experts,
      table: odd,
      owner: odd,
      migrations: [{ id: "a", old_name: odd, new_name: odd }],
      dependants: {
        views: [{ name: odd, effect: "follows", detail: null }],
        publications: [{ name: odd, effect: "breaks", detail: odd }],
      },
      findings: [finding("breaking", odd, odd)],
    },
  ]);
  assertEquals(whole.match(/[^\n\P{Cc}]/gu), null);
  const summary = shown([{ ...experts, table: odd }], { whole: false });
  assert(!summary.includes("\x1b"), summary);
});

Deno.test("the command asks for the tables or schemas that it was given", async () => {
  const asked: string[] = [];
  const run = (...args: string[]) =>
    answered((request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(`${request.method} ${pathname}${search}`);
      return Response.json({ tables: [bare] });
    }, ["analyze-table", ...args]);
  const { code, stderr, stdout } = await run("experts", "a b", "--schema", "app");
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Nothing depends on it.");
  assertStringIncludes((await run("--schema", "app", "--schema", "public")).stdout, "TABLE");
  assertEquals(JSON.parse((await run("--json")).stdout), { tables: [bare] });
  assertEquals(asked, [
    "GET /functions/v1/analyze?schema=app&table=experts&table=a+b",
    "GET /functions/v1/analyze?schema=app&schema=public",
    "GET /functions/v1/analyze",
  ]);
});

Deno.test("an answer that is no analysis is an error, not an empty analysis", async () => {
  const { code, stderr } = await answered(Response.json({ migrations: [] }), ["analyze-table"]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "it has no tables");
});
