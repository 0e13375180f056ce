/** Which project the commands talk to, and with which key. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { stateFolder } from "../local/state_folder.ts";
import { isDatabaseUrl } from "../local/database_url.ts";
import { IS_BUILT } from "../local/package_root.ts";
import { PROGRAM } from "./arguments/command_line.ts";
import { UsageError } from "./exit_codes.ts";
import { codeOf } from "./files/paths.ts";
import { PROJECT_FILE } from "./project/find_project_file.ts";
import type { ProjectFile } from "./project/project_file.ts";
import type { Terminal } from "./terminal/terminal.ts";

const LOCAL_URL = "http://127.0.0.1:54321";

/** What starts the functions on this machine. */
export const SERVE = IS_BUILT ? `${PROGRAM} serve` : "npm run serve";

export const CONNECTION_HELP = `Which project:
  --db-url URL         a database: the command runs the functions itself, nothing is deployed
  SUPABASE_URL         or else a project with deployed functions; or else project_url of
                       ${PROJECT_FILE}; or else the local stack (${LOCAL_URL})

Environment:
  SUPABASE_SECRET_KEY  the project's secret key (of the local functions, the key that serve keeps);
                       or else SUPABASE_SECRET_KEYS ({"default":"…"}), or the legacy
                       SUPABASE_SERVICE_ROLE_KEY; "keys" of ${PROJECT_FILE} can name another
  SUPABASE_DB_URL      the database of generate-types, migrate and serve, if no option names one
  LOCAL_DIR            where the local functions keep their key
  NO_COLOR             print no colours`;

/**
 * The project and its key. The key of the local functions is never sent to another machine.
 *
 * @throws {UsageError} There is no key, or a variable or file is not valid.
 */
export async function readConnection(
  env: Terminal["env"],
  project?: ProjectFile,
): Promise<{ url: string; key: string }> {
  const { project_url, keys } = project?.settings ?? {};
  const url = projectUrl(env("SUPABASE_URL")?.trim() || project_url || LOCAL_URL);
  const key = keyFromEnvironment(env, keys?.secret_key);
  if (key !== undefined) return { url, key };
  if (!isLocal(url)) {
    const variable = keys?.secret_key ?? "SUPABASE_SECRET_KEY";
    throw new UsageError(
      `${variable} is not set: there is no key for ${url}. Set it, or give --db-url to work without`,
    );
  }
  return { url, key: await keptKey(stateFolder(env)) };
}

/** What to do about a key that the functions refused. */
export function keyHint(env: Terminal["env"], project?: ProjectFile): string {
  const { project_url, keys } = project?.settings ?? {};
  const variable = keys?.secret_key ?? "SUPABASE_SECRET_KEY";
  const set = `Set ${variable} to the project's secret key`;
  if (!isLocal(env("SUPABASE_URL")?.trim() || project_url || LOCAL_URL)) return `${set}.`;
  const kept = keyFromEnvironment(env, keys?.secret_key) === undefined
    ? "took it"
    : "would take it";
  return `${set}: the one that serve prints, with a line to paste. It keeps the key in keys.json; without the ` +
    `variable this command ${kept} from ${join(stateFolder(env), "keys.json")}.`;
}

/** The URL of the database in the environment, if there is one, and the variable's name. */
export function databaseFromEnvironment(env: Terminal["env"], project?: ProjectFile) {
  const variable = project?.settings.keys?.database_url ?? "SUPABASE_DB_URL";
  return { variable, url: env(variable)?.trim() || undefined };
}

/** The message repeats nothing that could be a password. */
function projectUrl(text: string): string {
  if (/^postgres(ql)?:/i.test(text)) {
    throw new UsageError(
      "SUPABASE_URL is the URL of a database; it should be the project's, such as https://abcd.supabase.co. " +
        "The URL of the database goes into SUPABASE_DB_URL",
    );
  }
  if (URL.canParse(text) && new URL(text).password !== "") {
    throw new UsageError(
      "SUPABASE_URL has a password in it; it should be like https://abcd.supabase.co",
    );
  }
  return text;
}

function keyFromEnvironment(env: Terminal["env"], variable?: string): string | undefined {
  const text = (name: string) => env(name)?.trim() || undefined;
  if (variable !== undefined) return text(variable);
  return text("SUPABASE_SECRET_KEY") ?? firstKey(text("SUPABASE_SECRET_KEYS")) ??
    text("SUPABASE_SERVICE_ROLE_KEY");
}

/** The key named `default`, or else the first. The message never shows the variable, which may hold a key. */
function firstKey(json: string | undefined): string | undefined {
  if (json === undefined) return undefined;
  const keys = parseObject(json);
  const key = keys && (keys.default ?? Object.values(keys)[0]);
  if (typeof key === "string" && key !== "") return key;
  throw new UsageError(
    'SUPABASE_SECRET_KEYS has no key; it should be like {"default":"sb_secret_…"}',
  );
}

async function keptKey(dir: string): Promise<string> {
  const path = join(dir, "keys.json");
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    const why = codeOf(cause) === "ENOENT" ? "does not exist" : "cannot be read";
    throw new UsageError(
      `no key: set SUPABASE_URL and SUPABASE_SECRET_KEY, or give --db-url, or start the functions on this machine ` +
        `with ${SERVE} (${path}, where it keeps its key, ${why})`,
      { cause },
    );
  }
  const key = parseObject(text)?.secret;
  if (typeof key === "string" && key !== "") return key;
  throw new UsageError(
    `${path} has no secret key; delete it and start the functions again with ${SERVE}`,
  );
}

function parseObject(json: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(json);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Whether the URL is of this machine; or what is shown of a database's, such as `127.0.0.1:5432/postgres`. */
export function isLocal(shown: string): boolean {
  const url = shown.includes("://") ? shown : `http://${shown}`;
  if (!URL.canParse(url)) return false;
  return /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname);
}

/** @throws {UsageError} It is no URL of a PostgreSQL database. The message does not repeat it. */
export function checkedDatabaseUrl(text: string, where = "--db-url"): string {
  if (isDatabaseUrl(text)) return text;
  throw new UsageError(
    `${where} is not a URL of a database; it should be like postgresql://USER:PASSWORD@HOST:5432/DATABASE`,
  );
}
