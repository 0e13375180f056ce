/**
 * What callers may send. The schemas are the single source of types and validation; unknown fields
 * are refused, so that a misspelt option is never silently ignored.
 */
import { z } from "zod";
import { identifierFault } from "./names.ts";
import { Problem } from "./problems.ts";

/** Most renames that one request may hold. */
export const MAX_RENAMES = 1_000;

/** Largest request body in bytes. */
export const MAX_BODY_BYTES = 1_048_576;

/** Marks a schema issue as a fault of an identifier, which has a problem code of its own. */
const IDENTIFIER = { problem: "invalid_identifier" } as const;

const identifier = z.string().superRefine((name, context) => {
  const fault = identifierFault(name);
  if (fault) context.addIssue({ code: "custom", message: fault, params: IDENTIFIER });
});

const storableText = (max: number) =>
  z.string().max(max).refine((text) => !text.includes("\0") && text.isWellFormed(), {
    message: "text cannot contain NUL characters or halves of surrogate pairs",
  });

const rename = z.strictObject({
  schema: identifier.default("public"),
  old_name: identifier,
  new_name: identifier,
});

const lockOptions = {
  lock_timeout_ms: z.int().min(1).max(10_000).default(200),
  max_wait_ms: z.int().min(0).max(120_000).default(30_000),
};

const planOptions = {
  mode: z.enum(["apply", "plan", "propose"]).default("apply"),
  acknowledge: z.array(z.string().max(100)).max(100).default([]),
  expected_plan_hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, {
    message: "a plan hash looks like sha256: and 64 hexadecimal digits",
  }).optional(),
  notes: storableText(10_000).optional(),
  /** Whether the change is also a row of supabase_migrations.schema_migrations, where there is that table. */
  record_history: z.enum(["auto", "never"]).default("auto"),
};

/** Has a plan answered as a file for supabase/migrations, too. */
const fileOptions = { migration_file: z.boolean().default(false) };

const renameOptions = {
  ...planOptions,
  ...lockOptions,
  ...fileOptions,
  compatibility_view: z.boolean().default(true),
  rename_indexes: z.boolean().default(false),
  /** Whether the view counts reads, updates and deletes by the old name itself. */
  count_use: z.boolean().default(false),
};

/** Applies a proposal; what it renames, and how, is what was proposed. */
const proposedBatch = z.strictObject({
  batch_id: z.uuid(),
  ...planOptions,
  mode: z.enum(["apply", "plan"]).default("apply"),
  ...lockOptions,
});

const renameBatch = z.strictObject({
  renames: z.array(rename).min(1).max(MAX_RENAMES),
  ...renameOptions,
}).superRefine((request, context) => {
  const seen = new Map<string, number>();
  request.renames.forEach((one, index) => {
    if (one.old_name === one.new_name) {
      context.addIssue({
        code: "custom",
        path: ["renames", index, "new_name"],
        message: "the new name is the old name",
      });
      return;
    }
    for (const field of ["old_name", "new_name"] as const) {
      const key = JSON.stringify([one.schema, one[field]]);
      const earlier = seen.get(key);
      if (earlier !== undefined) {
        context.addIssue({
          code: "custom",
          path: ["renames", index, field],
          message: `the name is already used by renames[${earlier}]; ` +
            "rename in several requests, one after the other",
        });
      }
      seen.set(key, index);
    }
  });
});

const selection = {
  migration_id: z.uuid().optional(),
  batch_id: z.uuid().optional(),
  table: identifier.optional(),
  schema: identifier.optional(),
};

/** What privileges that differ between view and table become when the view goes or is made again. */
const privilegeOptions = {
  carry_privileges: z.boolean().default(false),
};

const selectedFields = {
  ...selection,
  ...planOptions,
  ...lockOptions,
  ...fileOptions,
  ...privilegeOptions,
};

type Selecting = { [Field in keyof typeof selection]?: string | undefined };

