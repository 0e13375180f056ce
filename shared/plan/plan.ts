/** What a plan is, whichever operation made it, and its hash. */
import type { Finding, Statement } from "../contract/responses.ts";

export interface PlanStatement extends Statement {
  /**
   * Whether it is for this run alone: it looks for what is there by OID, or has the server plan something
   * ahead. The same change made again elsewhere goes without.
   */
  once?: true;
  /**
   * Statement that undoes for the session what this one makes and no rollback takes away. It runs last before the
   * commit: an attempt that fails earlier is followed by another one, which needs what was made.
   */
  forget?: string;
  /** What a migration file says instead, for databases that may lack what the statement names. */
  in_file?: string;
  /**
   * What the hash is taken over instead, where the statement has something in it that is another in every
   * database, like an OID. Default: the statement.
   */
  hashed?: string;
  /** What of others it makes again from its definition, which may not suit any more: `view public.summary`. */
  recreates?: string;
}

/** A statement that takes a lock clients of the table can feel. */
export interface LockStatement extends Statement {
  /** How much of the caller's lock timeout it may wait; 0: not at all. */
  timeout_share: number;
  /** Whether it changes something besides. Default: it only locks. */
  changes?: true;
}

export interface Plan {
  /** What is made ready before any lock that clients feel, so that they wait no longer than they must. */
  preparations: PlanStatement[];
  /** What changes the database in the same message, but before the locks, since no client waits for it. */
  beforeLocks: PlanStatement[];
  /** What takes the locks, in order. */
  locks: LockStatement[];
  /** What changes the database, in order, once the locks are held; the last ones check the outcome. */
  changes: PlanStatement[];
  findings: Finding[];
  /**
   * SHA-256 over every statement, but for OIDs: equal plans have equal hashes, what was reviewed is what runs, and
   * where tables and what is built on them are the same in two databases, so are the hashes.
   */
  hash: string;
}

type Statements = Pick<Plan, "preparations" | "beforeLocks" | "locks" | "changes">;

/** The statements of a plan that changes nothing. */
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

/** Puts a plan together and hashes it. */
export async function makePlan(parts: Omit<Plan, "hash">): Promise<Plan> {
  const text = inOrder(parts).map(({ sql, hashed }) => hashed ?? sql).join(";\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return { ...parts, hash: `sha256:${hex}` };
}

/**
 * An SQL constant that is another in every database, to be put into the query of a check: the hash is taken without
 * it. No text of the server or of a request has the character that marks it.
 */
export const ofThisDatabase = (constant: string | number): string => `\0${constant}\0`;

/** A query with such constants, as it runs and as it is hashed. */
export const withoutMarks = (query: string): { sql: string; hashed: string } => ({
  sql: query.replaceAll("\0", ""),
  hashed: query.replaceAll(/\0[^\0]*\0/g, "?"),
});

/** Sent with the commit, so that the Data API never has a schema that was rolled back. */
export const reloadSchemaCache: Statement = {
  sql: "notify pgrst, 'reload schema'",
  purpose: "Have the Data API read the schema again",
};

/** SQLSTATE that our own checks inside the transaction raise: the facts no longer hold, plan again. */
export const FACTS_MOVED = "RN001";

/** Begins the names of our prepared statements; whatever has such a name is ours. */
export const PREPARED_PREFIX = "table_rename_";

export interface PreparedStatement {
  /** Statements that parse and plan it, and do nothing else. */
  preparations: Pick<PlanStatement, "sql" | "forget">[];
  execute: string;
}

/**
 * A statement without parameters that is planned ahead: to explain its execution makes the plan that every
 * later execution takes (PostgreSQL manual, PREPARE, notes). It outlives a transaction that is rolled back; so
 * does its end, which is why it is forgotten only with the commit.
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
