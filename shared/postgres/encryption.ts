/** Which kinds of connection an `sslmode` allows, and in which order they are tried (PostgreSQL manual, 34.19.3). */
import { Problem } from "../contract/problems.ts";
import type { DatabaseUrl } from "./database_url.ts";

/** `offered`: with encryption if the server has it. */
export type Encryption = "none" | "offered" | "required";

/** The kinds of connection to try, one after the other. */
export function encryptionsOf({ sslmode, path }: DatabaseUrl): Encryption[] {
  if (path !== undefined) return ["none"];
  switch (sslmode) {
    case "disable":
      return ["none"];
    case "allow":
      return ["none", "required"];
    case "prefer":
      return ["offered", "none"];
    default:
      return ["required"];
  }
}

/** Encryption cannot be had as it is asked for. */
export class EncryptionProblem extends Problem {
  constructor(detail: string, hint: string, cause?: unknown) {
    super("database_unavailable", detail, { hint, cause });
  }
}

/**
 * Logs in by the first kind of connection that the server takes. Another is tried only where encryption can be
 * the reason; a wrong password is wrong for all.
 */
export async function inTurn<Opened>(
  kinds: Encryption[],
  logIn: (kind: Encryption) => Promise<Opened>,
): Promise<Opened> {
  let first: unknown;
  for (const [index, kind] of kinds.entries()) {
    try {
      return await logIn(kind);
    } catch (error) {
      const told = asksForEncryption(error) ? encryptionAsked(error) : error;
      first ??= told;
      const another = index + 1 < kinds.length &&
        (error instanceof EncryptionProblem || isRefused(error));
      // What is said of the encryption says more than that there has to be one.
      if (!another) throw first instanceof EncryptionProblem && told !== error ? first : told;
    }
  }
  throw first;
}

/** invalid_authorization_specification: pg_hba.conf has no entry for this kind of connection. */
const isRefused = (error: unknown) =>
  error instanceof Error && (error as { code?: unknown }).code === "28000" ||
  asksForEncryption(error);

/** The messages of PostgreSQL, of PgBouncer and of Supabase's pooler. */
function asksForEncryption(error: unknown): boolean {
  return error instanceof Error && !(error instanceof Problem) &&
    /, (no encryption|SSL off)$|\bSSL (connection is )?required\b/.test(error.message);
}

const encryptionAsked = (cause: unknown) =>
  new EncryptionProblem(
    "The database server refused a connection without encryption.",
    "Add sslmode=require to RENAME_DB_URL, or else SUPABASE_DB_URL; where it is there already, the server has " +
      "no entry for this login in pg_hba.conf.",
    cause,
  );
