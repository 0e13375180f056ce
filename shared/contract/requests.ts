/**
 * What callers may send. The schemas are the single source of types and validation. Unknown fields are refused, so that
 * a misspelt option is never ignored.
 */
import * as z from "zod";
import { DEFAULT_DAYS, identifier, MAX_DAYS, once, storableText } from "./fields.ts";
import { MAX_RENAMES } from "./names.ts";
import {
  aliasesQuery,
  analyzeQuery,
  eventsQuery,
  listQuery,
  type MIGRATION_STATUSES,
} from "./queries.ts";

export { IDENTIFIER } from "./fields.ts";

/** Largest request body in bytes. */
export const MAX_BODY_BYTES = 1_048_576;

const rename = once(() =>
  z.strictObject({
    schema: identifier().default("public"),
    old_name: identifier(),
    new_name: identifier(),
  })
);

const lockOptions = once(() => ({
  lock_timeout_ms: z.int().min(1).max(10_000).default(200),
  max_wait_ms: z.int().min(0).max(120_000).default(30_000),
}));

const planOptions = once(() => ({
  mode: z.enum(["apply", "plan", "propose"]).default("apply"),
  acknowledge: z.array(storableText(100)).max(100).default([]),
  expected_plan_hash: z.string().regex(/^sha256:[0-9a-f]{64}$/, {
    message: "a plan hash looks like sha256: and 64 hexadecimal digits",
  }).optional(),
  notes: storableText(10_000).optional(),
  /** Whether the change is also recorded in supabase_migrations.schema_migrations, if there is that table. */
  record_history: z.enum(["auto", "never"]).default("auto"),
}));

/** Whether a plan's answer includes a file for supabase/migrations. */
const fileOptions = once(() => ({ migration_file: z.boolean().default(false) }));

const renameOptions = once(() => ({
  ...planOptions(),
  ...lockOptions(),
  ...fileOptions(),
  compatibility_view: z.boolean().default(true),
  rename_indexes: z.boolean().default(false),
  /** Whether the view itself counts reads, updates and deletes by the old name. */
  count_use: z.boolean().default(false),
}));

/** Applies a proposal as it was proposed. */
export const proposedBatch = once(() =>
  z.strictObject({
    batch_id: z.uuid(),
    ...planOptions(),
    mode: z.enum(["apply", "plan"]).default("apply"),
    ...lockOptions(),
  })
);

export const renameBatch = once(() =>
  z.strictObject({
    renames: z.array(rename()).min(1).max(MAX_RENAMES),
    ...renameOptions(),
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
  })
);

const selection = once(() => ({
  migration_id: z.uuid().optional(),
  batch_id: z.uuid().optional(),
  table: identifier().optional(),
  schema: identifier().optional(),
}));

/** Options of a change to a recorded migration. */
const changeOptions = once(() => ({
  ...planOptions(),
  ...lockOptions(),
  ...fileOptions(),
  /** Whether privileges that were changed on the view only are changed on the table. */
  carry_privileges: z.boolean().default(false),
  /** Whether the recorded names count if the recorded OIDs are those of another database. */
  relocate: z.boolean().default(false),
}));

const rewriteOptions = once(() => ({
  /**
   * Whether routines' bodies and cron jobs' commands in which every use of the old name is certain get the new name.
   */
  rewrite_texts: z.boolean().default(false),
}));

const selectedFields = once(() => ({ ...selection(), ...changeOptions() }));

type Selecting = { [Field in keyof ReturnType<typeof selection>]?: string | undefined };

function selectsOnce(request: Selecting, context: z.RefinementCtx): void {
  selectsOneOf(["migration_id", "batch_id", "table"], request, context);
}

const selectsOne = (request: Selecting, context: z.RefinementCtx): void =>
  selectsOneOf(["migration_id", "table"], request, context);

