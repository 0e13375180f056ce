/** What finalize and refresh read to give routines and cron jobs the new names. */
import type { Facts } from "../facts/facts.ts";
import type { RecordedRename } from "../facts/migration.ts";
import { type Definitions, newlyNamed, textsToRewrite } from "../plan/rewrite_texts.ts";
import type { Session } from "../postgres/database.ts";
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
  return await readDefinitions(session, textsToRewrite(facts, tables));
}
