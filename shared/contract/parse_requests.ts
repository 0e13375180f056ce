/** Reads what callers send; what is not valid is refused with every place and what is wrong there. */
import type { z } from "zod";
import { Problem } from "./problems.ts";
import {
  type AnalyzeQuery,
  type FinalizeRequest,
  IDENTIFIER,
  type ListMigrationsQuery,
  proposedBatch,
  type ProposedBatchRequest,
  type RefreshRequest,
  renameBatch,
  type RenameRequest,
  REQUESTS,
  type RollbackRequest,
  type TableAliasesQuery,
  type VerifyRequest,
} from "./requests.ts";

/** Most issues that one problem lists; a hostile body could otherwise make an answer larger than itself. */
const MAX_ISSUES = 20;

function parse<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues;
  const onlyIdentifiers = issues.every((issue) =>
    issue.code === "custom" && issue.params?.problem === IDENTIFIER.problem
  );
  const listed = issues.slice(0, MAX_ISSUES).map((issue) => ({
    path: issue.path.map(String).join("."),
    message: issue.message.slice(0, 500),
  }));
  const [first] = listed;
  const where = first.path === "" ? "The request" : `"${first.path.slice(0, 200)}"`;
  throw new Problem(
    onlyIdentifiers ? "invalid_identifier" : "invalid_request",
    `${where} is not valid: ${first.message}` +
      (issues.length > 1 ? ` (and ${issues.length - 1} more)` : ""),
    {
      hint: "See `issues` for each place; nothing was changed.",
      fields: { issues: listed, issues_total: issues.length },
    },
  );
}

/** Only what is not there yet is proposed; a rollback is what withdraws a proposal. */
function refuseProposal(request: { mode: string }): void {
  if (request.mode !== "propose") return;
  const message = "only a rename can be proposed";
  throw new Problem("invalid_request", `"mode" is not valid: ${message}`, {
    hint: "Use plan to see what would happen, then apply.",
    fields: { issues: [{ path: "mode", message }] },
  });
}

/** A file is made of a plan, for others to apply; what is applied here needs none. */
function refuseFile(request: { mode: string; migration_file?: boolean }): void {
  if (!request.migration_file || request.mode === "plan") return;
  const message = "a migration file is made of a plan";
  throw new Problem("invalid_request", `"migration_file" is not valid: ${message}`, {
    hint: 'Send it with "mode": "plan"; what is applied here is recorded in the migration history.',
    fields: { issues: [{ path: "migration_file", message }] },
  });
}

const isObject = (input: unknown): input is Record<string, unknown> =>
  typeof input === "object" && input !== null && !Array.isArray(input);

/**
 * Reads the body of a rename: `renames`, one rename's fields at the top level, or the `batch_id` of a
 * proposal.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseRenameRequest(input: unknown): RenameRequest | ProposedBatchRequest {
  if (isObject(input) && "batch_id" in input && !("renames" in input)) {
    return parse(proposedBatch, input);
  }
  let body = input;
  if (isObject(input) && !("renames" in input)) {
    const { schema, old_name, new_name, ...options } = input;
    const single = schema === undefined ? { old_name, new_name } : { schema, old_name, new_name };
    body = { ...options, renames: [single] };
  }
  const request = parse(renameBatch, body);
  refuseFile(request);
  return request;
}

/**
 * Reads the body of a rollback.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseRollbackRequest(input: unknown): RollbackRequest {
  const request = parse(REQUESTS.rollback, input);
  refuseProposal(request);
  refuseFile(request);
  return request;
}

/**
 * Reads the body of a finalize.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseFinalizeRequest(input: unknown): FinalizeRequest {
  const request = parse(REQUESTS.finalize, input);
  refuseProposal(request);
  refuseFile(request);
  return request;
}

/**
 * Reads the body of a refresh.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseRefreshRequest(input: unknown): RefreshRequest {
  const request = parse(REQUESTS.refresh, input);
  refuseProposal(request);
  refuseFile(request);
  return request;
}

/**
 * Reads the query of analyze: `schema` and `table`, each given once or several times. Without a table, all
 * tables of the schemas are meant.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseAnalyzeQuery(input: unknown): AnalyzeQuery {
  return parse(REQUESTS.analyze, input);
}

/**
 * Reads the query of list-migrations.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseListMigrationsQuery(input: unknown): ListMigrationsQuery {
  return parse(REQUESTS["list-migrations"], input);
}

/**
 * Reads the query of table-aliases: `schema`, one or several with commas between them.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseTableAliasesQuery(input: unknown): TableAliasesQuery {
  return parse(REQUESTS["table-aliases"], input);
}

/**
 * Reads the body of verify.
 *
 * `checks`: which of the tests to make (all). `claims`: JWT claims under which reads, writes and joins are
 * tried beside each role's bare ones (none). `max_ms`: longest time of one trial, and of all timed runs
 * together, in milliseconds (2000). `max_cost`: estimated cost, in the planner's units, up to which a query
 * reads all rows (10000); beyond it `max_rows` from each end are looked at (1000). `acknowledge`:
 * `trigger_missing`, where a trigger was dropped on purpose; `failed_before`, where a statement that does not find
 * something failed in the same way before the rename.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseVerifyRequest(input: unknown): VerifyRequest {
  return parse(REQUESTS.verify, input);
}
