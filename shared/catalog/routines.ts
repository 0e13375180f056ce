/**
 * PL/pgSQL routines whose text names a table. A session that has run one keeps it compiled, with the row
 * types of its variables as they were: after the old name has moved to a view, a variable of the old row
 * type used as a whole fails there with 42804 (measured on 15 and 17), until the routine is compiled again.
 */
import { literal } from "../plan/quoting.ts";

/** Up to so many names are looked for with one regular expression; more, word by word. */
const MAX_ALTERNATIVES = 20;

/** Expression for a JSON array of the routines that name one of these relations; some may only seem to. */
export function routinesNaming(names: string[]): string {
  const words = [...new Set(names.map(longestWord))];
  const plain = words.filter((word) => word !== null);
  const odd = names.filter((name) => longestWord(name) === null);
  const conditions = [
    ...(plain.length === 0 ? [] : [plain.length <= MAX_ALTERNATIVES ? oneOf(plain) : anyOf(plain)]),
    ...odd.map((name) => `pg_catalog.strpos(p.prosrc, ${literal(name)}) > 0`),
  ];
  if (conditions.length === 0) return "'[]'::jsonb";
  return `(
  select coalesce(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(
      'schema', n.nspname,
      'identity', pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
        pg_catalog.pg_get_function_identity_arguments(p.oid)),
      'security_definer', p.prosecdef,
      'owned', pg_catalog.pg_has_role(p.proowner, 'USAGE')) order by p.oid), '[]')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
  where n.nspname not in ('pg_catalog', 'information_schema') and (${
    conditions.join("\n    or ")
  }))`;
}

const oneOf = (words: string[]) =>
  `p.prosrc ~* ${literal(`(^|[^a-z0-9_])(${words.join("|")})([^a-z0-9_]|$)`)}`;

const anyOf = (words: string[]) =>
  `exists (
      select from pg_catalog.regexp_split_to_table(pg_catalog.lower(p.prosrc), '[^a-z0-9_]+') w
      where w = any(${literal(`{${words.join(",")}}`)}::text[]))`;

/** The longest run of plain characters, in lower case: whatever names the relation contains it as a word. */
function longestWord(name: string): string | null {
  const words = name.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).match(/[a-z0-9_]+/g);
  return words?.reduce((longest, word) => word.length > longest.length ? word : longest) ?? null;
}
