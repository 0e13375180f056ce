import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { Finding, Usage } from "../../shared/contract/responses.ts";
import type { TextFacts } from "../../shared/facts/facts.ts";
import { usageOf } from "../../shared/usage/usage.ts";
import { OWN_STATEMENT } from "../../shared/sql/own_statements.ts";
import { showable } from "../../shared/usage/counting.ts";
import type {
  StatementEntry,
  UsageFacts,
  UsageRecord,
  UsedMigration,
} from "../../shared/facts/usage_facts.ts";
import { usageFindings } from "../../shared/usage/findings.ts";
import { readiness } from "../../shared/usage/readiness.ts";
import type { UsageSample } from "../../shared/usage/usage_sample.ts";
import { statementKind } from "../../shared/usage/statement_kinds.ts";
import { answered } from "../support/programs/cli.ts";
import { routineText } from "../support/text_facts.ts";

const ID = "7b9e3c0a-5a55-4d2e-9a7e-0d6b1a1f0c01";
const NOW = "2026-11-23T12:00:00+00:00";
const RENAMED = "2026-11-01T00:00:00+00:00";
const RESET = "2026-01-01T00:00:00+00:00";

const MIGRATION: UsedMigration = {
  id: ID,
  schema_name: "public",
  old_name: "experts",
  new_name: "expert_profiles",
  migrated_at: RENAMED,
  view_oid: 17,
  compatibility_view_created: true,
};

const entry = (text: string, more: Partial<StatementEntry> = {}): StatementEntry => ({
  key: text,
  role: "anon",
  toplevel: true,
  calls: 1,
  text,
  ...more,
});

interface Situation {
  version?: number;
  entries?: StatementEntry[];
  texts?: TextFacts[];
  same_named_relations?: UsageFacts["same_named_relations"];
  statements?: Partial<NonNullable<UsageFacts["statements"]>>;
  record?: Partial<UsageRecord> | null;
  before?: Record<string, number>;
  reads?: number;
}

/** One look in a situation that is quiet but for what is said. */
function look(
  { version = 170_000, entries = [], texts = [], same_named_relations = [], ...more }: Situation,
) {
  const losses = { stats_reset: RESET, dealloc: 3 };
  const record: UsageRecord = {
    migration_id: ID,
    snapshot_at: RENAMED,
    snapshot: { ...losses, entries: more.before ?? {} },
    observed_since: RENAMED,
    sampled_at: null,
    sample: null,
    last_used_at: null,
    ...more.record,
  };
  const samples = usageOf([MIGRATION], {
    facts: {
      at: NOW,
      server_version: version,
      statements: {
        ...losses,
        track: "top",
        track_utility: "on",
        compute_query_id: "auto",
        overrides: [],
        hidden: 0,
        textless: 0,
        unread: 0,
        entries,
        ...more.statements,
      },
      same_named_relations: [{ schema: "public", name: "experts" }, ...same_named_relations],
      sessions: [],
      reads: more.reads === undefined ? [] : [{ relation: 17, scans: more.reads }],
      scans_reset: null,
    },
    statistics: { state: "readable", schema: "extensions" },
    texts,
    records: more.record === null ? [] : [record],
  });
  return samples.get(ID)!;
}

const codesOf = ({ reasons }: Usage) =>
  reasons.map(({ code }) => code).filter((code) => code !== "nested_not_counted");

Deno.test("before 18 an entry of before the rename means the table, a later one the view", () => {
  const query = entry("select * from experts where id = $1", { calls: 500 });
  assertEquals(look({ entries: [query], before: { [query.key]: 20 } }).usage.state, "quiet");
  const { usage } = look({ entries: [query] });
  assertEquals([usage.state, usage.calls], ["used", 500]);
  assertEquals(usage.roles, [{ role: "anon", calls: 500 }]);
});

