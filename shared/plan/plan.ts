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

/** The statements of a plan in the order in which they run. */
export function planStatements(plan: Plan): Statement[] {
  return [...plan.preparations, ...plan.beforeLocks, ...plan.locks, ...plan.changes]
    .map(({ sql, purpose }) => ({ sql, purpose }));
}

/** Puts a plan together and hashes it. */
export async function makePlan(
  parts: Omit<Plan, "hash">,
): Promise<Plan> {
  const all: PlanStatement[] = [
    ...parts.preparations,
    ...parts.beforeLocks,
    ...parts.locks,
    ...parts.changes,
  ];
  const text = all.map(({ sql, hashed }) => hashed ?? sql).join(";\n");
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

/**
 * A use of the old name has a problem code of its own; it is told alone, being the gravest. Where none was seen, and
 * only not for long enough, it is said when that will be.
 */
function refuseNameInUse(open: Finding[], findings: Finding[]): void {
  const all = open.filter(({ code }) => code === "old_name_in_use");
  if (all.length === 0) return;
  const uses = all.filter(({ earliest }) => earliest === undefined);
  const told = uses.length > 0 ? uses : all;
  const objects = [...new Set(told.map(({ object }) => object))];
  const listed = objects.slice(0, 5).join(", ") +
    (objects.length > 5 ? ` and ${objects.length - 5} more` : "");
  const evidence = all.map(({ object, message }) => ({ object, message }));
  const earliest = all.flatMap((one) => one.earliest ?? []).sort().at(-1);
  const accept = '"acknowledge": ["old_name_in_use"]';
  throw new Problem(
    "old_name_in_use",
    uses.length > 0
      ? `The old name is still used: ${listed}.`
      : `Too early to end the rename of ${listed}. ${told.map(({ message }) => message).join(" ")}`,
    {
      hint: uses.length > 0
        ? `Change each to the new name; to end the rename all the same, send ${accept}.`
        : [...new Set(told.map(({ remedy }) => remedy))].join(" "),
      fields: { findings, evidence, ...(uses.length === 0 && { earliest }) },
    },
  );
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
