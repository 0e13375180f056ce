/** The defaults of a compatibility view's columns, with which it writes what its table would. */
import type { Finding } from "../../contract/responses.ts";
import type { ColumnFacts } from "../../facts/facts.ts";
import { ident } from "../../sql/quoting.ts";

type DefaultedColumn = Pick<
  ColumnFacts,
  "identity" | "generated" | "default" | "identity_sequence"
>;

/**
 * The default of a view's column; null for none. Columns that are always generated take no value.
 *
 * Other identity columns get the next number of their sequence, so that `DEFAULT` and PostgREST's `missing=default` work
 * as on the table. But a default needs the caller's privilege on the sequence (measured: 42501), an identity column
 * does not: where somebody may insert and not use the sequence, the column has no default, so that their inserts work.
 */
export function viewDefault(column: DefaultedColumn): string | null {
  const { identity, generated, identity_sequence: sequence } = column;
  if (generated !== "" || identity === "a") return null;
  if (identity === "") return column.default;
  return sequence === null || sequence.without_usage.length > 0 ? null : sequence.next;
}

/** Numbers of the identity columns with a default on the view. */
export const defaultedIdentities = (columns: ColumnFacts[]): number[] =>
  columns.filter((column) => column.identity !== "" && viewDefault(column) !== null)
    .map(({ number }) => number);

export function identityFindings(columns: ColumnFacts[]): Omit<Finding, "object">[] {
  return columns.flatMap(({ name, identity_sequence: sequence }) => {
    if (sequence === null || sequence.without_usage.length === 0) return [];
    const roles = sequence.without_usage;
    return [{
      code: "identity_default_missing",
      // Where only the owner may use the sequence, nobody else could have used the default.
      severity: sequence.with_usage.length > 0 ? "breaking" : "info",
      message:
        `The identity column "${name}" has no default under the old name: ${
          roles.join(", ")
        } may insert and ` +
        `may not use the sequence ${sequence.quoted}, and with a default their inserts would fail (42501). An ` +
        `INSERT that leaves the column out works as before; DEFAULT in an UPDATE, and requests of the Data API ` +
        `with "Prefer: missing=default" or upserts without the column in some rows, fail (23502).`,
      remedy: `To have the default: ${
        roles.map((role) =>
          `grant usage on sequence ${sequence.quoted} to ${
            role === "PUBLIC" ? "public" : ident(role)
          }`
        ).join("; ")
      }; then rename. Or acknowledge.`,
    }];
  });
}