Deno.test("what is counted by name is counted from the rename on", () => {
  const before = (text: string) => ({ [text]: 20 });
  const query = entry("select * from experts where id = $1", { calls: 50 });
  assertEquals(
    look({ version: 180_000, entries: [query], before: before(query.key) }).usage.calls,
    30,
  );
  for (const version of [150_000, 170_000, 180_000]) {
    const copy = entry("copy (select * from experts) to stdout", { calls: 50 });
    assertEquals(look({ version, entries: [copy], before: before(copy.key) }).usage.calls, 30);
  }
  // It was dropped and made again: at least what it counts now is new.
  const again = entry(query.key, { calls: 5 });
  assertEquals(
    look({ version: 180_000, entries: [again], before: before(query.key) }).usage.calls,
    5,
  );
});

Deno.test("cursors and CREATE TABLE AS are counted by their text before 16, by their query since then", () => {
  for (
    const text of [
      "declare c cursor for select * from experts",
      "create temp table t as select * from experts",
      "select * into temp t from experts",
    ]
  ) {
    const entries = [entry(text, { calls: 50 })];
    assertEquals(look({ version: 150_000, entries, before: { [text]: 20 } }).usage.calls, 30, text);
    assertEquals(look({ version: 160_000, entries, before: { [text]: 20 } }).usage.calls, 0, text);
  }
});

Deno.test("since 18 an alias hides which name was used, whatever form it has", () => {
  const unknown = [
    "select e.id from experts e where e.id = $1",
    "select e.id from experts as e",
    'update public.experts "e" set name = $1',
    "insert into experts as e (id) values ($1)",
    "delete from experts * e",
    "select e.id from expert_profiles e",
    "select id from public.expert_profiles as experts",
  ];
  for (const text of unknown) {
    const entries = [entry(text)];
    const { usage } = look({ version: 180_000, entries });
    assertEquals([usage.state, codesOf(usage)], ["unknown", ["unclear_statements"]], text);
    const old = look({ version: 170_000, entries }).usage.state;
    assertEquals(old, text.includes("expert_profiles") ? "quiet" : "used", text);
  }
  for (
    const text of [
      "select * from experts where id = $1",
      "select * from public.experts, x e",
      "select from experts for update",
      "update experts set id = $1",
      "delete from experts using x",
      "insert into experts default values",
      "insert into experts (id) select $1",
      "table experts",
      "select * from x join experts on true",
      "select * from x join experts using (id)",
      "select experts.id from experts group by id",
      "lock table experts in access share mode",
      "select * from only experts tablesample system (1)",
    ]
  ) {
    assertEquals(look({ version: 180_000, entries: [entry(text)] }).usage.state, "used", text);
  }
  const nested = [entry("select e.id from expert_profiles e", { toplevel: false })];
  assertEquals(look({ version: 180_000, entries: nested }).usage.state, "quiet");
});

Deno.test("a name that other schemas have too must be qualified to be clear", () => {
  const same_named_relations = [{ schema: "app", name: "experts" }];
  const state = (text: string, version?: number) =>
    look({ version, same_named_relations, entries: [entry(text)] }).usage.state;
  assertEquals(state("select from public.experts"), "used");
  assertEquals(state("select from experts"), "unknown");
  assertEquals(state("select from app.experts"), "quiet");
  assertEquals(state("select from public.experts", 180_000), "unknown");
  assertEquals(state("select from app.experts", 180_000), "unknown");
});

Deno.test("definitions, explanations and our own statements are no use", () => {
  const kind = (text: string) => statementKind(text, 170_000);
  for (
    const text of [
      "alter table experts add column x int",
      "CREATE OR REPLACE VIEW v AS SELECT * FROM experts",
      "create index on experts (id)",
      "create foreign table t (like experts) server s",
      "-- comment\n/* another */ comment on view experts is 'x'",
      "grant select on experts to anon",
      "explain analyze select * from experts",
      "lock table only experts in access exclusive mode",
      "lock table experts in share update exclusive mode nowait",
      "prepare table_rename_record_1 as update experts set x = 1",
      `do $verify$ begin execute '${OWN_STATEMENT} select from experts'; end $verify$`,
      `${OWN_STATEMENT} select from experts`,
      "vacuum experts",
    ]
  ) assertEquals(kind(text), "no use", text);
  for (
    const [text, expected] of [
      ["select 1", "query"],
      ["(select count(*) from experts)", "query"],
      ["x := (select 1)", "query"],
      ["with a as (select 1) select * from a", "query"],
      ["prepare p as select * from experts", "query"],
      ["copy experts to stdout", "command"],
      ["do $$ begin perform from experts; end $$", "command"],
      ["call p()", "command"],
      ["lock table experts", "command"],
      ["create unlogged table t as table experts", "query"],
      ["", "query"],
    ] as const
  ) assertEquals(kind(text), expected, text);
});