function selectsOnce(request: Selecting, context: z.RefinementCtx): void {
  const given = (["migration_id", "batch_id", "table"] as const)
    .filter((field) => request[field] !== undefined);
  if (given.length !== 1) {
    context.addIssue({
      code: "custom",
      message: "name exactly one of migration_id, batch_id and table" +
        (given.length === 0 ? "" : `, not ${given.join(" and ")}`),
    });
  }
  if (request.schema !== undefined && request.table === undefined) {
    context.addIssue({
      code: "custom",
      path: ["schema"],
      message: "schema goes with table only",
    });
  }
}

const selected = z.strictObject(selectedFields).superRefine(selectsOnce);

const finalize = z.strictObject({
  ...selectedFields,
  /** For how many days no use of the old name must have been seen, with nothing missed. Default: not asked. */
  quiet_for_days: z.int().min(1).max(3_650).optional(),
}).superRefine(selectsOnce);

const refresh = z.strictObject({
  migration_id: z.uuid(),
  without_columns: z.array(identifier).max(1_600).default([]),
  ...planOptions,
  ...lockOptions,
  ...fileOptions,
  ...privilegeOptions,
});

const MIGRATION_STATUSES = ["pending", "active", "rolled_back", "finalized"] as const;

const INCLUDABLE = ["drift", "usage", "notifications"] as const;

type Includable = (typeof INCLUDABLE)[number];

const isIncludable = (name: string): name is Includable =>
  (INCLUDABLE as readonly string[]).includes(name);

/** Most migrations of a page; more where the page is a look at all that is active, made at one moment. */
const LARGEST_PAGE = 200;
const LARGEST_WHOLE = 1_000;

const listQuery = z.strictObject({
  status: z.enum(MIGRATION_STATUSES).optional(),
  schema: identifier.optional(),
  table: identifier.optional(),
  batch_id: z.uuid().optional(),
  include: z.string().transform((text, context): Includable[] => {
    const names = text.split(",");
    if (names.every(isIncludable)) return names;
    const message = `one of ${INCLUDABLE.join(", ")}, or several with commas between them`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }).default([]),
  limit: z.coerce.number().int().min(1).max(LARGEST_WHOLE).default(50),
  cursor: z.string().max(500).optional(),
}).superRefine(({ include, limit }, context) => {
  if (include.length === 0 && limit > LARGEST_PAGE && limit <= LARGEST_WHOLE) {
    context.addIssue({
      code: "custom",
      path: ["limit"],
      message: `a page has at most ${LARGEST_PAGE} migrations, and ${LARGEST_WHOLE} with include`,
    });
  }
});

/** Repeatable: an array of what was given, however often. */
const repeated = z.union([z.string().transform((name) => [name]), z.array(z.string())])
  .pipe(z.array(identifier).min(1).max(MAX_RENAMES));

const analyzeQuery = z.strictObject({
  schema: repeated.default(["public"]),
  table: repeated.optional(),
}).superRefine(({ schema, table }, context) => {
  if (table !== undefined && schema.length > 1) {
    context.addIssue({
      code: "custom",
      path: ["schema"],
      message: "tables are looked for in one schema; ask once for each schema",
    });
  }
});

const aliasesQuery = z.strictObject({
  schema: z.string().max(10_000).transform((names) => names.split(",")).pipe(z.array(identifier))
    .optional(),
});

/** The tests that verify makes of an active rename, in their order. */
export const VERIFY_CHECKS = ["reads", "writes", "joins", "cost", "data_api"] as const;

/** How deep claims may be; a token is not, and what is deeper than a stack could not be sent on. */
const MAX_CLAIMS_DEPTH = 32;

const isShallow = (value: unknown, depth = MAX_CLAIMS_DEPTH): boolean =>
  typeof value !== "object" || value === null ||
  (depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1)));

const claims = z.looseObject({ role: identifier.default("authenticated") }).refine(
  (value) => isShallow(value),
  `claims are at most ${MAX_CLAIMS_DEPTH} deep`,
);

