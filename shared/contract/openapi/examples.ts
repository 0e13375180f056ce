/**
 * Examples of requests and answers for the OpenAPI document. The tests send the requests, in this order, to a database
 * with the tables `experts`, `teams` and `document_types`, and validate the real answers and those here.
 */
import type { ProblemBody } from "../problems.ts";

/** Placeholders for ids of earlier answers: of the rename of `experts`, and of the proposal. */
export const EXAMPLE_MIGRATION_ID = "6f0b9c1e-2f6e-4a53-9d2c-1d1f6f3c7a10";
export const EXAMPLE_BATCH_ID = "1a2a5b0e-6a0f-4d0a-8a52-6f1f1f0c7d33";

interface Example {
  endpoint: string;
  title: string;
  /** The body, or the query parameters of a GET. */
  request: Record<string, unknown>;
  /** The answer's status. Default: 200. */
  status?: number;
}

export const EXAMPLES: Example[] = [
  { endpoint: "analyze", title: "One table", request: { table: "experts" } },
  { endpoint: "analyze", title: "Which tables there are", request: { detail: "names" } },
  {
    endpoint: "rename",
    title: "What would happen",
    request: { old_name: "experts", new_name: "expert_profiles", mode: "plan" },
  },
  {
    endpoint: "rename",
    title: "One table",
    request: { old_name: "experts", new_name: "expert_profiles", notes: "phase 2" },
  },
  {
    endpoint: "rename",
    title: "The same again is refused",
    request: { old_name: "experts", new_name: "specialists" },
    status: 409,
  },
  {
    endpoint: "verify",
    title: "Reads and writes by both names",
    request: { migration_id: EXAMPLE_MIGRATION_ID, checks: ["reads", "writes"] },
  },
  {
    endpoint: "refresh",
    title: "After the table got a column",
    request: { migration_id: EXAMPLE_MIGRATION_ID },
  },
  {
    endpoint: "rename",
    title: "Several tables, all or none",
    request: {
      renames: [
        { schema: "public", old_name: "teams", new_name: "expert_teams" },
        { schema: "public", old_name: "document_types", new_name: "doc_types" },
      ],
      rename_indexes: true,
      lock_timeout_ms: 100,
      max_wait_ms: 10_000,
    },
  },
  { endpoint: "rollback", title: "By a table's name", request: { table: "doc_types" } },
  {
    endpoint: "rename",
    title: "A proposal",
    request: { old_name: "document_types", new_name: "doc_types", mode: "propose" },
  },
  {
    endpoint: "list-migrations",
    title: "What is proposed",
    request: { status: "pending", limit: 10 },
  },
  {
    endpoint: "rename",
    title: "The proposal is applied",
    request: { batch_id: EXAMPLE_BATCH_ID },
  },
  {
    endpoint: "list-migrations",
    title: "What is active, and whether the old names are used",
    request: { status: "active", include: "drift,usage" },
  },
  {
    endpoint: "list-events",
    title: "What was refused",
    request: { outcome: "refused", limit: 20 },
  },
  {
    endpoint: "list-events",
    title: "The history of one rename",
    request: { migration_id: EXAMPLE_MIGRATION_ID },
  },
  {
    endpoint: "report-uses",
    title: "What find-uses has found",
    request: {
      uses: [
        { migration_id: EXAMPLE_MIGRATION_ID, certain: 3, possible: 1 },
        { old_name: "document_types", certain: 0, possible: 0 },
      ],
      repository: "web",
    },
  },
  {
    endpoint: "list-migrations",
    title: "The last verification, and what is left in code",
    request: { status: "active", include: "verification,uses_in_code" },
  },
  {
    endpoint: "list-migrations",
    title: "One migration with its plan",
    request: { id: EXAMPLE_MIGRATION_ID, include: "plan" },
  },
  { endpoint: "table-aliases", title: "Of one schema", request: { schema: "public" } },
  {
    endpoint: "rollback",
    title: "What it would take to go back",
    request: { table: "expert_teams", schema: "public", mode: "plan" },
  },
  {
    endpoint: "finalize",
    title: "The end of a rename",
    request: { table: "experts", acknowledge: ["not_quiet_long_enough"] },
  },
];

const PLAN_HASH = `sha256:${"4d6dd1bc3d8c7b3b".repeat(4)}`;

const REALTIME = {
  code: "realtime_publication",
  severity: "breaking",
  object: '"public"."experts"',
  message:
    "The table is in the publication supabase_realtime. Its changes will be published under the name " +
    '"expert_profiles"; Realtime subscriptions to the old name receive nothing, since a view cannot be published.',
  remedy:
    "Subscribe to both names in the clients first, or acknowledge that subscriptions to the old name fall silent.",
};

