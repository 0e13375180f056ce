/** In whose session statements are tried: of a login without rights, or our own where all code has ours anyway. */
import { fitnessQuery, sameDatabaseQuery } from "../../catalog/verify_facts.ts";
import { Problem } from "../../contract/problems.ts";
import type { VerifySession } from "../../contract/responses.ts";
import type { VerifyFacts } from "../../facts/verify_facts.ts";
import type { Database, Session } from "../../postgres/connection/database.ts";
import { listed } from "./verify_run.ts";

/** The login without rights that is used, or why none is. */
type Verifier = { login: string } | { login: null; why: string };

/**
 * Looks whether the login that is set has no rights to give, and is connected to this database.
 *
 * @throws {Problem} `database_unavailable` where it cannot log in.
 */
export async function findVerifier(
  verifierDatabase: Database | null,
  session: Session,
  relations: number[],
): Promise<Verifier> {
  if (verifierDatabase === null) return { login: null, why: "RENAME_VERIFY_DB_URL is not set" };
  const [own] = await session.run(sameDatabaseQuery(relations));
  const theirs = await askVerifier(verifierDatabase, sameDatabaseQuery(relations));
  if (theirs.mark !== own.mark) {
    return { login: null, why: "RENAME_VERIFY_DB_URL leads to another database" };
  }
  const login = theirs.login as string;
  const [{ unfit }] = await session.run(fitnessQuery(login));
  const reasons = unfit as string[];
  if (reasons.length === 0) return { login };
  return {
    login: null,
    why: `the login of RENAME_VERIFY_DB_URL, ${login}, has rights to give: ${listed(reasons)}`,
  };
}

async function askVerifier(database: Database, query: string): Promise<Record<string, unknown>> {
  try {
    const [row] = await database.whileReachable(() => database.query(query));
    return row;
  } catch (cause) {
    throw new Problem("database_unavailable", "The login of RENAME_VERIFY_DB_URL cannot connect.", {
      hint:
        "Correct RENAME_VERIFY_DB_URL (supabase/roles/table_verifier.sql makes its login), or unset it.",
      cause,
    });
  }
}

export function sessionOf(verifier: Verifier, { user, untrusted }: VerifyFacts): VerifySession {
  if (verifier.login !== null) {
    const { login } = verifier;
    const detail = `Statements were run in a session of ${login}, which has no rights of its own.`;
    return { login, separate: true, executed: true, detail, untrusted: [] };
  }
  const own = { login: user, separate: false, executed: untrusted.length === 0 };
  if (own.executed) {
    const detail =
      `Statements were run in a session of ${user}, the functions' own login (${verifier.why}): ` +
      "all code that they run belongs to roles that have its rights anyway.";
    return { ...own, detail, untrusted };
  }
  const code = listed(untrusted.map(({ object, owner }) => `${object} of ${owner}`));
  const detail = "Nothing was run or explained, since code of others would have run with the " +
    `rights of ${user}: ${code}. ${verifier.why}; set RENAME_VERIFY_DB_URL to the login that ` +
    "supabase/roles/table_verifier.sql makes, and statements are run in a session without rights.";
  return { ...own, detail, untrusted };
}
