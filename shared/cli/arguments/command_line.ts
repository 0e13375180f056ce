/** Command lines that are printed to be pasted into a shell. */

import { IS_BUILT } from "../../local/package_root.ts";
import { shellQuoted } from "../../report/document/shell.ts";
import { readName, writtenName } from "./table_names.ts";

/** How people start a command: in their own repository, or in a checkout of this one. */
export const PROGRAM = IS_BUILT ? "npx table-rename" : "npm run cli --";

/** The same where nothing but the command may be on standard output. */
export const SILENT_PROGRAM = IS_BUILT ? PROGRAM : "npm run --silent cli --";

/** A command line for a POSIX shell, with quotes where they are needed. */
export function commandLine(args: string[]): string {
  return [PROGRAM, ...args.map(quoted)].join(" ");
}

/** As in a shell, where the variable of the database stands for its value. */
export const quoted = (arg: string): string =>
  arg === DATABASE_VARIABLE ? `"${arg}"` : shellQuoted(arg);

/** Shown in place of a URL that the environment has. */
export const DATABASE_VARIABLE = "$SUPABASE_DB_URL";

/** The arguments with an option added right after the command's name, where no `--` can be in its way. */
export function withOption(args: string[], ...option: string[]): string[] {
  const [command, ...rest] = args;
  return [command, ...option, ...rest];
}

export function withoutFlag(args: string[], flag: string): string[] {
  const index = args.indexOf(flag);
  return index < 0 ? args : args.toSpliced(index, 1);
}

export function withoutValue(args: string[], option: string): string[] {
  const end = args.indexOf("--");
  const index = args.findIndex((arg, at) =>
    (end < 0 || at < end) && (arg === option || arg.startsWith(`${option}=`))
  );
  return index < 0 ? args : args.toSpliced(index, args[index] === option ? 2 : 1);
}

/** An option and its value as they were given; none if they were not. */
export function optionIn(args: string[], option: string): string[] {
  const rest = withoutValue(args, option);
  const start = args.findIndex((arg, index) => arg !== rest[index]);
  return args.length === rest.length ? [] : args.slice(start, start + args.length - rest.length);
}

/** The command line with each table that a problem suggests, in place of the name that does not exist. */
export function correctedCalls(args: string[], problem: Record<string, unknown>): string[] {
  const { table, did_you_mean: suggestions } = problem;
  const apart = optionIn(args, "--schema").length > 0;
  const place = args.findIndex((arg, index) =>
    index > 0 && (arg === table || (!apart && readName(arg).name === table))
  );
  if (place < 0 || !Array.isArray(suggestions)) return [];
  const written = !apart && readName(args[place]).schema !== undefined;
  return suggestions.filter(isNamedTable).map(({ schema, table: name }) => {
    if (written) return commandLine(args.with(place, writtenName({ schema, name })));
    const shown = schema === "public" ? writtenName({ name }) : name;
    const corrected = withoutValue(args.with(place, shown), "--schema");
    return commandLine(schema === "public" ? corrected : withOption(corrected, "--schema", schema));
  });
}

const isNamedTable = (value: unknown): value is { schema: string; table: string } =>
  typeof value === "object" && value !== null && "schema" in value && "table" in value &&
  typeof value.schema === "string" && typeof value.table === "string";

/** The arguments to be shown: passwords of database URLs are left out, and so is the URL of the environment. */
export const withoutPasswords = (args: string[], databaseUrl?: string): string[] =>
  args.map((arg) =>
    arg === databaseUrl
      ? DATABASE_VARIABLE
      : arg.replace(/(postgres(?:ql)?:\/\/[^:@\s]*:).*@/gi, "$1PASSWORD@")
  );
