/** Files that have no uses of their own: generated ones, and migrations, which are history. */

/** Why the file of this path is not read; null if it is. The path has slashes. */
export function reasonToSkip(path: string): string | null {
  if (/(?:^|\/)node_modules\//.test(path)) return "a package";
  // Also those of other tools: they have run, and are not run again.
  if (/(?:^|\/)(?:migrations|drizzle)\/(?:.*\/)?[^/]+\.(?:sql|[cm]?[jt]s)$/.test(path)) {
    return "a migration";
  }
  if (/(?:^|\/)(?:database\.types|table-aliases)\.ts$/.test(path)) return "generated";
  if (/\.min\.[cm]?js$|\.map$|(?:^|\/)[\w-]+-lock\.ya?ml$/.test(path)) return "generated";
  return null;
}

/** How much of a file is looked at for a note that it is generated. */
const BEGINNING = 1500;

const NOTE =
  /@generated\b|\bauto-?generated\b|\bgenerated (?:by|from|with|file|code)\b|\bdo not (?:edit|modify|change)\b/i;

/** Whether a file says at its beginning, in a comment, that it is generated, or is what `supabase gen types` writes. */
export function isGenerated(text: string): boolean {
  const comments = text.slice(0, BEGINNING).split("\n").slice(0, 12)
    .filter((line) => /^\s*(?:\/\/|\/?\*|--|#|<!--|""")/.test(line));
  if (comments.some((line) => NOTE.test(line))) return true;
  return /^export type Database = \{/m.test(text) && /^\s+Relationships: \[/m.test(text);
}
