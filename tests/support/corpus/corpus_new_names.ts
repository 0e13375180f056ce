/**
 * What a schema would be had it been made with the tables' new names: its dump or description with each name
 * exchanged. Where a statement reads a table without an alias, the server calls its columns by the table's name,
 * so that is exchanged there, too. Texts of functions an application changes itself before a rename is
 * finalized; they are changed here as `moveRoutines` does it.
 *
 * One thing is left as the rename leaves it, and would be otherwise in a schema made anew: indexes, constraints,
 * sequences, triggers and policies keep their names, in which the old name may be.
 */
import type postgres from "postgres";
import type { Rename } from "../../../shared/contract/requests.ts";

const PLAIN = /^[a-z_][a-z0-9_$]*$/;
/** Words that have to be quoted as names, among the names of the corpus. */
const RESERVED = new Set(["select", "table", "user", "order", "default"]);

/** A name as the server writes it. */
export const spelled = (name: string) =>
  PLAIN.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** What comes before a relation that a query reads or writes. */
const READ = /(?:\b(?:FROM|JOIN|UPDATE|INTO)(?: ONLY)? \(*)$/;

/** What follows a relation that has no alias. */
const NO_ALIAS =
  /^(?![\w"(])(?! (?:AS )?(?!(?:WHERE|JOIN|LEFT|RIGHT|FULL|INNER|CROSS|ON|USING|SET|GROUP|ORDER|HAVING|LIMIT|VALUES|RETURNING|UNION|SELECT|TABLESAMPLE)\b)[\w"])/;

/**
 * A statement or definition with the new names.
 *
 * @param policyOf The table of a policy, already spelled: its columns are called by its name.
 */
function exchanged(text: string, renames: Rename[], policyOf?: string): string {
  return renames.reduce((result, { schema, old_name, new_name }) => {
    const [old, now] = [spelled(old_name), spelled(new_name)];
    const qualified = `${spelled(schema)}.${old}`;
    if (policyOf !== qualified && !result.includes(qualified)) return result;
    let callsColumns = policyOf === qualified;
    const pattern = new RegExp(`(?<![\\w$".])${escaped(qualified)}(?![\\w$])`, "g");
    const renamed = result.replace(pattern, (_found, offset: number) => {
      const [before, after] = [result.slice(0, offset), result.slice(offset + qualified.length)];
      if (READ.test(before.slice(-20)) && NO_ALIAS.test(after)) callsColumns = true;
      return `${spelled(schema)}.${now}`;
    });
    if (!callsColumns) return renamed;
    const ofColumns = new RegExp(`(?<![\\w$".])${escaped(old)}\\.(?=[\\w"])`, "g");
    return renamed.replace(ofColumns, () => `${now}.`);
  }, text);
}

/** A text of a routine of `schema`, as the application has it when it uses the new names. */
function moved(text: string, schema: string, renames: Rename[]): string {
  return renames.filter((rename) => rename.schema === schema).reduce((result, rename) => {
    const word = new RegExp(`(?<![\\w$"])${escaped(spelled(rename.old_name))}(?![\\w$"])`, "g");
    return result.replace(word, () => spelled(rename.new_name));
  }, text);
}

/** The body of a routine where it is a text, in dollar quotes. */
const BODY = /(?<=\bAS )(\$\w*\$)[^]*?\1/;

/** One object's statement or definition, with the routine's body, if it has one, as the application has it. */
function withNewNames(text: string, schema: string, renames: Rename[], policyOf?: string): string {
  const body = text.match(BODY);
  if (body === null) return exchanged(text, renames, policyOf);
  const end = body.index! + body[0].length;
  return exchanged(text.slice(0, body.index), renames) + moved(body[0], schema, renames) +
    exchanged(text.slice(end), renames);
}

/** What pg_dump would print, in the order of the dump given. */
export function dumpWithNewNames(dump: string, renames: Rename[]): string {
  return dump.split(/^(?=--\n-- Name: )/m).map((entry) => {
    const schema = entry.match(/^-- Name: .*; Type: .*; Schema: (.*); Owner: /m)?.[1] ?? "";
    const policyOf = entry.match(/^CREATE POLICY (?:\w+|"(?:[^"]|"")*") ON (\S+|.*?"(?=[ \n]))/m)
      ?.[1];
    return withNewNames(entry, schema, renames, policyOf);
  }).join("");
}

/** What `describeSchemas` would say. */
export function descriptionWithNewNames(
  description: Record<string, string>,
  renames: Rename[],
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(description).map(([object, definition]) => {
      const schema = object.match(/^routine (\w+|"[^"]*")\./)?.[1].replaceAll('"', "") ?? "";
      const policyOf = object.match(/^policy (?:\w+|"(?:[^"]|"")*") on (.*)$/)?.[1];
      return [exchanged(object, renames), withNewNames(definition, schema, renames, policyOf)];
    }),
  );
}

/** Has the application's routines use the new names, as somebody does before a rename is finalized. */
export async function moveRoutines(sql: postgres.Sql, renames: Rename[]): Promise<number> {
  const schemas = [...new Set(renames.map(({ schema }) => schema))];
  const routines = await sql<{ schema: string; definition: string }[]>`
    select n.nspname as schema, pg_get_functiondef(p.oid) as definition
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname = any(${schemas}) and p.prokind in ('f', 'p') and p.prosqlbody is null`;
  const statements = routines.flatMap(({ schema, definition }) => {
    const now = definition.replace(BODY, (body) => moved(body, schema, renames));
    return now === definition ? [] : [now];
  });
  await sql.unsafe(`set check_function_bodies = off; ${statements.join(";\n")};
    reset check_function_bodies`).simple();
  return statements.length;
}
