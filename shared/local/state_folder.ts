/** Where the key of the local functions is kept. */
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { IS_BUILT, PACKAGE_ROOT } from "./package_root.ts";

/**
 * `LOCAL_DIR`. Default: `.local` in a checkout. The installed command keeps its key in the user's own folder of such
 * files (the XDG base directory specification; on Windows %LOCALAPPDATA%), never in a repository.
 */
export function stateFolder(env: (name: string) => string | undefined): string {
  const given = env("LOCAL_DIR");
  if (given) return resolve(given);
  if (!IS_BUILT) return join(PACKAGE_ROOT, ".local");
  const state = env("XDG_STATE_HOME") || env("LOCALAPPDATA") || join(homedir(), ".local", "state");
  return join(state, "table-rename");
}