Deno.test("an example shows no value, no comment, and at most 200 characters", () => {
  assertEquals(
    showable(
      "select  *\nfrom t -- secret\n where a = 'secret' and b = E'it''s \\' secret' /* secret */",
    ),
    "select * from t where a = ? and b = ?",
  );
  assertEquals(showable("do $x$ secret $x$"), "do ?");
  assertEquals(
    showable("select $1, 1.5e3, X'ff', U&'secret', a$b, \"Quoted\""),
    'select $1, ?, ?, ?, a$b, "Quoted"',
  );
  assertEquals(showable("select 'secret without an end"), "select ?");
  const long = showable(`select ${"é, ".repeat(1000)}`);
  assertEquals([...long].length, 200);
  assert(long.endsWith("…"));
});

Deno.test("what was lost makes it unknown, and is remembered", () => {
  const reset = look({ statements: { stats_reset: "2026-11-20T00:00:00+00:00", dealloc: 0 } });
  assertEquals(codesOf(reset.usage), ["statistics_reset"]);
  assertEquals([reset.usage.state, reset.usage.quiet_since], [
    "unknown",
    "2026-11-20T00:00:00+00:00",
  ]);
  const later = look({
    record: reset.record!,
    statements: { stats_reset: "2026-11-20T00:00:00+00:00", dealloc: 0 },
  });
  assertEquals([later.usage.state, codesOf(later.usage)], ["unknown", ["statistics_reset"]]);
  assertEquals(later.usage.quiet_since, "2026-11-20T00:00:00+00:00");

  const evicted = look({ statements: { dealloc: 4 } });
  assertEquals([evicted.usage.quiet_since, codesOf(evicted.usage)], [NOW, ["statistics_evicted"]]);
  assertEquals(codesOf(look({ before: { gone: 1 } }).usage), ["statistics_removed"]);
  assertEquals(codesOf(look({ record: null }).usage), ["no_snapshot"]);
  for (
    const statements of [
      { hidden: 1 },
      { textless: 1 },
      { unread: 1 },
      { track: "none" },
      { track_utility: "off" },
      { compute_query_id: "off" },
      { overrides: [{ role: null, setting: "compute_query_id=off" }] },
    ]
  ) {
    const { usage } = look({ statements });
    assertEquals([usage.state, usage.quiet_since], ["unknown", null], JSON.stringify(statements));
  }
});

Deno.test("what was noted late shows growth, but not of what", () => {
  const query = entry("select from experts", { calls: 7 });
  const first = look({ record: null, entries: [query] });
  assertEquals([first.usage.state, first.usage.calls], ["unknown", 0]);
  const more = [{ ...query, calls: 9 }];
  const second = look({ record: first.record!, entries: more });
  assertEquals(codesOf(second.usage), ["no_snapshot", "unclear_statements"]);
  // A statement that nobody had noted can only be of the view.
  const third = look({ record: second.record!, entries: [...more, entry("table experts")] });
  assertEquals([third.usage.state, third.usage.calls], ["used", 1]);
});

const ROUTINE = routineText({ language: "plpgsql" });

Deno.test("a routine or a job that names it is a use, one that may is not known", () => {
  const text = (body: string, kind: TextFacts["kind"] = "routine"): TextFacts => ({
    ...ROUTINE,
    kind,
    language: kind === "routine" ? "plpgsql" : "sql",
    text: body,
  });
  const use = look({ texts: [text("begin perform from experts; end")] }).usage;
  assertEquals([use.state, codesOf(use), use.quiet_since], ["used", ["named_in_routine"], null]);
  const job = look({ texts: [text("delete from experts", "cron job")] }).usage;
  assertEquals(codesOf(job), ["named_in_cron_job"]);
  const other = { ...text("print('experts')"), language: "plpython3u" };
  const may = look({ texts: [other] }).usage;
  assertEquals([may.state, codesOf(may)], ["unknown", ["possibly_named"]]);
});

