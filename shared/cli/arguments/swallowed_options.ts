/**
 * Options that npm took for its own, because `--` is missing before the command. The command would run without
 * them: `npm run cli rename-table a b --plan` would rename.
 *
 * npm 9 to 11 put each into the environment of the script, as `npm_config_<name>`. Unknown options keep their
 * names; `--plan` is read as the short options -p -l -a -n, `--sql` as -s -q -l, and `--no-view` and `--to` as
 * abbreviations of `--no-viewer` and, by npm 11, of `--token-description`.
 * The settings of .npmrc files are in the same variables and do not count.
 */
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import type { Command, Option } from "commander";
import { commandLine, PROGRAM, withOption, withoutPasswords } from "./command_line.ts";
import type { Terminal } from "../terminal/terminal.ts";

/** Options that change only how much is shown, which npm has, too. */
const HARMLESS = new Set(["--verbose", "--quiet"]);

/** What npm makes of `--plan`. One of them alone is a mistyped `--plan`, or an option of npm's without effect. */
const PLAN = ["parseable", "long", "all"];

interface Swallowed {
  option: string;
  /** The option as it was written, as far as is known. */
  words: string[];
  /** Whether its value, or the argument behind it, is somewhere among the arguments. */
  scattered: boolean;
}

/** The message if npm took options that were meant for the command, or null. */
export function swallowedOptions(
  program: Command,
  args: string[],
  env: Terminal["env"],
  readFile: (path: string) => string | null = textOf,
): string | null {
  if (!isRunByNpm(env)) return null;
  const script = env("npm_lifecycle_script") ?? "";
  const traces = new Traces(env, readFile);
  const swallowed = [
    ...planOf(traces, args),
    ...knownOptions(program)
      // npm exec asks less with --yes, which is its own.
      .filter(({ long }) => long !== "--yes" || env("npm_command") !== "exec")
      .flatMap((option) => takenOf(option, traces, args)),
  ];
  if (swallowed.length === 0) return null;
  const given = withoutPasswords(argumentsGiven(args, script));
  const words = withoutPasswords(swallowed.flatMap((option) => option.words));
  // If a value lost its option, its place among the arguments is not known.
  const line = swallowed.some(({ scattered }) => scattered)
    ? [commandLine([]), given[0], "…", ...words].filter((word) => word !== undefined).join(" ")
    : commandLine(given.includes("--") ? withOption(given, ...words) : [...given, ...words]);
  // npm exec calls itself npx there, which passes everything on.
  const event = env("npm_lifecycle_event") ?? "cli";
  const caller = event === "npx" ? "npx table-rename" : `npm run ${event} --`;
  const names = withoutPasswords(swallowed.map(({ option }) => option)).join(", ");
  return `npm took ${names} for its own, so the command did not get it. Nothing was done.\n` +
    `npm passes on only what comes after --:\n  ${line.replace(PROGRAM, caller)}`;
}

/** Whether npm started the command, by a script or `npm exec`. pnpm, Yarn and Bun hand every option on. */
export const isRunByNpm = (env: Terminal["env"]): boolean =>
  (env("npm_config_user_agent")?.startsWith("npm/") ?? false) &&
  /\bcli[\\/]main\.ts\b|\btable-rename\b/.test(env("npm_lifecycle_script") ?? "");

class Traces {
  readonly #env: Terminal["env"];
  readonly #files: string[];

  constructor(env: Terminal["env"], readFile: (path: string) => string | null) {
    this.#env = env;
    const npm = env("npm_execpath");
    const project = env("npm_config_local_prefix");
    this.#files = [
      env("npm_config_userconfig"),
      env("npm_config_globalconfig"),
      project && join(project, ".npmrc"),
      // The settings that npm was installed with.
      npm && join(dirname(dirname(npm)), "npmrc"),
    ].flatMap((path) => path ? [readFile(path) ?? ""] : []);
  }

  /** The value of a setting, undefined if it was not on the command line. */
  of(name: string): string | undefined {
    return this.#setElsewhere(name)
      ? undefined
      : this.#env(`npm_config_${name.replaceAll("-", "_")}`);
  }

  #setElsewhere(name: string): boolean {
    // Windows does not distinguish the two spellings.
    const upper = `NPM_CONFIG_${name.replaceAll("-", "_").toUpperCase()}`;
    if (process.platform !== "win32" && this.#env(upper) !== undefined) return true;
    const line = new RegExp(`^\\s*"?${name}"?\\s*(=|\\[\\]|$)`, "m");
    return this.#files.some((text) => line.test(text));
  }
}

function planOf(traces: Traces, args: string[]): Swallowed[] {
  if (args.includes("--plan")) return [];
  const plan = (option: string) => [{ option, words: ["--plan"], scattered: false }];
  const found = PLAN.filter((name) => traces.of(name) === "true");
  if (found.join() === "long" && traces.of("loglevel") !== undefined && !args.includes("--sql")) {
    return [{ option: "--sql", words: ["--sql"], scattered: false }];
  }
  // `--all` alone is an option of list-migrations.
  if (found.length > 0 && found.join() !== "all") return plan("--plan");
  // Not an option of ours, but the caller wants no change.
  return traces.of("dry-run") === "true" ? plan("--dry-run") : [];
}

function takenOf({ long, required }: Option, traces: Traces, args: string[]): Swallowed[] {
  if (!long) return [];
  const given = args.some((arg) => arg === long || arg.startsWith(`${long}=`));
  if (given || HARMLESS.has(long) || long === "--plan" || long === "--sql") return [];
  const one = (...words: string[]) => [{ option: long, words, scattered: words.length > 1 }];
  if (long === "--no-view") return traces.of("viewer") === "false" ? one(long) : [];
  const [, negated, name] = /^--(no-)?(.+)$/.exec(long)!;
  if (name === "all" && PLAN.every((each) => traces.of(each) === "true")) return [];
  const value = traces.of(name) ?? (name === "to" ? traces.of("token-description") : undefined);
  if (value === undefined) return [];
  if (negated) return value === "" ? one(long) : [];
  // npm's own settings of yes and no, such as json, are empty where they are off.
  if (value === "" && !required) return [];
  if (value === "true") return required ? one(long, "VALUE") : one(long);
  return one(`${long}=${value}`);
}

function knownOptions({ commands }: Command): Option[] {
  const all = commands.flatMap(({ options }) => options);
  return [...new Map(all.map((option) => [option.long, option])).values()];
}

/** The arguments without those that the script itself begins with, as `npm run types` does. */
function argumentsGiven(args: string[], script: string): string[] {
  const own = script.trim().split(/\s+/);
  let length = args.length;
  while (length > 0 && own.slice(-length).join(" ") !== args.slice(0, length).join(" ")) length--;
  return args.slice(length);
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
