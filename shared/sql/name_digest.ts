/** A digest for names of objects that a plan creates, and the order in which it goes through objects. */

/**
 * Sixteen hexadecimal digits for a name of several parts (FNV-1a, 64 bits). They replace names that could be too
 * long, and are the same in every database, so that a plan reviewed in one is the plan of another.
 */
export function nameDigest(...parts: (string | null)[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(parts.join("\0"))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

interface Named {
  schema: string;
  name: string;
}

/** Orders by schema and name, the same in every database. */
export const byName = (a: Named, b: Named): number =>
  compareText(a.schema, b.schema) || compareText(a.name, b.name);

/** Orders by UTF-16 code units, whatever the locale. */
export const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