Deno.test("to end a rename, recent calls and too short a quiet stand against it", () => {
  const findings = (one: UsageSample, quiet_for_days = 0) =>
    usageFindings([MIGRATION], { at: NOW, byId: new Map([[ID, one]]) }, { quiet_for_days });
  const used = look({
    entries: [entry("select from experts where name = 'secret'", { calls: 3 })],
  });
  const [finding] = findings(used);
  assertEquals(
    [finding.code, finding.severity, finding.object],
    ["old_name_in_use", "breaking", '"public"."experts"'],
  );
  assertStringIncludes(finding.message, "anon (3)");
  assertEquals(finding.message.includes("secret"), false);
  assertStringIncludes(finding.remedy, '"public"."expert_profiles"');

  const quiet = look({});
  assertEquals(findings(quiet), []);
  assertEquals(findings(quiet, 22), []);
  const [early, ...more] = findings(quiet, 23);
  assertEquals([early.code, more], ["not_quiet_long_enough", []]);
  assertMatch(
    early.message,
    /not been quiet for 23 days, only since \S+Z\. The earliest date is \S+Z/,
  );
  assertStringIncludes(early.message, early.earliest!);
  const end = Date.parse(RENAMED) + 23 * 86_400_000;
  assertEquals(Date.parse(early.earliest!), Math.ceil(end / 60_000) * 60_000);
  // Names of which the same is to be said are reported together, however many.
  const ids = Array.from({ length: 30 }, (_, n) => `${ID}${n}`);
  const many = usageFindings(
    ids.map((id, n) => ({ ...MIGRATION, id, old_name: `t${n}` })),
    { at: NOW, byId: new Map(ids.map((id) => [id, quiet])) },
    { quiet_for_days: 23 },
  );
  assertEquals(many.length, 1);
  for (let n = 0; n < 30; n++) assertStringIncludes(many[0].message, `"public"."t${n}"`);
  const unknown = look({ statements: { hidden: 2 } });
  assertEquals(findings(unknown).map(({ severity }) => severity), ["warning"]);
  assertStringIncludes(findings(unknown, 1)[0].message, "cannot be known");
});

Deno.test("a rename is ready to be finalized exactly if its use is no finding against it", () => {
  const routine = (body: string): TextFacts => ({ ...ROUTINE, text: body });
  const situations: Situation[] = [
    {},
    { entries: [entry("select from experts")] },
    { record: { last_used_at: "2026-11-20T12:00:00+00:00" } },
    { record: { last_used_at: "2026-11-14T12:00:00+00:00" } },
    { statements: { hidden: 2 } },
    { statements: { dealloc: 4 } },
    { texts: [{ ...routine("print('experts')"), language: "plpython3u" }] },
  ];
  for (const situation of situations) {
    for (const days of [0, 1, 7, 22, 23]) {
      const one = look(situation);
      const samples = { at: NOW, byId: new Map([[ID, one]]) };
      const findings = usageFindings([MIGRATION], samples, { quiet_for_days: days });
      const verdict = readiness(MIGRATION, one, { at: NOW, days });
      const refused = findings.some(({ severity }) => severity === "breaking");
      assertEquals(verdict.ready, !refused, JSON.stringify([situation, days]));
      assert(verdict.reasons.length > 0);
    }
  }
  const verdict = (situation: Situation, days = 7) => {
    const { ready, earliest, reasons } = readiness(MIGRATION, look(situation), { at: NOW, days });
    return [ready, earliest, ...reasons.map(({ code, message }) => `${code}: ${message}`)];
  };
  assertEquals(verdict({}), [
    true,
    null,
    "quiet: No use was seen for 22 days (7 asked for), and nothing in the database names it.",
  ]);
  assertEquals(verdict({ record: { last_used_at: "2026-11-20T12:00:00+00:00" } }), [
    false,
    "2026-11-27T12:00:00.000Z",
    "not_quiet_long_enough: No use was seen since 2026-11-20T12:00Z, and 7 days are asked for: until 2026-11-27T12:00Z.",
  ]);
  assertEquals(verdict({ entries: [entry("select from experts")] }).slice(0, 2), [
    ...[false, "2026-11-30T12:00:00.000Z"],
  ]);
  // A text stays until somebody changes it, and what was not counted never will be.
  const [ready, earliest, reason] = verdict({
    texts: [routine("begin perform from experts; end")],
  });
  assertEquals([ready, earliest], [false, null]);
  assertMatch(String(reason), /^named_in_routine: The routine public\.f\(\) names it/);
  assertEquals(verdict({ statements: { hidden: 2 } }).slice(0, 3), [
    ...[false, null, "use_not_known: Whether the old name was quiet for 7 days cannot be known."],
  ]);
  const gone: Finding = {
    code: "table_missing",
    severity: "breaking",
    object: "t",
    message: "The table is gone.",
    remedy: "Close the record.",
  };
  assertEquals(readiness(MIGRATION, look({}), { at: NOW, days: 7, drift: [gone] }), {
    ready: false,
    earliest: null,
    reasons: [{ code: "drifted", message: "The table is gone." }],
  });
  assertEquals(readiness(MIGRATION, undefined, { at: NOW, days: 7 }).ready, true);
});

