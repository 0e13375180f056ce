/** Which kinds of connection an `sslmode` allows, and in which order they are tried (PostgreSQL manual, 34.19.3). */
import { Problem } from "../../contract/problems.ts";
import type { DatabaseUrl } from "./database_url.ts";

/** `preferred`: encrypted if the server supports it. */
export type Encryption = "none" | "preferred" | "required";

/** The kinds of connection to try, one after the other. */
export function encryptionsOf({ sslmode, path }: DatabaseUrl): Encryption[] {
  if (path !== undefined) return ["none"];
  switch (sslmode) {
    case "disable":
      return ["none"];
    case "allow":
      return ["none", "required"];
    case "prefer":
      return ["preferred", "none"];
    default:
      return ["required"];
  }
}

/** The encryption that is asked for is not possible. */
export class EncryptionProblem extends Problem {
  constructor(detail: string, hint: string, cause?: unknown) {
    super("database_unavailable", detail, { hint, cause });
  }
}

/**
 * Logs in by the first kind of connection that the server accepts. Another one is tried only if encryption can be
 * the reason of the failure; a wrong password is wrong for all of them.
 */
export async function firstAccepted<Opened>(
  kinds: Encryption[],
  logIn: (kind: Encryption) => Promise<Opened>,
): Promise<Opened> {
  let first: unknown;
  for (const [index, kind] of kinds.entries()) {
    try {
      return await logIn(kind);
    } catch (error) {
      const required = requiresEncryption(error);
      const reported = required ? encryptionRequired(error) : error;
      first ??= reported;
      const another = index + 1 < kinds.length &&
        (error instanceof EncryptionProblem || required || isRefused(error));
      // Why encryption failed is more useful than that it is required.
      if (!another) throw required && first instanceof EncryptionProblem ? first : reported;
    }
  }
  throw first;
}

/** invalid_authorization_specification: pg_hba.conf has no entry for this kind of connection. */
const isRefused = (error: unknown) =>
  error instanceof Error && (error as { code?: unknown }).code === "28000";

/** The messages of PostgreSQL, of PgBouncer and of Supabase's pooler. */
const requiresEncryption = (error: unknown): boolean =>
  error instanceof Error && !(error instanceof Problem) &&
  /, (no encryption|SSL off)$|\bSSL (connection is )?required\b/.test(error.message);

const encryptionRequired = (cause: unknown) =>
  new EncryptionProblem(
    "The database server refused a connection without encryption.",
    "Add sslmode=require to RENAME_DB_URL, or else SUPABASE_DB_URL; if it is there already, the server has " +
      "no entry for this login in pg_hba.conf.",
    cause,
  );