function selectsOneOf(
  fields: (keyof Selecting)[],
  request: Selecting,
  context: z.RefinementCtx,
): void {
  const given = fields.filter((field) => request[field] !== undefined);
  if (given.length !== 1) {
    context.addIssue({
      code: "custom",
      message: `name exactly one of ${fields.slice(0, -1).join(", ")} and ${fields.at(-1)}` +
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

const selected = once(() => z.strictObject(selectedFields()).superRefine(selectsOnce));

const finalize = once(() =>
  z.strictObject({
    ...selectedFields(),
    ...rewriteOptions(),
    /** For how many days the old name must have been unused, with nothing missed; 0: this is not checked. */
    quiet_for_days: z.int().min(0).max(MAX_DAYS).default(DEFAULT_DAYS),
  }).superRefine(selectsOnce)
);

/** One migration: by its id, or by the old or new name of its table. */
const one = once(() => {
  const { migration_id, table, schema } = selection();
  return { migration_id, table, schema };
});

const refresh = once(() =>
  z.strictObject({
    ...one(),
    without_columns: z.array(identifier()).max(1_600).default([]),
    ...changeOptions(),
    ...rewriteOptions(),
  }).superRefine(selectsOne)
);

/** The checks of verify, in their order. */
export const VERIFY_CHECKS = ["reads", "writes", "joins", "cost", "data_api"] as const;

/** How deep claims may be nested; very deep ones would overflow the stack. Real tokens are flat. */
const MAX_CLAIMS_DEPTH = 32;

const isShallow = (value: unknown, depth = MAX_CLAIMS_DEPTH): boolean =>
  typeof value !== "object" || value === null ||
  (depth > 0 && Object.values(value).every((part) => isShallow(part, depth - 1)));

const claims = once(() =>
  z.looseObject({ role: identifier().default("authenticated") }).refine(
    (value) => isShallow(value),
    `claims are at most ${MAX_CLAIMS_DEPTH} deep`,
  )
);

const verify = once(() =>
  z.strictObject({
    ...one(),
    /** Default: all. */
    checks: z.array(z.enum(VERIFY_CHECKS)).min(1).max(VERIFY_CHECKS.length)
      .default([...VERIFY_CHECKS]),
    /** JWT claims to test beside each role's own; each is set as by PostgREST, with the role that it names. */
    claims: z.array(claims()).max(20).default([]),
    /** Longest time of one trial, and of all timed runs together, in milliseconds. */
    max_ms: z.int().min(50).max(30_000).default(2_000),
    /** How many rows from each end are read of a query that costs more than `max_cost`. */
    max_rows: z.int().min(1).max(100_000).default(1_000),
    /** Estimated cost, in the planner's units, up to which a query reads all rows. */
    max_cost: z.number().min(0).max(1e9).default(10_000),
    /**
     * `trigger_missing`: a trigger was dropped on purpose. `failed_before`: a statement that does not find something
     * failed in the same way before the rename.
     */
    acknowledge: planOptions().acknowledge,
  }).superRefine(selectsOne)
);

const count = () => z.int().min(0).max(1_000_000_000);

/** Uses of the old name of one migration: by its id, or by the name of an active or proposed rename. */
const usesOfOne = once(() =>
  z.strictObject({
    migration_id: z.uuid().optional(),
    schema: identifier().optional(),
    old_name: identifier().optional(),
    certain: count(),
    possible: count(),
  }).superRefine(({ migration_id, schema, old_name }, context) => {
    if ((migration_id === undefined) === (old_name === undefined)) {
      context.addIssue({
        code: "custom",
        message: "name exactly one of migration_id and old_name",
      });
    } else if (schema !== undefined && old_name === undefined) {
      const message = "schema goes with old_name only";
      context.addIssue({ code: "custom", path: ["schema"], message });
    }
  }).transform(({ schema, ...use }) => ({
    ...use,
    ...(use.old_name !== undefined && { schema: schema ?? "public" }),
  }))
);

const reportUses = once(() =>
  z.strictObject({
    uses: z.array(usesOfOne()).min(1).max(MAX_RENAMES),
    /** Which source was searched: a name, not its address. Each repository has a report of its own. */
    repository: storableText(200).optional(),
  })
);

const anyRename = once(() =>
  z.union([
    z.strictObject({ ...rename().shape, ...renameOptions() }),
    renameBatch(),
    proposedBatch(),
  ])
);

/** What may be sent to each endpoint: a JSON body, or the query of a GET. */
export const REQUESTS = {
  get rename() {
    return anyRename();
  },
  get rollback() {
    return selected();
  },
  get finalize() {
    return finalize();
  },
  get refresh() {
    return refresh();
  },
  get "list-migrations"() {
    return listQuery();
  },
  get "list-events"() {
    return eventsQuery();
  },
  get analyze() {
    return analyzeQuery();
  },
  get verify() {
    return verify();
  },
  get "report-uses"() {
    return reportUses();
  },
  get "table-aliases"() {
    return aliasesQuery();
  },
} satisfies Record<string, z.ZodType>;

export type Rename = z.output<ReturnType<typeof rename>>;
export type RenameRequest = z.output<ReturnType<typeof renameBatch>>;
export type ProposedBatchRequest = z.output<ReturnType<typeof proposedBatch>>;
/** The body of rollback, and most of that of finalize. */
export type SelectionRequest = z.output<ReturnType<typeof selected>>;
export type RollbackRequest = SelectionRequest;
export type FinalizeRequest = z.output<ReturnType<typeof finalize>>;
export type RefreshRequest = z.output<ReturnType<typeof refresh>>;
export type VerifyRequest = z.output<ReturnType<typeof verify>>;
export type VerifyCheckName = (typeof VERIFY_CHECKS)[number];
export type ReportUsesRequest = z.output<ReturnType<typeof reportUses>>;
export type AnalyzeQuery = z.output<ReturnType<typeof analyzeQuery>>;
export type ListEventsQuery = z.output<ReturnType<typeof eventsQuery>>;
export type ListMigrationsQuery = z.output<ReturnType<typeof listQuery>>;
export type TableAliasesQuery = z.output<ReturnType<typeof aliasesQuery>>;
export type MigrationStatus = (typeof MIGRATION_STATUSES)[number];

/** What a caller may send: fields with a default are optional. */
export type RenameInput =
  | z.input<ReturnType<typeof renameBatch>>
  | (z.input<ReturnType<typeof rename>> & RenameInputOptions)
  | z.input<ReturnType<typeof proposedBatch>>;
type RenameInputOptions = Omit<z.input<ReturnType<typeof renameBatch>>, "renames">;
export type RollbackInput = z.input<ReturnType<typeof selected>>;
export type FinalizeInput = z.input<ReturnType<typeof finalize>>;
export type RefreshInput = z.input<ReturnType<typeof refresh>>;
export type VerifyInput = z.input<ReturnType<typeof verify>>;
export type ReportUsesInput = z.input<ReturnType<typeof reportUses>>;
export type AnalyzeInput = z.input<ReturnType<typeof analyzeQuery>>;
export type ListMigrationsInput =
  & Omit<z.input<ReturnType<typeof listQuery>>, "limit" | "quiet_for_days">
  & { limit?: number; quiet_for_days?: number };
export type ListEventsInput =
  & Omit<z.input<ReturnType<typeof eventsQuery>>, "limit">
  & { limit?: number };
export type TableAliasesInput = z.input<ReturnType<typeof aliasesQuery>>;
