/** `--migration-file`: writes a change as a migration of the Supabase CLI, which `supabase db push` applies. */
import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { nextVersion } from "../../contract/migration_version.ts";
import type { OperationAnswer } from "../../contract/responses.ts";
import { callerPath, codeOf } from "./paths.ts";
import { messageOf, UsageError } from "../exit_codes.ts";
import type { Terminal } from "../terminal/terminal.ts";

export interface MigrationFileOptions {
  /** A path, or true for the default folder. */
  migrationFile?: string | true;
}

/** Where `supabase db push` looks, below the project's folder. */
const FOLDER = "supabase/migrations";

export const MIGRATION_FILE_HELP = `Migration files:
  With --migration-file nothing is changed: the change becomes a file for supabase db push, by
  default ${FOLDER}/VERSION_NAME.sql. PATH is another folder or a file; give it last, or
  as --migration-file=PATH. The plan is for the database as it is now, so apply it soon, before
  anything else changes these tables. Once applied, it is tracked like any other change.`;

/**
 * Writes the file of an answer, and returns its path. In a folder it gets the latest version.
 *
 * @param option As it was given; true: in the default folder.
 * @throws {UsageError} It cannot be written there, or there is nothing to write.
 */
export async function writeMigrationFile(
  { migration_file: file }: OperationAnswer,
  option: string | true,
  env: Terminal["env"],
  defaultFolder: string,
): Promise<string> {
  if (file === undefined) {
    throw new UsageError("there is nothing to write: this changes only the record");
  }
  // The server must not choose where a file is written.
  if (!/^\d{14}$/.test(file.version) || !/^[a-z0-9_]+$/.test(file.name)) {
    throw new UsageError(`${file.version}_${file.name} is not a name for a migration file`);
  }
  let path = option === true ? defaultFolder : callerPath(option, env);
  try {
    if (option === true && !(await isFolder(dirname(path)))) {
      throw new UsageError(
        `there is no folder ${
          dirname(path)
        }; go to the project's folder, or give --migration-file=PATH`,
      );
    }
    if (option === true || path.endsWith("/") || await isFolder(path)) {
      await mkdir(path, { recursive: true });
      const versions = (await readdir(path)).flatMap((name) =>
        /^(\d+)_.*\.sql$/.exec(name)?.[1] ?? []
      );
      path = join(path, `${nextVersion(versions, file.version)}_${file.name}.sql`);
    }
    await writeFile(path, file.sql, { flag: "wx" });
    return path;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const reason = codeOf(cause) === "EEXIST" ? "it exists already" : messageOf(cause);
    throw new UsageError(`${path} cannot be written: ${reason}`, { cause });
  }
}

export const withPath = (answer: OperationAnswer, path: string | undefined) =>
  path === undefined ? answer : { ...answer, migration_file: { ...answer.migration_file, path } };

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (cause) {
    if (codeOf(cause) === "ENOENT") return false;
    throw cause;
  }
}
