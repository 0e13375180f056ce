/** Parses what callers send. All errors are reported at once, each with its place. */
import type { z } from "zod";
import { Problem } from "./problems.ts";
import {
  IDENTIFIER,
  proposedBatch,
  type ProposedBatchRequest,
  renameBatch,
  type RenameRequest,
  REQUESTS,
} from "./requests.ts";

/** Most issues that one problem lists; otherwise a hostile body could make an answer larger than itself. */
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

const invalidField = (path: string, message: string, hint: string) =>
  new Problem("invalid_request", `"${path}" is not valid: ${message}`, {
    hint,
    fields: { issues: [{ path, message }] },
  });

/** A migration file is for applying a plan elsewhere; a change that is applied here needs none. */
function refuseFile({ mode, migration_file }: { mode: string; migration_file: boolean }): void {
  if (!migration_file || mode === "plan") return;
  throw invalidField(
    "migration_file",
    "a migration file is made of a plan",
    'Send it with "mode": "plan"; what is applied here is recorded in the migration history.',
  );
}

/** Parses a request that changes a recorded migration. Only a rename can be proposed. */
function parseChange<Schema extends z.ZodType<{ mode: string; migration_file: boolean }>>(
  schema: Schema,
  input: unknown,
): z.output<Schema> {
  const request = parse(schema, input);
  if (request.mode === "propose") {
    throw invalidField(
      "mode",
      "only a rename can be proposed",
      "Use plan to see what would happen, then apply.",
    );
  }
  refuseFile(request);
  return request;
}

const isObject = (input: unknown): input is Record<string, unknown> =>
  typeof input === "object" && input !== null && !Array.isArray(input);

/*
 * All of the following functions throw a Problem `invalid_request` or `invalid_identifier`, with `issues`.
 */

/** Parses the body of rename: `renames`, one rename's fields at the top level, or the `batch_id` of a proposal. */
export function parseRenameRequest(input: unknown): RenameRequest | ProposedBatchRequest {
  if (isObject(input) && "batch_id" in input && !("renames" in input)) {
    return parse(proposedBatch(), input);
  }
  let body = input;
  if (isObject(input) && !("renames" in input)) {
    const { schema, old_name, new_name, ...options } = input;
    const single = schema === undefined ? { old_name, new_name } : { schema, old_name, new_name };
    body = { ...options, renames: [single] };
  }
  const request = parse(renameBatch(), body);
  refuseFile(request);
  return request;
}

export const parseRollbackRequest = (input: unknown) => parseChange(REQUESTS.rollback, input);

export const parseFinalizeRequest = (input: unknown) => parseChange(REQUESTS.finalize, input);

export const parseRefreshRequest = (input: unknown) => parseChange(REQUESTS.refresh, input);

/** The query's `schema` and `table` are repeatable. Without a table, it means all tables of the schemas. */
export const parseAnalyzeQuery = (input: unknown) => parse(REQUESTS.analyze, input);

export const parseListMigrationsQuery = (input: unknown) =>
  parse(REQUESTS["list-migrations"], input);

export const parseListEventsQuery = (input: unknown) => parse(REQUESTS["list-events"], input);

/** The query's `schema` is one schema, or several separated by commas. */
export const parseTableAliasesQuery = (input: unknown) => parse(REQUESTS["table-aliases"], input);

export const parseReportUsesRequest = (input: unknown) => parse(REQUESTS["report-uses"], input);

export const parseVerifyRequest = (input: unknown) => parse(REQUESTS.verify, input);
