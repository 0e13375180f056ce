/** The queries of the endpoints that only read. */
import * as z from "zod";
import { DEFAULT_DAYS, identifier, MAX_DAYS, once, storableText } from "./fields.ts";
import { MAX_RENAMES } from "./names.ts";

export const MIGRATION_STATUSES = ["pending", "active", "rolled_back", "finalized"] as const;

const INCLUDABLE = [
  "drift",
  "usage",
  "notifications",
  "plan",
  "verification",
  "uses_in_code",
] as const;

type Includable = (typeof INCLUDABLE)[number];

const isIncludable = (name: string): name is Includable =>
  (INCLUDABLE as readonly string[]).includes(name);

/** Most migrations of a page; with `include` more, since drift and usage of all of them are read at one moment. */
const LARGEST_PAGE = 200;
const LARGEST_WITH_INCLUDE = 1_000;

export const listQuery = once(() =>
  z.strictObject({
    id: z.uuid().optional(),
    status: z.enum(MIGRATION_STATUSES).optional(),
    schema: identifier().optional(),
    table: identifier().optional(),
    batch_id: z.uuid().optional(),
    include: z.string().transform((text, context): Includable[] => {
      const names = text.split(",");
      if (names.every(isIncludable)) return names;
      const message = `one of ${INCLUDABLE.join(", ")}, or several with commas between them`;
      context.addIssue({ code: "custom", message });
      return z.NEVER;
    }).default([]),
    /** With usage in `include`: how many days without use the verdict of each migration asks for. */
    quiet_for_days: z.coerce.number().int().min(0).max(MAX_DAYS).default(DEFAULT_DAYS),
    limit: z.coerce.number().int().min(1).max(LARGEST_WITH_INCLUDE).default(50),
    cursor: z.string().max(500).optional(),
  }).superRefine(({ include, limit }, context) => {
    if (include.length === 0 && limit > LARGEST_PAGE && limit <= LARGEST_WITH_INCLUDE) {
      context.addIssue({
        code: "custom",
        path: ["limit"],
        message:
          `a page has at most ${LARGEST_PAGE} migrations, and ${LARGEST_WITH_INCLUDE} with include`,
      });
    }
  })
);

/** A repeatable parameter: an array of its values. */
const repeated = once(() =>
  z.union([z.string().transform((name) => [name]), z.array(z.string())])
    .pipe(z.array(identifier()).min(1).max(MAX_RENAMES))
);

export const analyzeQuery = once(() =>
  z.strictObject({
    schema: repeated().default(["public"]),
    table: repeated().optional(),
    /** In place of `schema`: patterns, in which `*` is any text. Only with `detail=names`. */
    schemas: repeated().optional(),
    /** `names`: only which tables there are, and which of them refer to each other; of many schemas, too. */
    detail: z.enum(["all", "names"]).default("all"),
  }).superRefine(({ schema, table, schemas, detail }, context) => {
    if (schemas !== undefined && detail !== "names") {
      context.addIssue({
        code: "custom",
        path: ["schemas"],
        message: "patterns go with detail=names only",
      });
    }
    if (table !== undefined && detail === "names") {
      context.addIssue({
        code: "custom",
        path: ["table"],
        message: "detail=names lists all tables of the schemas",
      });
    }
    if (table !== undefined && schema.length > 1) {
      context.addIssue({
        code: "custom",
        path: ["schema"],
        message: "tables are looked for in one schema; ask once for each schema",
      });
    }
  })
);

export const aliasesQuery = once(() =>
  z.strictObject({
    schema: z.string().max(10_000).transform((names) => names.split(",")).pipe(
      z.array(identifier()),
    )
      .optional(),
  })
);

export const EVENT_OPERATIONS = [
  "rename",
  "rollback",
  "finalize",
  "refresh",
  "verify",
  "drift",
  "webhook",
] as const;

export const EVENT_OUTCOMES = ["succeeded", "refused", "failed"] as const;

/** The last moment that ISO 8601 writes with four digits of a year. */
const LAST_MOMENT = Date.UTC(9999, 11, 31);

/** A time that PostgreSQL can parse, whatever the year and the zone; to the millisecond. */
const moment = () =>
  z.iso.datetime({
    offset: true,
    message: "a time looks like 2026-11-29T12:00:00Z",
  }).transform(
    (text) =>
      new Date(Math.min(Math.max(Date.parse(text), 0), LAST_MOMENT))
        .toISOString(),
  );

export const eventsQuery = once(() =>
  z.strictObject({
    operation: z.enum(EVENT_OPERATIONS).optional(),
    outcome: z.enum(EVENT_OUTCOMES).optional(),
    /** As it was recorded, such as `key:default ada`. */
    actor: storableText(1_000).optional(),
    migration_id: z.uuid().optional(),
    batch_id: z.uuid().optional(),
    request_id: z.uuid().optional(),
    /** Only events at this time or later. */
    since: moment().optional(),
    limit: z.coerce.number().int().min(1).max(LARGEST_PAGE).default(50),
    cursor: z.string().max(500).optional(),
  })
);
