/** Looks at the processes of the machine, to see that none is left over. Linux only. */

interface Process {
  pid: number;
  parent: number;
  command: string;
}

/** Whether processes can be looked at here. */
export const CAN_LIST_PROCESSES = Deno.build.os === "linux";

/** All processes but those that have ended and only wait for their parent to notice. */
export function listProcesses(): Process[] {
  const found: Process[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = Deno.readTextFileSync(`/proc/${name}/stat`);
      const [, state, parent] = stat.slice(stat.lastIndexOf(")")).split(" ");
      if (state === "Z") continue;
      const command = Deno.readTextFileSync(`/proc/${name}/cmdline`).replaceAll("\0", " ").trim();
      found.push({ pid: Number(name), parent: Number(parent), command });
    } catch {
      // It has ended in the meantime.
    }
  }
  return found;
}

/** Process `pid` and all that descend from it. */
export function descendants(pid: number): Process[] {
  const all = listProcesses();
  const found = all.filter((process) => process.pid === pid);
  for (let index = 0; index < found.length; index++) {
    found.push(...all.filter(({ parent }) => parent === found[index].pid));
  }
  return found;
}

/** Waits, for `timeoutMs` at most, until `list` finds nothing, and returns what it still finds. */
export async function waitUntilGone(list: () => Process[], timeoutMs = 15_000): Promise<Process[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const left = list();
    if (left.length === 0 || Date.now() > deadline) return left;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
