/** What finalize and refresh read to give routines and cron jobs the new names. */
import {
  BODY_CHECKS_UNDONE,
  bodyCheckCalls,
  type CheckedBody,
  checkingBodies,
  type FoundError,
} from "../../catalog/texts/body_checks.ts";
import type { Facts, RoutineDefinition } from "../../facts/facts.ts";
import type { RecordedRename } from "../../facts/migration.ts";
import {
  type Definitions,
  newlyNamed,
  replacingBody,
  textsToRewrite,
} from "../../plan/rewrite_texts.ts";
import type { Session } from "../../postgres/connection/database.ts";
import { isConnectionLost } from "../../postgres/database_errors.ts";
import { readDefinitions } from "./reading.ts";

interface Request {
  rewrite_texts: boolean;
}

/** The names that texts are searched for: the new ones too where texts get them, so that none means something else. */
export const mentionedNames = (
  migrations: RecordedRename[],
  { rewrite_texts }: Request,
): string[] =>
  migrations.flatMap(({ old_name, new_name, present_name }) =>
    rewrite_texts ? [...new Set([old_name, present_name ?? new_name])] : [old_name]
  );

/** Null where no texts are to be changed. */
export async function definitionsToRewrite(
  session: Session,
  { rewrite_texts }: Request,
  migrations: RecordedRename[],
  facts: Facts,
): Promise<Definitions | null> {
  if (!rewrite_texts) return null;
  const tables = migrations.map((migration) =>
    newlyNamed(migration, migration.present_name ?? migration.new_name)
  );
  const wanted = textsToRewrite(facts, tables);
  const definitions = await readDefinitions(session, wanted.map(({ text }) => text));
  const bodies = wanted.flatMap(({ text, after }) => {
    const checked = text.kind === "routine" && text.language === "plpgsql" && text.owned;
    const definition = definitions.routines.find(({ identity }) => identity === text.identity);
    return checked && definition?.extension === null ? [{ definition, after }] : [];
  });
  const schemas = [...new Set(tables.map(({ schema }) => schema))];
  return { ...definitions, errors: await errorsOfNewBodies(session, bodies, schemas) };
}

/** Longest time to check all bodies, in milliseconds: they can be rewritten without. */
const CHECKS_MS = 5_000;

/** What plpgsql_check finds in new bodies and not in the present ones, in words, by the routines' identities. */
async function errorsOfNewBodies(
  session: Session,
  bodies: { definition: RoutineDefinition; after: string }[],
  schemas: string[],
): Promise<Map<string, string>> {
  if (bodies.length === 0) return new Map();
  const identities = bodies.map(({ definition }) => definition.identity);
  const calls = new Map(
    (await session.run(bodyCheckCalls(identities)))
      .map((row) => [String(row.identity), row.calls as string[]]),
  );
  const tried = bodies.flatMap(({ definition, after }) => {
    const own = calls.get(definition.identity);
    return own === undefined
      ? []
      : [{ ...definition, calls: own, definition: replacingBody(definition, after) }];
  });
  if (tried.length === 0) return new Map();
  let checked: CheckedBody[] = [];
  try {
    const [row] = await session.run(checkingBodies(tried, schemas, CHECKS_MS));
    checked = JSON.parse(row.checked as string);
  } catch (error) {
    if (isConnectionLost(error)) throw error;
  }
  await session.run(BODY_CHECKS_UNDONE);
  return new Map(checked.flatMap(({ identity, before, after }) => {
    const found = firstNew(before, after);
    if (found === undefined) return [];
    const line = found.line === null ? "" : ` in line ${found.line}`;
    return [[identity, `plpgsql_check finds an error with the new name${line}: ${found.message}`]];
  }));
}

/** An error is the same where its line and code are: its message can have a table's name. */
const firstNew = (before: FoundError[], after: FoundError[]): FoundError | undefined => {
  const left = before.map(({ line, code }) => `${line} ${code}`);
  return after.find(({ line, code }) => {
    const index = left.indexOf(`${line} ${code}`);
    if (index !== -1) left.splice(index, 1);
    return index === -1;
  });
};