const verify = z.strictObject({
  migration_id: z.uuid(),
  checks: z.array(z.enum(VERIFY_CHECKS)).min(1).max(VERIFY_CHECKS.length)
    .default([...VERIFY_CHECKS]),
  /** JWT claims to try as well, each set as PostgREST would: under the role that it names. */
  claims: z.array(claims).max(20).default([]),
  max_ms: z.int().min(50).max(30_000).default(2_000),
  max_rows: z.int().min(1).max(100_000).default(1_000),
  max_cost: z.number().min(0).max(1e9).default(10_000),
  acknowledge: planOptions.acknowledge,
});

/** What may be sent to each endpoint: a JSON body, or for those that are read with GET a query. */
export const REQUESTS = {
  rename: z.union([
    z.strictObject({ ...rename.shape, ...renameOptions }),
    renameBatch,
    proposedBatch,
  ]),
  rollback: selected,
  finalize,
  refresh,
  "list-migrations": listQuery,
  analyze: analyzeQuery,
  verify,
  "table-aliases": aliasesQuery,
} satisfies Record<string, z.ZodType>;

export type Rename = z.output<typeof rename>;
export type RenameRequest = z.output<typeof renameBatch>;
export type ProposedBatchRequest = z.output<typeof proposedBatch>;
/** What selects migrations: the body of rollback, and most of that of finalize. */
export type SelectionRequest = z.output<typeof selected>;
export type RollbackRequest = SelectionRequest;
export type FinalizeRequest = z.output<typeof finalize>;
export type RefreshRequest = z.output<typeof refresh>;
export type VerifyRequest = z.output<typeof verify>;
export type VerifyCheckName = (typeof VERIFY_CHECKS)[number];
export type AnalyzeQuery = z.output<typeof analyzeQuery>;
export type ListMigrationsQuery = z.output<typeof listQuery>;
export type TableAliasesQuery = z.output<typeof aliasesQuery>;
export type MigrationStatus = (typeof MIGRATION_STATUSES)[number];

/** What a caller may write, defaults left out. */
export type RenameInput =
  | z.input<typeof renameBatch>
  | (z.input<typeof rename> & RenameInputOptions)
  | z.input<typeof proposedBatch>;
type RenameInputOptions = Omit<z.input<typeof renameBatch>, "renames">;
export type RollbackInput = z.input<typeof selected>;
export type FinalizeInput = z.input<typeof finalize>;
export type RefreshInput = z.input<typeof refresh>;
export type VerifyInput = z.input<typeof verify>;
export type AnalyzeInput = z.input<typeof analyzeQuery>;
export type ListMigrationsInput = Omit<z.input<typeof listQuery>, "limit"> & { limit?: number };
export type TableAliasesInput = z.input<typeof aliasesQuery>;

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
  const request = parse(selected, input);
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
  const request = parse(finalize, input);
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
  const request = parse(refresh, input);
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
  return parse(analyzeQuery, input);
}

/**
 * Reads the query of list-migrations.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseListMigrationsQuery(input: unknown): ListMigrationsQuery {
  return parse(listQuery, input);
}

/**
 * Reads the query of table-aliases: `schema`, one or several with commas between them.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseTableAliasesQuery(input: unknown): TableAliasesQuery {
  return parse(aliasesQuery, input);
}

/**
 * Reads the body of verify.
 *
 * `checks`: which of the tests to make (all). `claims`: JWT claims under which reads, writes and joins are
 * tried beside each role's bare ones (none). `max_ms`: longest time of one trial, and of all timed runs
 * together, in milliseconds (2000). `max_cost`: estimated cost, in the planner's units, up to which a query
 * reads all rows (10000); beyond it `max_rows` from each end are looked at (1000). `acknowledge`:
 * `trigger_missing`, where a trigger was dropped on purpose.
 *
 * @throws {Problem} `invalid_request` or `invalid_identifier`, with `issues`.
 */
export function parseVerifyRequest(input: unknown): VerifyRequest {
  return parse(verify, input);
}
