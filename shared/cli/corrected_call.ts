/** The command lines that a name which is not there was perhaps meant for. */
import { commandLine, withOption, withoutValue } from "./command_line.ts";

/** Members of a problem document about a name that is not there. */
interface Unknown {
  [member: string]: unknown;
  table?: unknown;
  did_you_mean?: unknown;
}

interface NamedTable {
  schema: string;
  table: string;
}

/** The given command line with each suggestion in the place of the name; none where the name is not in it. */
export function correctedCalls(args: string[], problem: Unknown): string[] {
  const { table, did_you_mean: suggestions } = problem;
  const place = args.findIndex((arg, index) => index > 0 && arg === table);
  if (place < 0 || !Array.isArray(suggestions)) return [];
  return suggestions.filter(isNamedTable).map(({ schema, table: name }) => {
    const corrected = withoutValue(args.with(place, name), "--schema");
    return commandLine(
      schema === "public" ? corrected : withOption(corrected, "--schema", schema),
    );
  });
}

const isNamedTable = (value: unknown): value is NamedTable =>
  typeof value === "object" && value !== null &&
  typeof (value as NamedTable).schema === "string" &&
  typeof (value as NamedTable).table === "string";