Deno.test("a use that is not known is called unknown, never no use, and a plan warns of it", () => {
  const situation = {
    same_named_relations: [{ schema: "shop", name: "experts" }],
    entries: [entry("insert into experts values ($1)", { calls: 3 })],
  };
  const one = look(situation);
  assertEquals([one.usage.state, one.usage.calls], ["unknown", 0]);
  for (const days of [0, 7]) {
    const { ready, reasons } = readiness(MIGRATION, one, { at: NOW, days });
    const text = reasons.map(({ message }) => message).join(" ");
    assertEquals(ready, days === 0);
    assertMatch(
      text,
      /^Whether the old name is used is unknown\..* may use the old name, or a table/,
    );
    assert(!/No use|nothing in the database|PostgreSQL 18/.test(text), text);
  }
  const samples = { at: NOW, byId: new Map([[ID, one]]) };
  const [warning, ...more] = usageFindings([MIGRATION], samples, { quiet_for_days: 0 });
  assertEquals([warning.code, warning.severity, more], ["old_name_use_unknown", "warning", []]);
  const newer = look({ ...situation, version: 180_000 }).usage.reasons;
  assertMatch(newer.map(({ message }) => message).join(" "), /from PostgreSQL 18 on/);
});

Deno.test("neither a list nor a plan calls a name ready whose use is unknown", async () => {
  const one = look({
    same_named_relations: [{ schema: "shop", name: "experts" }],
    entries: [entry("insert into experts values ($1)", { calls: 3 })],
  });
  const migration = {
    ...MIGRATION,
    status: "active",
    usage: one.usage,
    ready_to_finalize: readiness(MIGRATION, one, { at: NOW, days: 0 }),
  };
  const listed = await answered(
    Response.json({ migrations: [migration], next_cursor: null }),
    ["list-migrations", "--include", "usage"],
  );
  assertMatch(listed.stdout, /use unknown +unknown/);
  const samples = { at: NOW, byId: new Map([[ID, one]]) };
  const planned = await answered(
    Response.json({
      ...{ batch_id: null, mode: "plan", plan_hash: "sha256:0", statements: [], lock: null },
      ...{ verification: null, migrations: [migration] },
      findings: usageFindings([MIGRATION], samples, { quiet_for_days: 0 }),
    }),
    ["finalize-rename", "experts", "--quiet-for-days", "0", "--plan"],
  );
  assertMatch(planned.stdout, /Whether something would break is unknown: 1 warning/);
  assert(!/nothing would break|No use was seen/.test(planned.stdout), planned.stdout);
});

