/** Command lines that are printed to be pasted. */

/** How the commands are run, as package.json has it. */
export const PROGRAM = "npm run cli --";

/** `npm run cli -- …` for a POSIX shell, with quotes where they are needed. */
export function commandLine(args: string[]): string {
  return [PROGRAM, ...args.map(shellQuoted)].join(" ");
}

/** The arguments with an option added right after the command's name, where no `--` can be in its way. */
export function withOption(args: string[], ...option: string[]): string[] {
  const [command, ...rest] = args;
  return [command, ...option, ...rest];
}

/** The arguments without a flag that takes no value. */
export function withoutFlag(args: string[], flag: string): string[] {
  const index = args.indexOf(flag);
  return index < 0 ? args : args.toSpliced(index, 1);
}

/** The arguments without an option and its value, written as one argument or as two. */
export function withoutValue(args: string[], option: string): string[] {
  const end = args.indexOf("--");
  const index = args.findIndex((arg, at) =>
    (end < 0 || at < end) && (arg === option || arg.startsWith(`${option}=`))
  );
  return index < 0 ? args : args.toSpliced(index, args[index] === option ? 2 : 1);
}

/** Control characters in ANSI-C quotes, so that what is shown is what is run. */
function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) {
    const escaped = text.replace(/[\\']/g, "\\$&").replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`,
    );
    return `$'${escaped}'`;
  }
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
