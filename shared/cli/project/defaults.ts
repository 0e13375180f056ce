/** What commands use where no option says otherwise: from the project file, or else as Supabase projects have it. */
import { dirname, join } from "node:path";
import { checkedDatabaseUrl, databaseFromEnvironment } from "../connection.ts";
import type { CommandContext } from "../context.ts";
import { UsageError } from "../exit_codes.ts";
import { callerFolder } from "../files/paths.ts";

type Caller = Pick<CommandContext, "terminal" | "project">;

/** The folder that the other paths start from: that of the project file, or else the caller's. */
const projectFolder = ({ project, terminal }: Caller): string =>
  project?.dir ?? terminal.cwd ?? callerFolder(terminal.env);

export const migrationsFolder = (caller: Caller): string =>
  join(projectFolder(caller), caller.project?.settings.migrations ?? "supabase/migrations");

/** The folder of database.types.ts and table-aliases.ts. */
export const typesFolder = (caller: Caller): string =>
  join(
    projectFolder(caller),
    dirname(caller.project?.settings.types ?? "supabase/types/database.types.ts"),
  );

/** The schema of tables that are named without one; undefined: the endpoint's own default, public. */
export function defaultSchema({ project }: Caller): string | undefined {
  const schemas = project?.settings.schemas ?? [];
  return schemas.length === 1 ? schemas[0] : undefined;
}

/**
 * The database in the environment.
 *
 * @throws {UsageError} There is none.
 */
export function wantedDatabase({ terminal, project }: Caller): string {
  const { variable, url } = databaseFromEnvironment(terminal.env, project);
  if (url !== undefined) return checkedDatabaseUrl(url, variable);
  throw new UsageError(`which database? Give --db-url postgresql://…, or set ${variable}`);
}
