/**
 * Notices that the program should end: by a signal, or by the end of the program that started it.
 *
 * A signal to `npm run` alone does not always reach the program: npm runs a shell, which may run a wrapper, and each of
 * them can die without signalling its child. But the child of a dead process gets another parent.
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { setInterval } from "node:timers";

/** How often the launchers are checked, in milliseconds. */
const POLL_MS = 250;

const SIGNALS: NodeJS.Signals[] = process.platform === "win32"
  ? ["SIGINT", "SIGBREAK"]
  : ["SIGINT", "SIGTERM", "SIGHUP"];

export interface ShutdownWatch extends Disposable {
  /** Resolved with the reason when the program should end. */
  readonly requested: Promise<string>;
  /** Whether it has been requested. */
  readonly pending: boolean;
}

/**
 * Watches for termination signals, which do not end the process themselves then, and for the end of npm if that is the
 * launcher. Dispose of it to stop watching.
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
    process.on(signal, handler);
    return { signal, handler };
  });

  // A program that a shell starts in the background is meant to outlive the shell.
  const launchers = process.env.npm_lifecycle_event !== undefined ? launcherChain() : [];
  const timer = setInterval(() => {
    if (launchers.some(({ pid, parent }) => parentOf(pid) !== parent)) {
      request("the program that started it has ended");
    }
  }, POLL_MS);
  timer.unref();

  return {
    requested,
    get pending() {
      return pending;
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      for (const { signal, handler } of handlers) process.off(signal, handler);
    },
  };
}

/** The processes and their parents, from this one up to npm. */
function launcherChain(): { pid: number; parent: number }[] {
  const chain = [{ pid: process.pid, parent: process.ppid }];
  for (;;) {
    const { parent } = chain.at(-1)!;
    if (isNpm(parent)) return chain;
    const grandparent = parentOf(parent);
    // npm is not found among the ancestors: only the direct parent is watched.
    if (grandparent === undefined || grandparent <= 1) return chain.slice(0, 1);
    chain.push({ pid: parent, parent: grandparent });
  }
}

function parentOf(pid: number): number | undefined {
  if (pid === process.pid) return process.ppid;
  const stat = readProc(pid, "stat");
  // "pid (name) state ppid …"; the name can contain spaces and parentheses.
  return stat === undefined ? undefined : Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]);
}

function isNpm(pid: number): boolean {
  return /^npm\b|npm-cli\.js/.test(readProc(pid, "cmdline") ?? "");
}

/** A file of Linux's /proc; undefined on other systems, or if the process has ended. */
function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return undefined;
  }
}
