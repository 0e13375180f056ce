/** Where a command writes to. */
import process from "node:process";
import pc from "picocolors";

type Colors = ReturnType<typeof pc.createColors>;

export interface Stream {
  write(text: string): void;
  colors: Colors;
  /** In columns; Infinity if the output is no terminal. */
  width: number;
  /** Shows a text in place of the last one, "" to remove it; only if lines can be rewritten. */
  showLine?: (text: string) => void;
}

export interface Terminal {
  env(name: string): string | undefined;
  /** The folder of the caller. Default: that of the process. */
  cwd?: string;
  /** Asks the person at the terminal; undefined where there is none. */
  ask?: (question: string) => Promise<string>;
  out: Stream;
  err: Stream;
}

export function processTerminal(): Terminal {
  const env = (name: string) => process.env[name];
  return {
    env,
    out: processStream(process.stdout, env),
    err: processStream(process.stderr, env),
    ...(process.stdin.isTTY && process.stderr.isTTY && { ask }),
  };
}

async function ask(question: string): Promise<string> {
  const { createInterface } = await import("node:readline/promises");
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  // The end of the input is no answer.
  const ended = new Promise<null>((resolve) => lines.once("close", () => resolve(null)));
  try {
    const answer = await Promise.race([lines.question(question), ended]);
    if (answer === null) process.stderr.write("\n");
    return answer ?? "";
  } finally {
    lines.close();
  }
}

function processStream(stream: NodeJS.WriteStream, env: Terminal["env"]): Stream {
  const isTerminal = stream.isTTY === true;
  // Neither is known where only one of the streams is a terminal.
  const columns = () => stream.columns || Infinity;
  return {
    write: (text) => void stream.write(`${text}\n`),
    colors: pc.createColors(wantsColors(isTerminal, env)),
    width: isTerminal ? columns() : Infinity,
    ...(isTerminal && env("TERM") !== "dumb" && {
      showLine: liveLine((text) => void stream.write(text), columns),
    }),
  };
}

/** Only on terminals, unless FORCE_COLOR is set; never with NO_COLOR (no-color.org). */
export function wantsColors(isTerminal: boolean, env: Terminal["env"]): boolean {
  if (env("NO_COLOR")) return false;
  return Boolean(env("FORCE_COLOR")) || (isTerminal && env("TERM") !== "dumb");
}

/** From the cursor to the end of its line (EL, ECMA-48 section 8.3.41). */
const ERASE_TO_END = "\x1b[K";

/**
 * Makes a function that shows a text in place of the last one, cut to the terminal's width. Show an empty text
 * before anything else is written.
 */
export function liveLine(
  write: (text: string) => void,
  columns: () => number,
): (text: string) => void {
  let shown = "";
  return (text) => {
    // Leaves room for the cursor, and for the ^C that an interrupt may show.
    const line = cut(text, columns() - 3);
    if (line === shown) return;
    write(`\r${line}${ERASE_TO_END}`);
    shown = line;
  };
}

export function cut(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let line = "";
  let room = columns - 1;
  for (const character of text) {
    room -= columnsOf(character);
    if (room < 0) break;
    line += character;
  }
  return `${line}…`;
}

/** At least the columns that a text needs, since a wrapped line cannot be rewritten. Wide ones begin at U+1100. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += character.codePointAt(0)! < 0x1100 ? 1 : 2;
  return columns;
}
