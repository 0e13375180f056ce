/** What the OpenAPI document says of each endpoint. */
import type { ProblemCode } from "../problems.ts";
import type { REQUESTS } from "../requests.ts";

export type Endpoint = keyof typeof REQUESTS;

export interface EndpointText {
  method: "get" | "post";
  summary: string;
  description: string;
  answer: string;
  streams?: boolean;
  /** Codes beyond COMMON_PROBLEMS. */
  problems: ProblemCode[];
}

/** Codes that every endpoint can answer. */
export const COMMON_PROBLEMS: ProblemCode[] = [
  "invalid_request",
  "unauthorized",
  "forbidden",
  "method_not_allowed",
  "internal",
  "busy",
  "database_unavailable",
  "deadline_exceeded",
];

const WITH_BODY: ProblemCode[] = [
  "invalid_json",
  "invalid_identifier",
  "body_incomplete",
  "body_too_slow",
  "body_too_large",
  "unsupported_media_type",
];

const OF_CHANGES: ProblemCode[] = [
  ...WITH_BODY,
  "not_table_owner",
  "breaking_findings",
  "plan_changed",
  "request_in_progress",
  "idempotency_key_reused",
  "unsupported_server",
  "too_many_locks",
  "lock_not_acquired",
];

const OF_MIGRATIONS: ProblemCode[] = [
  ...OF_CHANGES,
  "migration_not_found",
  "not_active",
  "drifted",
  "dependants_cannot_follow",
];

/** The endpoints by name. */
export const ENDPOINTS: Record<Endpoint, EndpointText> = {
  rename: {
    method: "post",
    summary: "Rename tables, all or none",
    description:
      "In one transaction each table gets its new name and a compatibility view takes the old one. " +
      "With mode plan nothing is changed, with mode propose a pending batch is recorded; a batch_id alone applies it.",
    answer: "OperationAnswer",
    streams: true,
    problems: [
      ...OF_CHANGES,
      "protected_schema",
      "extension_owned",
      "table_not_found",
      "migration_not_found",
      "name_taken",
      "already_renamed",
      "not_active",
      "unsupported_relation",
    ],
  },
  rollback: {
    method: "post",
    summary: "Undo renames, or withdraw proposals",
    description:
      "The view is dropped, the table gets its old name back, and verification reports whether everything is as " +
      "before.",
    answer: "OperationAnswer",
    streams: true,
    problems: OF_MIGRATIONS,
  },
  finalize: {
    method: "post",
    summary: "End renames: the old names are given up",
    description:
      "The view is dropped, and only the new name is left. Refused while the old name is still in use.",
    answer: "OperationAnswer",
    streams: true,
    problems: [...OF_MIGRATIONS, "old_name_in_use"],
  },
  refresh: {
    method: "post",
    summary: "Recreate a compatibility view as its table is now",
    description: "After columns, defaults or privileges of the table changed.",
    answer: "OperationAnswer",
    streams: true,
    problems: OF_MIGRATIONS,
  },
  "list-migrations": {
    method: "get",
    summary: "The tracked renames, newest first",
    description: "Keyset pagination: every page costs the same.",
    answer: "ListMigrationsAnswer",
    problems: [],
  },
  "list-events": {
    method: "get",
    summary: "What was requested and what came of it, newest first",
    description:
      "Every request that changed something or tried to, found drift, failed verifications and refused webhooks. " +
      "Keyset pagination: every page costs the same.",
    answer: "ListEventsAnswer",
    problems: [],
  },
  analyze: {
    method: "get",
    summary: "Everything that depends on tables, and what a rename does to it",
    description: "Reads only.",
    answer: "AnalyzeAnswer",
    problems: ["invalid_identifier", "protected_schema", "table_not_found", "unsupported_relation"],
  },
  verify: {
    method: "post",
    summary: "Test whether an old name still works like its table",
    description:
      "Reads, writes, joins, cost and the Data API, by both names; everything it runs is rolled back.",
    answer: "VerifyAnswer",
    streams: true,
    problems: [...WITH_BODY, "migration_not_found", "not_active", "drifted", "unsupported_server"],
  },
  "report-uses": {
    method: "post",
    summary: "Record how many uses of old names are left in source code",
    description:
      "All entries or none. A report takes the place of the last one of the same repository. Only the numbers are " +
      "kept, with the date and who sent them.",
    answer: "ReportUsesAnswer",
    problems: [...WITH_BODY, "migration_not_found", "lock_not_acquired"],
  },
  "table-aliases": {
    method: "get",
    summary: "The TypeScript that makes the old names compile",
    description: "As text, or with Accept: application/json as pairs of names.",
    answer: "TableAliasesAnswer",
    problems: [],
  },
};