Deno.test("no sentence says that a name is quiet since a time to come", () => {
  const last_used_at = "2026-11-23T11:59:10.5+00:00";
  const { reasons } = readiness(MIGRATION, look({ record: { observed_since: last_used_at } }), {
    ...{ at: "2026-11-23T11:59:20+00:00", days: 7 },
  });
  assertMatch(reasons[0].message, /since 2026-11-23T11:59Z/);
});

Deno.test("list-migrations shows the use of old names, with nothing a terminal would act on", async () => {
  const usage: Usage = {
    state: "used",
    calls: 12,
    reads: null,
    roles: [{ role: "anon", calls: 9 }, { role: "b", calls: 1 }, { role: "c", calls: 1 }, {
      role: "d",
      calls: 1,
    }],
    since: RENAMED,
    last_sampled_at: NOW,
    last_used_at: NOW,
    quiet_since: NOW,
    days: [],
    examples: [{ statement: "select \u001b[31m from experts", role: "anon", calls: 9 }],
    reasons: [{ code: "calls_seen", message: "Calls had grown." }],
  };
  const migration = {
    id: ID,
    batch_id: ID,
    schema_name: "public",
    old_name: "experts",
    new_name: "expert_profiles",
    status: "active",
    migrated_at: RENAMED,
    requested_at: RENAMED,
    usage,
    ready_to_finalize: { ready: false, earliest: NOW, reasons: usage.reasons },
  };
  const quiet = {
    ...migration,
    old_name: "teams",
    usage: { ...usage, state: "quiet", calls: 0, roles: [], examples: [], reasons: [] },
    ready_to_finalize: { ready: true, earliest: null, reasons: [{ code: "quiet", message: "Q." }] },
  };
  const page = { migrations: [migration, quiet], next_cursor: null };
  const { stdout } = await answered(Response.json(page), ["list-migrations", "--include", "usage"]);
  assertStringIncludes(stdout, "Ready to finalize\n  1 of 2 is ready.\n");
  assertStringIncludes(stdout, "no, 2026-11-23 at the earliest");
  assertStringIncludes(stdout, "npm run cli -- finalize-rename --ready\n");
  assertStringIncludes(stdout, "2026-11-23 12:00:00Z");
  assertStringIncludes(stdout, "anon (9), b (1), c (1), 1 more");
  assertStringIncludes(stdout, "ready  teams\n    Q.\n");
  assertStringIncludes(stdout, "For example: select \\u{1b}[31m from experts");
  assertEquals(stdout.includes("\u001b"), false);
});

Deno.test("calls are counted by day of the sample that saw them, and lost statistics count none twice", () => {
  const query = (calls: number) => entry("select * from experts where id = $1", { calls });
  const first = look({ entries: [query(5)] });
  assertEquals(first.usage.days, [{ day: "2026-11-23", calls: 5 }]);
  const again = look({ entries: [query(7)], record: first.record! });
  assertEquals([again.usage.days, again.usage.calls], [[{ day: "2026-11-23", calls: 7 }], 7]);
  // After a reset the three calls are new, and the seven of before stay.
  const statements = { stats_reset: "2026-11-23T11:00:00+00:00", dealloc: 0 };
  const reset = look({ entries: [query(3)], record: again.record!, statements });
  assertEquals([reset.usage.days, reset.usage.calls], [[{ day: "2026-11-23", calls: 10 }], 10]);
  const none = look({ entries: [], record: reset.record!, statements });
  assertEquals(none.usage.days, [{ day: "2026-11-23", calls: 10 }]);
});

Deno.test("days are kept for 60 days, oldest first, and those of an earlier version have none", () => {
  const { record } = look({ entries: [] });
  const kept = (days: Record<string, number> | undefined) =>
    look({ record: { ...record!, sample: { ...record!.sample!, days } } }).usage.days;
  assertEquals(kept({ "2026-11-22": 1, "2026-09-25": 2, "2026-09-24": 3 }), [
    { day: "2026-09-25", calls: 2 },
    { day: "2026-11-22", calls: 1 },
    { day: "2026-11-23", calls: 0 },
  ]);
  assertEquals(kept(undefined), [{ day: "2026-11-23", calls: 0 }]);
});
