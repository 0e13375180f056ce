/** Texts that are shown to be pasted into a POSIX shell. */

/** One word. Control characters are in ANSI-C quotes, so that what is shown is what is run. */
export function shellQuoted(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text)) {
    const escaped = text.replace(/[\\']/g, "\\$&").replace(
      /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
      (character) => `\\U${character.codePointAt(0)!.toString(16).padStart(8, "0")}`,
    );
    return `$'${escaped}'`;
  }
  return `'${text.split("'").join(`'\\''`)}'`;
}
