import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { planChanges } from "../../../shared/console/page/plan/changes.ts";
import {
  checkRenames,
  issuesByRename,
  previewPattern,
} from "../../../shared/console/page/plan/choose/names.ts";
import { groupFindings, verdictOf } from "../../../shared/console/page/plan/answer/verdict.ts";
import type { DraftOptions } from "../../../shared/console/page/plan/draft.ts";
import {
  changeRequest,
  commandOf,
  type PlanRequest,
  planRequestOf,
} from "../../../shared/console/page/plan/requests.ts";
import { REQUESTS } from "../../../shared/contract/requests.ts";
import type { Finding, OperationAnswer } from "../../../shared/contract/responses.ts";
import { KEY, runMain, withProject } from "../../support/programs/cli.ts";

const rename = (old_name: string, new_name: string, schema = "public") => ({
  schema,
  old_name,
  new_name,
});

const table = (name: string, before: string[] = [], schema = "public") => ({
  schema,
  table: name,
  migrations: before.map((old_name) => ({ id: old_name, old_name, new_name: name })),
});

const finding = (
  code: Finding["code"],
  severity: Finding["severity"],
  object = "public.experts",
): Finding => ({ code, severity, object, message: `${code} of ${object}`, remedy: "" });

Deno.test("each new name says why it cannot be used, while others can", () => {
  const tables = ["a", "b", "c", "d", "e", "f", "taken"].map((name) => table(name));
  const checked = checkRenames([
    rename("a", "same"),
    rename("b", "same"),
    rename("c", "taken"),
    rename("d", "e"),
    rename("e", ""),
    rename("f", "x".repeat(64)),
    rename("taken", "taken"),
    rename("gone", "new"),
    rename("a", "taken", "other"),
  ], [...tables, table("a", [], "other")]);
  assertEquals(checked.map(({ state, fault }) => fault ?? state), [
    "b would get the same name.",
    "a would get the same name.",
    "There is a table of that name.",
    "That is a table which is to be renamed itself; rename it before, on its own.",
    "A name cannot be empty.",
    "A name can have at most 63 bytes in UTF-8, this one has 64.",
    "unnamed",
    "This table no longer exists.",
    // Names are taken in one schema only.
    "ready",
  ]);
  assertEquals(checkRenames([rename("a", "b")], tables)[0].fault, "There is a table of that name.");
  assertEquals(checkRenames([rename("a", "b")])[0].state, "ready");
});

Deno.test("a pattern shows the names that it would give, with clashes, and leaves out what is renamed already", () => {
  const all = [
    table("document_a"),
    table("document_b"),
    table("doc_b"),
    table("doc_c", ["document_c"]),
    table("teams"),
  ];
  const preview = previewPattern("^document_(.*)$", "doc_$1", all, all);
  assert("renames" in preview);
  assertEquals(
    preview.renames.map(({ old_name, new_name, fault }) => [old_name, new_name, fault]),
    [
      ["document_a", "doc_a", undefined],
      ["document_b", "doc_b", "There is a table of that name."],
    ],
  );
  const chosen = previewPattern("^", "x_", [all[4]], all);
  assertEquals("renames" in chosen && chosen.renames.map(({ new_name }) => new_name), ["x_teams"]);
});

Deno.test("what is no regular expression is reported while it is typed", () => {
  const preview = previewPattern("((", "x", [table("a")], [table("a")]);
  assert("error" in preview);
  assertStringIncludes(preview.error, "((");
});

Deno.test("the endpoint's issues stand beside the renames that they are about", () => {
  const issues = [
    { path: "renames.1.new_name", message: "It is taken.", hint: "Choose another." },
    { path: "renames.1.old_name", message: "The second of the same rename." },
    { path: "renames.10.old_name", message: "No such table." },
    { path: "notes", message: "Too long." },
  ];
  assertEquals([...issuesByRename(issues)], [
    [1, "It is taken. Choose another."],
    [10, "No such table."],
  ]);
  assertEquals(issuesByRename(undefined).size, 0);
});

Deno.test("findings are grouped by code and severity, what breaks first, then the most frequent", () => {
  const groups = groupFindings([
    finding("graphql", "info"),
    finding("ddl_on_old_name", "warning"),
    finding("truncate", "breaking"),
    finding("ddl_on_old_name", "breaking", "a"),
    finding("ddl_on_old_name", "breaking", "b"),
  ]);
  assertEquals(groups.map(({ code, severity, findings }) => [code, severity, findings.length]), [
    ["ddl_on_old_name", "breaking", 2],
    ["truncate", "breaking", 1],
    ["ddl_on_old_name", "warning", 1],
    ["graphql", "info", 1],
  ]);
});

Deno.test("a plan is ready once each code that breaks something is accepted", () => {
  const findings = [finding("truncate", "breaking"), finding("copy", "breaking", "f()")];
  const plan = {
    findings: [...findings, finding("only", "warning")],
    would_be_refused: { code: "breaking_findings" as const, detail: "It would break." },
  };
  const [copy, truncate] = groupFindings(findings).map(({ key }) => key);
  const none = verdictOf(plan, new Set());
  assertEquals([none.state, none.open, none.acknowledge], ["accept", ["copy", "truncate"], []]);
  assertEquals(none.title, "It would be refused: 2 breaking findings.");
  const one = verdictOf(plan, new Set([truncate]));
  assertEquals([one.state, one.open, one.acknowledge], ["accept", ["copy"], ["truncate"]]);
  const both = verdictOf(plan, new Set([copy, truncate]));
  assertEquals([both.state, both.open, both.acknowledge], ["ready", [], ["copy", "truncate"]]);
  assertStringIncludes(both.detail ?? "", "Read the 1 warning first.");
});

