/** Where a command writes to, and how text is made fit for it. */
import CliTable from "cli-table3";
import pc from "picocolors";
import { liveLine } from "./live_line.ts";

export type Colors = ReturnType<typeof pc.createColors>;

export interface Stream {
  /** Writes the text and a line break. */
  write(text: string): void;
  colors: Colors;
  /** Columns; Infinity where the output is no terminal. */
  width: number;
  /** Shows a text in place of the one shown so before, "" none; only where lines can be rewritten. */
  showLine?: (text: string) => void;
}

/** What a command is run in. */
export interface Terminal {
  env(name: string): string | undefined;
  out: Stream;
  err: Stream;
}

/** The terminal that this process was started in. */
export function processTerminal(): Terminal {
  const env = (name: string) => Deno.env.get(name);
  return {
    env,
    out: processStream(Deno.stdout, (text) => console.log(text), env),
    err: processStream(Deno.stderr, (text) => console.error(text), env),
  };
}

function processStream(
  stream: { isTerminal(): boolean; writeSync(bytes: Uint8Array): number },
  write: (text: string) => void,
  env: Terminal["env"],
): Stream {
  const isTerminal = stream.isTerminal();
  return {
    write,
    colors: pc.createColors(wantsColors(isTerminal, env)),
    width: isTerminal ? consoleColumns() : Infinity,
    ...(isTerminal && env("TERM") !== "dumb" && {
      showLine: liveLine(
        (text) => void stream.writeSync(new TextEncoder().encode(text)),
        consoleColumns,
      ),
    }),
  };
}

/** Colours on terminals only; NO_COLOR (no-color.org) forbids them, FORCE_COLOR demands them. */
export function wantsColors(isTerminal: boolean, env: Terminal["env"]): boolean {
  if (env("NO_COLOR")) return false;
  return Boolean(env("FORCE_COLOR")) || (isTerminal && env("TERM") !== "dumb");
}

function consoleColumns(): number {
  try {
    return Deno.consoleSize().columns || Infinity;
  } catch {
    // Only one of the streams is a terminal.
    return Infinity;
  }
}

/** Controls, invisible and direction-changing characters, and halves of surrogate pairs. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

/** Text from elsewhere on one line, with nothing in it that a terminal would act on or hide. */
export function safe(text: string): string {
  return text.replace(UNSAFE, escapeCharacter);
}

/** The same for texts of several lines, such as statements: line breaks and tabs stay. */
export function safeLines(text: string): string {
  return text.replace(
    UNSAFE,
    (character) => /[\n\t]/.test(character) ? character : escapeCharacter(character),
  );
}

function escapeCharacter(character: string): string {
  const short = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character];
  return short ?? `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

/** Breaks a paragraph at spaces so that it fits into the width, and indents it. */
export function paragraph(text: string, width: number, indent = 0): string {
  const room = Math.max(20, Math.min(width, 110) - indent);
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.length - 1;
    const longer = lines[line] === "" ? word : `${lines[line]} ${word}`;
    if (width === Infinity || longer.length <= room || lines[line] === "") lines[line] = longer;
    else lines.push(word);
  }
  return lines.map((line) => " ".repeat(indent) + line).join("\n");
}

/**
 * Rows as a table without borders, indented by two. Where it is too wide for the terminal, the columns that
 * do not fit stand on a further line of each row. Cells are made safe; an empty column is left out.
 */
export function table(
  head: string[],
  rows: (string | null)[][],
  { colors, width }: Pick<Stream, "colors" | "width">,
): string {
  const filled = head.map((_, column) => rows.some((row) => row[column]));
  const kept = [head, ...rows].map((row) =>
    row.filter((_, column) => filled[column]).map((cell) => safe(cell ?? ""))
  );
  const [titles, ...lines] = aligned(kept, width, 2);
  return [titles.split("\n").map((line) => colors.dim(line)).join("\n"), ...lines].join("\n");
}

/** Each row as one text; of one line, if the width allows. */
function aligned(rows: string[][], width: number, indent: number): string[] {
  const columns = rows[0].length;
  for (let count = columns;; count--) {
    const made = new CliTable({
      chars: NO_BORDERS,
      style: { "padding-left": 2, "padding-right": 0, head: [], border: [] },
    });
    made.push(...rows.map((row) => row.slice(0, count)));
    const lines = made.toString().split("\n").map((line) =>
      " ".repeat(indent - 2) + line.trimEnd()
    );
    if (count > 1 && made.width + indent - 2 > width) continue;
    if (count === columns) return lines;
    const rest = aligned(rows.map((row) => row.slice(count)), width, 6);
    return lines.map((line, index) => `${line}\n${rest[index]}`);
  }
}

const NO_BORDERS = Object.fromEntries(
  [
    ...["top", "top-mid", "top-left", "top-right", "bottom", "bottom-mid", "bottom-left"],
    ...["bottom-right", "left", "left-mid", "mid", "mid-mid", "right", "right-mid", "middle"],
  ].map((name) => [name, ""]),
);
