/** What a plan is, whichever operation made it, and its hash. */
import type { Finding, Statement } from "../contract/responses.ts";
import { Problem } from "../contract/problems.ts";

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
  /** SHA-256 over every statement: equal plans have equal hashes, and what was reviewed is what runs. */
  hash: string;
}

/** The statements of a plan in the order in which they run. */
export function planStatements(plan: Plan): Statement[] {
  return [...plan.preparations, ...plan.beforeLocks, ...plan.locks, ...plan.changes]
    .map(({ sql, purpose }) => ({ sql, purpose }));
}

/** Puts a plan together and hashes it. */
export async function makePlan(
  parts: Omit<Plan, "hash">,
): Promise<Plan> {
  const text = [...parts.preparations, ...parts.beforeLocks, ...parts.locks, ...parts.changes].map((
    s,
  ) => s.sql)
    .join(";\n");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  const hex = [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join(
    "",
  );
  return { ...parts, hash: `sha256:${hex}` };
}

/**
 * Refuses a plan the caller did not ask for: another than the expected one, or one with breaking findings
 * that are not acknowledged.
 *
 * @throws {Problem} `plan_changed` or `breaking_findings`.
 */
export function requireAccepted(
  plan: Plan,
  request: { expected_plan_hash?: string; acknowledge: string[] },
): void {
  if (request.expected_plan_hash !== undefined && request.expected_plan_hash !== plan.hash) {
    throw new Problem(
      "plan_changed",
      "The plan is no longer the one you expect: the tables, their grants or the request changed.",
      {
        hint: "Review the new plan (mode plan) and send its plan_hash.",
        fields: { plan_hash: plan.hash, expected_plan_hash: request.expected_plan_hash },
      },
    );
  }
  const open = plan.findings.filter((finding) =>
    finding.severity === "breaking" && !request.acknowledge.includes(finding.code)
  );
  if (open.length === 0) return;
  refuseNameInUse(open, plan.findings);
  const codes = [...new Set(open.map((finding) => finding.code))];
  const objects = [...new Set(open.map((finding) => finding.object))];
  throw new Problem(
    "breaking_findings",
    `This would break something: ${codes.join(", ")} on ${objects.slice(0, 5).join(", ")}` +
      (objects.length > 5 ? ` and ${objects.length - 5} more.` : "."),
    {
      hint: `Mend what the findings say, or accept it with "acknowledge": ${
        JSON.stringify(codes)
      }.`,
      fields: { findings: plan.findings },
    },
  );
}

/** A use of the old name has a problem code of its own; it is told alone, being the gravest. */
function refuseNameInUse(open: Finding[], findings: Finding[]): void {
  const uses = open.filter(({ code }) => code === "old_name_in_use");
  if (uses.length === 0) return;
  const objects = [...new Set(uses.map(({ object }) => object))];
  throw new Problem(
    "old_name_in_use",
    `The old name is still used: ${objects.slice(0, 5).join(", ")}` +
      (objects.length > 5 ? ` and ${objects.length - 5} more.` : "."),
    {
      hint: "Change each to the new name; to end the rename all the same, send " +
        '"acknowledge": ["old_name_in_use"].',
      fields: { findings, evidence: uses.map(({ object, message }) => ({ object, message })) },
    },
  );
}

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
