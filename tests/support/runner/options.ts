/** Options of the programs among the tests. Their help is the comment at the head of their file. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";

/** The comment at the head of a program, as text. */
export function headOf(source: string): string {
  const [, comment] = /^\/\*\*([\s\S]*?)\*\//.exec(source) ?? [];
  if (comment === undefined) throw new Error("the file does not begin with a comment");
  return comment.split("\n").map((line) => line.replace(/^ \* ?/, "").trimEnd()).join("\n").trim();
}

/** For `--help` or `-h`: prints the help of the program, and ends it with exit code 0. */
export function helpIfAsked(program: string): void {
  if (!Deno.args.some((argument) => argument === "--help" || argument === "-h")) return;
  console.log(headOf(Deno.readTextFileSync(new URL(program))));
  Deno.exit(0);
}

/**
 * Parses the options of a program. It ends with help where that is asked for, and with exit code 2 where an option is
 * not one of its own.
 *
 * @param program The `import.meta.url` of its main file.
 */
export function parseOptions<Options extends ParseArgsOptionsConfig>(
  program: string,
  options: Options,
) {
  helpIfAsked(program);
  try {
    return parseArgs({ args: Deno.args, options }).values;
  } catch (error) {
    refuse((error as Error).message);
  }
}

/** Says what is wrong with the options, and ends the program with exit code 2. */
export function refuse(message: string): never {
  console.error(`${message}\nAll options: --help`);
  Deno.exit(2);
}
