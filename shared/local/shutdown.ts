/**
 * Notices that the program should end: a signal, or the end of the program that started it.
 *
 * A signal that reaches `npm run` alone does not always reach what npm started: npm runs a shell,
 * and the shell may run a wrapper, and any of them can die without telling its child. The child of
 * a dead process gets another parent, and that can be seen.
 */

/** How often the launchers are looked at, in milliseconds. */
const POLL_MS = 250;

const SIGNALS: Deno.Signal[] = Deno.build.os === "windows"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

export interface ShutdownWatch extends Disposable {
  /** Resolved once, with the reason, when the program should end. */
  readonly requested: Promise<string>;
  /** Whether it has been requested. */
  readonly pending: boolean;
}

/**
 * Watches for the signals to end (while it does, they do not end the process by themselves), and,
 * where npm is the launcher, for its end. Dispose of it to stop watching.
 */
export function watchForShutdown(): ShutdownWatch {
  const { promise: requested, resolve } = Promise.withResolvers<string>();
  let pending = false;
  const request = (reason: string) => {
    pending = true;
    resolve(reason);
  };
  const handlers = SIGNALS.map((signal) => {
    const handler = () => request(signal);
    Deno.addSignalListener(signal, handler);
    return { signal, handler };
  });

  // Started in the background by a shell, the program is meant to outlive that shell.
  const launchers = Deno.env.has("npm_lifecycle_event") ? launcherChain() : [];
  const timer = setInterval(() => {
    if (launchers.some(({ pid, parent }) => parentOf(pid) !== parent)) {
      request("the program that started it has ended");
    }
  }, POLL_MS);
  Deno.unrefTimer(timer);

  return {
    requested,
    get pending() {
      return pending;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const { signal, handler } of handlers) Deno.removeSignalListener(signal, handler);
    },
  };
}

/** Who is whose parent, from this process up to npm. */
function launcherChain(): { pid: number; parent: number }[] {
  const chain = [{ pid: Deno.pid, parent: Deno.ppid }];
  for (;;) {
    const { parent } = chain.at(-1)!;
    if (isNpm(parent)) return chain;
    const grandparent = parentOf(parent);
    // npm is not among the ancestors, or they cannot be looked at: the direct one has to do.
    if (grandparent === undefined || grandparent <= 1) return chain.slice(0, 1);
    chain.push({ pid: parent, parent: grandparent });
  }
}

function parentOf(pid: number): number | undefined {
  if (pid === Deno.pid) return Deno.ppid;
  const stat = readProc(pid, "stat");
  // "pid (name) state ppid …"; the name may contain blanks and parentheses.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]);
}

function isNpm(pid: number): boolean {
  return /^npm\b|npm-cli\.js/.test(readProc(pid, "cmdline") ?? "");
}

/** A file of Linux's /proc; undefined on other systems, or where the process is gone. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return Deno.readTextFileSync(`/proc/${pid}/${file}`);
  } catch {
    return undefined;
  }
}
