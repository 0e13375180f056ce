/** Names for what a plan makes beside an object, where the object's own name could be too long. */

/**
 * Sixteen hexadecimal digits for a name of several parts (FNV-1a, 64 bits). They are the same in every database
 * that has the name, so a plan that was reviewed in one is the plan of another.
 */
export function nameDigest(...parts: (string | null)[]): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(parts.join("\0"))) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash.toString(16).padStart(16, "0");
}

/** By schema and name, in the order of their characters: the same in every database. */
export function byName(
  a: { schema: string; name: string },
  b: { schema: string; name: string },
): number {
  return compare(a.schema, b.schema) || compare(a.name, b.name);
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
