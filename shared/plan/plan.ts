/** What every plan is, and its hash. */
import type { Finding, Statement } from "../contract/responses.ts";

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
  /** How much of the caller's lock timeout it may wait; 0: not at all. */
  timeout_share: number;
  /** Whether it also changes something. Default: it only locks. */
  changes?: true;
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
  /** SHA-256 over every statement, without OIDs: equal for equal plans, and for equal tables in two databases. */
  hash: string;
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
