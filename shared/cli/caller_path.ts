/** Paths as the person wrote them. */
import { isAbsolute, join } from "node:path";
import type { Terminal } from "./terminal.ts";

/** The scripts of package.json that run a command. */
const SCRIPTS = new Set(["cli", "types"]);

/** npm runs a script in the package's folder; a relative path is meant from where npm was called. */
export function callerPath(path: string, env: Terminal["env"]): string {
  const callerDir = SCRIPTS.has(env("npm_lifecycle_event") ?? "") ? env("INIT_CWD") : undefined;
  if (!callerDir || isAbsolute(path) || callerDir === Deno.cwd()) return path;
  return join(callerDir, path);
}
