/** What every plan is, and its hash. */
import type { Finding, Statement } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { byName } from "../sql/name_digest.ts";
import { qualified } from "../sql/quoting.ts";

export interface PlanStatement extends Statement {
  /** Whether it is for this run alone, since it uses OIDs or prepares a check; migration files leave it out. */
  once?: true;
  /** Statement that undoes what this one makes in the session; run right before the commit, after all attempts. */
  forget?: string;
  /** What a migration file has instead, for databases that may lack what the statement names. */
  in_file?: string;
  /** What is hashed instead, where the statement has parts that differ by database, like an OID. */
  hashed?: string;
  /** The object that it recreates from its definition, which may fail: `view public.summary`. */
  recreates?: string;
}

/** A statement that takes a lock clients of the table can feel. */
export interface LockStatement extends Statement {
  /**
   * How much of an attempt's time it may wait; 0: not at all in a migration file, and in a request as long as is left of
   * that time.
   */
  timeout_share: number;
  /** OIDs of what it locks. */
  relations: number[];
  /** Whether it also changes something. Default: it only locks. */
  changes?: true;
}

/** Entries that a plan takes in the server's table of locks, from the weak locks to the commit (`tests/integration/locks/lock_room_test.ts`). */
export interface LockNeeds {
  /** For each table of the batch. */
  perTable: number[];
  /** For all else. */
  others: number;
}

export interface Plan {
  /**
   * What is made and prepared before any lock that clients feel, so that they wait no longer than they must; attempts
   * that fail keep it.
   */
  preparations: PlanStatement[];
  /** What changes the database in the message of the locks, but before them, since no client waits for it. */
  beforeLocks: PlanStatement[];
  /** What takes the locks, in order. */
  locks: LockStatement[];
  /** What changes the database, in order, once the locks are held; the last ones check the outcome. */
  changes: PlanStatement[];
  findings: Finding[];
  /** Default: too few to matter. */
  lockNeeds?: LockNeeds;
  /** SHA-256 over every statement, without OIDs: equal for equal plans, and for equal tables in two databases. */
  hash: string;
}

/** Most statements that lock the tables of one plan: between two of them it is seen how much time is left. */
const MAX_LOCK_STATEMENTS = 17;

/**
 * Locks tables, in order of names, so that two batches cannot deadlock.
 *
 * @param timeout_share How much of an attempt's time the first one may wait.
 */
export function lockTables(tables: RelationFacts[], timeout_share: number): LockStatement[] {
  const [first, ...rest] = tables.toSorted(byName);
  if (first === undefined) return [];
  const lock = (some: RelationFacts[]) => ({
    sql: `lock table ${
      some.map(({ schema, name }) => `only ${qualified(schema, name)}`).join(", ")
    } in access exclusive mode`,
    relations: some.map(({ oid }) => oid),
  });
  const size = Math.ceil(rest.length / (MAX_LOCK_STATEMENTS - 1));
  const groups = Array.from(
    { length: size && Math.ceil(rest.length / size) },
    (_, index) => rest.slice(index * size, (index + 1) * size),
  );
  return [
    {
      ...lock([first]),
      purpose: "Lock the first table, waiting no longer than the lock timeout",
      timeout_share,
    },
    ...groups.map((group) => ({
      ...lock(group),
      purpose: "Lock more tables, in what is left of the same time",
      timeout_share: 0,
    })),
  ];
}

type Statements = Pick<Plan, "preparations" | "beforeLocks" | "locks" | "changes">;

export const NO_STATEMENTS: Statements = {
  preparations: [],
  beforeLocks: [],
  locks: [],
  changes: [],
};

const inOrder = (plan: Statements): PlanStatement[] => [
  ...plan.preparations,
  ...plan.beforeLocks,
  ...plan.locks,
  ...plan.changes,
];

/** The statements of a plan in the order in which they run. */
export const planStatements = (plan: Plan): Statement[] =>
  inOrder(plan).map(({ sql, purpose }) => ({ sql, purpose }));

export async function makePlan(parts: Omit<Plan, "hash">): Promise<Plan> {
  const text = inOrder(parts).map(({ sql, hashed }) => hashed ?? sql).join(";\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return { ...parts, hash: `sha256:${hex}` };
}

/** An SQL constant that differs by database, and is not hashed; marked by a character that no other text has. */
export const ofThisDatabase = (constant: string | number): string => `\0${constant}\0`;

/** A query with such constants, as it is run and as it is hashed. */
export const withoutMarks = (query: string): { sql: string; hashed: string } => ({
  sql: query.replaceAll("\0", ""),
  hashed: query.replaceAll(/\0[^\0]*\0/g, "?"),
});

/** Sent with the commit, so that the Data API never loads a schema that is rolled back. */
export const reloadSchemaCache: Statement = {
  sql: "notify pgrst, 'reload schema'",
  purpose: "Have the Data API read the schema again",
};

/** SQLSTATE that our checks inside the transaction raise: the facts no longer hold, plan again. */
export const FACTS_MOVED = "RN001";

/** Begins the names of our prepared statements, and of nobody else's. */
export const PREPARED_PREFIX = "table_rename_";

export interface PreparedStatement {
  preparations: Pick<PlanStatement, "sql" | "forget">[];
  execute: string;
}

/**
 * A statement that is planned ahead: without parameters, EXPLAIN EXECUTE makes the plan that every later execution uses
 * (PostgreSQL manual, PREPARE, notes). No rollback undoes PREPARE, so it is deallocated with the commit.
 */
export function prepared(name: string, sql: string): PreparedStatement {
  const own = PREPARED_PREFIX + name;
  return {
    preparations: [
      { sql: `prepare ${own} as${sql}`, forget: `deallocate ${own}` },
      { sql: `explain (costs off) execute ${own}` },
    ],
    execute: `execute ${own}`,
  };
}
