/** A project of somebody else, in which the packed command is installed. */
import { assertEquals } from "@std/assert";
import { delimiter, dirname, join } from "node:path";
import { type Ended, run } from "./cli.ts";
import { ROOT_FOLDER } from "../documents/module_graph.ts";

export const PACKAGE = "zero-downtime-table-rename";

interface LockEntry {
  version: string;
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  [field: string]: unknown;
}

let packed: Promise<string> | undefined;

/** Packs this repository once, and gives the path of the file. */
export function packedFile(): Promise<string> {
  return packed ??= (async () => {
    const dir = await Deno.makeTempDir({ prefix: "packed-" });
    addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
    const { code, stdout, stderr } = await npm(ROOT_FOLDER, ["pack", "--pack-destination", dir]);
    assertEquals(code, 0, stdout + stderr);
    return join(dir, stdout.trim().split("\n").at(-1)!);
  })();
}

/** npm as it is called by hand: not by the npm that runs these tests. */
export const npm = (cwd: string, args: string[], env: Record<string, string> = {}) =>
  run("npm", args, { cwd, env: { NO_UPDATE_NOTIFIER: "1", ...env } });

export interface PackedProject {
  dir: string;
  /** Runs `npx table-rename ARGS` there; where not npx itself is tested, without it, which is quicker. */
  command(
    args: string[],
    options?: { env?: Record<string, string>; folder?: string; npx?: boolean },
  ): Promise<Ended>;
  write(path: string, text: string): Promise<void>;
  read(path: string): Promise<string>;
}

/**
 * A project in a folder of its own, which is removed with the test process. Its lock file has the packages of this repository's lock that the packed one
 * depends on, so that npm takes them from its cache, and asks the registry only for what is missing there.
 */
export async function packedProject(): Promise<PackedProject> {
  const file = await packedFile();
  const dir = await Deno.makeTempDir({ prefix: "project-of-others-" });
  addEventListener("unload", () => Deno.removeSync(dir, { recursive: true }));
  const write = async (path: string, text: string) => {
    await Deno.mkdir(dirname(join(dir, path)), { recursive: true });
    await Deno.writeTextFile(join(dir, path), text);
  };
  const root = {
    name: "application",
    version: "1.0.0",
    devDependencies: { [PACKAGE]: `file:${file}`, ...await versionOf("@types/node") },
  };
  await write(
    "package.json",
    JSON.stringify({ ...root, type: "module", scripts: { rename: "table-rename" } }),
  );
  await write("package-lock.json", JSON.stringify(await lockFor(root, file)));
  const { code, stderr } = await npm(dir, ["ci", "--prefer-offline", "--no-audit", "--no-fund"]);
  assertEquals(code, 0, stderr);
  // As people have it: neither Deno nor anything else of this repository.
  const path = Deno.env.get("PATH")!.split(delimiter)
    .filter((folder) => !folder.includes("node_modules")).join(delimiter);
  return {
    dir,
    command: (args, { env = {}, folder = "", npx = false } = {}) => {
      const [program, ...first] = npx
        ? ["npx", "table-rename"]
        : ["node", join(dir, "node_modules/.bin/table-rename")];
      return run(program, [...first, ...args], {
        cwd: join(dir, folder),
        env: { PATH: path, NO_COLOR: "1", XDG_STATE_HOME: join(dir, ".state"), ...env },
      });
    },
    write,
    read: (path) => Deno.readTextFile(join(dir, path)),
  };
}

async function lockFor(root: Record<string, unknown>, file: string) {
  const ours: Record<string, LockEntry> =
    JSON.parse(await Deno.readTextFile(join(ROOT_FOLDER, "package-lock.json"))).packages;
  const { version, dependencies, bin } = JSON.parse(
    await Deno.readTextFile(join(ROOT_FOLDER, "package.json")),
  );
  const needed = new Map<string, LockEntry>();
  const add = (from: string, names: string[]) => {
    for (const name of names) {
      // Peers that are optional are not here.
      const path = placesFrom(from, name).find((path) => path in ours);
      if (path === undefined || needed.has(path)) continue;
      const { dev: _, ...entry } = ours[path];
      needed.set(path, entry);
      const { dependencies, optionalDependencies, peerDependencies } = entry;
      add(path, Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies }));
    }
  };
  add("", [...Object.keys(dependencies), "@types/node"]);
  return {
    ...{ name: root.name, version: root.version, lockfileVersion: 3, requires: true },
    packages: {
      "": root,
      [`node_modules/${PACKAGE}`]: {
        ...{ version, resolved: `file:${file}`, dev: true, dependencies, bin },
      },
      ...Object.fromEntries(needed),
    },
  };
}

/** The version of a package here. */
async function versionOf(name: string): Promise<Record<string, string>> {
  const file = await Deno.readTextFile(join(ROOT_FOLDER, "package.json"));
  return { [name]: JSON.parse(file).devDependencies[name] };
}

/** Where Node.js looks for a package that the one at `from` imports, nearest first. */
function placesFrom(from: string, name: string): string[] {
  const parts = from === "" ? [] : from.split("/node_modules/");
  return Array.from({ length: parts.length + 1 }, (_, index) => {
    const above = parts.slice(0, parts.length - index).join("/node_modules/");
    return above === "" ? `node_modules/${name}` : `${above}/node_modules/${name}`;
  });
}