Deno.test("a tick does not accept another object that breaks later", () => {
  const before = [finding("truncate", "breaking", "f()")];
  const accepted = new Set(groupFindings(before).map(({ key }) => key));
  const would_be_refused = { code: "breaking_findings" as const, detail: "It would break." };
  const after = [...before, finding("truncate", "breaking", "g()")];
  assertEquals(verdictOf({ findings: before, would_be_refused }, accepted).state, "ready");
  assertEquals(verdictOf({ findings: after, would_be_refused }, accepted).state, "accept");
});

Deno.test("what breaks and was accepted with a proposal is not asked for again; other refusals cannot be ticked away", () => {
  const findings = [finding("truncate", "breaking")];
  assertEquals(verdictOf({ findings }, new Set()).state, "ready");
  const accepted = new Set(groupFindings(findings).map(({ key }) => key));
  const refused = verdictOf({
    findings,
    would_be_refused: { code: "plan_changed", detail: "It changed.", hint: "Propose it again." },
  }, accepted);
  assertEquals([refused.state, refused.detail], ["refused", "It changed. Propose it again."]);
});

Deno.test("what changed between two plans: lines that came and went, findings that came and went", () => {
  const plan = (lines: string[], findings: Finding[]) => ({
    statements: lines.map((sql) => ({ sql, purpose: "" })),
    findings,
  });
  const before = plan(["begin;\nselect 1;\nselect 1;"], [finding("copy", "breaking")]);
  const after = plan(["begin;\nselect 1;", "select 2;"], [finding("only", "warning")]);
  const { lines, added, gone } = planChanges(before, after);
  assertEquals(lines, ["- select 1;", "+ select 2;"]);
  assertEquals([added, gone].map((some) => some.map(({ code }) => code)), [["only"], ["copy"]]);
  assertEquals(planChanges(before, before), { lines: [], added: [], gone: [] });
});

const HASH = `sha256:${"ab".repeat(32)}`;
const OPTIONS: DraftOptions = {
  compatibility_view: true,
  rename_indexes: false,
  count_use: false,
  notes: "",
};

const ANSWER: OperationAnswer = {
  batch_id: "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10",
  mode: "apply",
  plan_hash: HASH,
  migrations: [],
  statements: [],
  findings: [],
  lock: null,
  verification: null,
};

/** What the pasted command sends: bash splits it, and the command itself reads the words. */
async function sentBy(command: string): Promise<unknown> {
  const folder = await Deno.makeTempDir();
  try {
    const shell = `npx() { printf '%s\\0' "$@"; }\n${command}`;
    const { stdout, success } = await new Deno.Command("bash", {
      args: ["-c", shell],
      cwd: folder,
      env: { LC_ALL: "C.UTF-8" },
    }).output();
    assert(success);
    const [program, ...words] = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
    assertEquals(program, "table-rename");
    const args = words.map((word) => /^renames-.*\.json$/.test(word) ? `${folder}/${word}` : word);
    let body: unknown;
    await withProject(async (request) => {
      body = await request.json();
      return Response.json(ANSWER);
    }, async (url) => {
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY };
      const { code, stderr } = await runMain(args, env, { cwd: folder });
      assertEquals([code, stderr.includes("error")], [0, false], stderr);
    });
    return REQUESTS.rename.parse(body);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const HOSTILE = [
  "Order; drop table x",
  'it\'s "quoted" $(touch x) `y` \\',
  "-begins with a hyphen",
  "--plan",
  "new\nline",
  "right\u202eto left",
  "ends in a backslash\\",
  "<script>alert(1)</script>",
  "END",
  "ünï 👍",
];

Deno.test("the copied command sends the same request as the page, whatever the names and notes are", async () => {
  const reviewed = { plan_hash: HASH, acknowledge: ["truncate", "copy"] };
  const requests: [PlanRequest, DraftOptions][] = [
    [planRequestOf({ renames: [rename("experts", "expert_profiles")], options: OPTIONS }), OPTIONS],
    ...HOSTILE.map((name): [PlanRequest, DraftOptions] => [
      { renames: [rename(name, `${name} 2`, "Shop.EU")] },
      { ...OPTIONS, notes: name },
    ]),
    [{
      renames: HOSTILE.map((name) => rename(name, `${name} 2`)),
      compatibility_view: false,
      rename_indexes: true,
    }, { ...OPTIONS, lock_timeout_ms: 100, max_wait_ms: 0 }],
    [{ renames: [rename("a", "b")], count_use: true }, OPTIONS],
    [{ batch_id: "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10" }, OPTIONS],
  ];
  for (const [request, options] of requests) {
    const wanted = changeRequest(request, options, reviewed);
    assertEquals(await sentBy(commandOf(wanted)), REQUESTS.rename.parse(wanted));
  }
});

Deno.test("a request has only what differs from the defaults, and no count without a view", () => {
  const renames = [rename("a", "b")];
  const options = { ...OPTIONS, compatibility_view: false, count_use: true, notes: "  " };
  const request = planRequestOf({ renames, options });
  assertEquals(request, { renames, compatibility_view: false });
  assertEquals(changeRequest(request, options, { plan_hash: HASH, acknowledge: [] }), {
    renames,
    compatibility_view: false,
    expected_plan_hash: HASH,
  });
});

Deno.test("a copied command shows what is invisible, instead of hiding it", () => {
  const request = (...renames: ReturnType<typeof rename>[]) =>
    commandOf(changeRequest({ renames }, OPTIONS, { plan_hash: HASH, acknowledge: [] }));
  for (
    const command of [
      request(rename("a\u202eb", "c")),
      request(rename("a\u202eb", "c"), rename("d\u200be", "f")),
    ]
  ) {
    assert(!/[\u202e\u200b]/.test(command), command);
  }
});