const MIGRATION = {
  id: EXAMPLE_MIGRATION_ID,
  batch_id: EXAMPLE_BATCH_ID,
  schema_name: "public",
  old_name: "experts",
  new_name: "expert_profiles",
  status: "active",
  table_oid: 22777,
  view_oid: 22801,
  compatibility_view_created: true,
  dependencies: { indexes: ["experts_pkey"], views: ["public.expert_names"] },
  plan_hash: PLAN_HASH,
  requested_at: "2026-11-22T12:00:00.5+00:00",
  requested_by: "key:default ada",
  migrated_at: "2026-11-22T12:00:00.5+00:00",
  migrated_by: "key:default ada",
  rollback_at: null,
  rollback_by: null,
  finalized_at: null,
  finalized_by: null,
  notes: "phase 2",
};

const STATEMENTS = [{
  sql: 'alter table "public"."experts" rename to "expert_profiles"',
  purpose: "Give the table its new name",
}];

/** Answers by schema. */
export const ANSWERS: Record<string, Record<string, unknown>> = {
  OperationAnswer: {
    "A plan": {
      batch_id: null,
      mode: "plan",
      plan_hash: PLAN_HASH,
      migrations: [],
      statements: STATEMENTS,
      findings: [REALTIME],
      lock: null,
      verification: null,
      tables: [{
        schema: "public",
        old_name: "experts",
        new_name: "expert_profiles",
        compatibility_view: true,
        dependants: {
          indexes: [{ name: "experts_pkey", effect: "follows", detail: "It keeps its name." }],
          publications: [{
            name: "supabase_realtime",
            effect: "breaks",
            detail: "Subscriptions to the old name receive nothing.",
          }],
        },
      }],
    },
    "Done": {
      batch_id: EXAMPLE_BATCH_ID,
      mode: "apply",
      plan_hash: PLAN_HASH,
      migrations: [MIGRATION],
      statements: STATEMENTS,
      findings: [],
      lock: { attempts: 1, waited_ms: 0.4, held_ms: 1.9 },
      verification: {
        passed: true,
        checks: [{ name: "tables have their new names", passed: true }],
      },
    },
  },
  ListMigrationsAnswer: { "The last page": { migrations: [MIGRATION], next_cursor: null } },
  ListEventsAnswer: {
    "A rename": {
      events: [{
        id: 4,
        occurred_at: "2026-11-22T12:00:00.5+00:00",
        request_id: "0d3c5f0e-93a1-4a5c-8a0e-3f0a3a2b7f51",
        operation: "rename",
        actor: "key:default ada",
        outcome: "succeeded",
        problem_code: null,
        batch_id: EXAMPLE_BATCH_ID,
        migration_ids: [EXAMPLE_MIGRATION_ID],
        renames: [{ schema: "public", old_name: "experts", new_name: "expert_profiles" }],
        renames_total: 1,
        plan_hash: PLAN_HASH,
        lock: { attempts: 1, waited_ms: 0.4, held_ms: 1.9 },
        details: {},
      }],
      next_cursor: null,
    },
  },
  ReportUsesAnswer: {
    "Recorded": {
      uses: [{
        migration_id: EXAMPLE_MIGRATION_ID,
        schema: "public",
        old_name: "experts",
        certain: 3,
        possible: 1,
      }],
    },
  },
  AnalyzeAnswer: {
    "One table": {
      tables: [{
        schema: "public",
        table: "experts",
        kind: "table",
        owner: "postgres",
        estimated_bytes: 81_920,
        estimated_rows: 412,
        migrations: [],
        dependants: { indexes: [{ name: "experts_pkey", effect: "follows", detail: null }] },
        findings: [REALTIME],
      }],
    },
  },
  VerifyAnswer: {
    "It does": {
      passed: true,
      session: {
        login: "table_verifier",
        separate: true,
        executed: true,
        detail:
          "Statements were run in a session of table_verifier, which has no rights of its own.",
        untrusted: [],
      },
      checks: [{ name: "reads", passed: true, detail: "Every role reads the same.", failures: [] }],
    },
  },
  TableAliasesAnswer: {
    "One old name": {
      aliases: [{ schema: "public", old_name: "experts", new_name: "expert_profiles" }],
    },
  },
  Progress: {
    "Kept waiting": {
      phase: "waiting",
      attempt: 2,
      waited_ms: 412,
      blockers: [{
        pid: 4711,
        role: "authenticator",
        application_name: "postgrest",
        state: "active",
        since: "2026-11-22T12:00:00.5+00:00",
        age_ms: 5_120,
        query: "select * from experts",
      }],
    },
  },
};

/** A refusal of an endpoint that changes something. */
export const PROBLEM_EXAMPLE: ProblemBody = {
  type: "urn:table-rename:problem:breaking_findings",
  title: "Something would break",
  status: 409,
  detail: 'This would break something: realtime_publication on "public"."experts".',
  code: "breaking_findings",
  hint: 'Fix what the findings report, or accept it with "acknowledge": ["realtime_publication"].',
  findings: [REALTIME],
};
