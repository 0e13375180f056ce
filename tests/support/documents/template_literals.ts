/** The template literals of a module's source, to look at the SQL that is built in them. */

export interface TemplateLiteral {
  line: number;
  /** The text between the expressions; one more than there are expressions. */
  texts: string[];
  /** The source of each expression. */
  expressions: string[];
}

/** Every template literal in `source`, those within expressions of others included. */
export function templateLiterals(source: string): TemplateLiteral[] {
  const found: TemplateLiteral[] = [];
  skipCode(source, 0, found);
  return found.sort((a, b) => a.line - b.line);
}

/** Reads code from `start` to its end or to the brace that closes it; gives the place behind. */
function skipCode(source: string, start: number, found: TemplateLiteral[]): number {
  let depth = 0;
  for (let at = start; at < source.length;) {
    const two = source.slice(at, at + 2);
    const one = source[at];
    if (two === "//") at = source.indexOf("\n", at) + 1 || source.length;
    else if (two === "/*") at = source.indexOf("*/", at) + 2;
    else if (one === '"' || one === "'") at = skipString(source, at);
    else if (one === "`") at = readTemplate(source, at, found);
    else if (one === "}" && depth-- === 0) return at + 1;
    else {
      if (one === "{") depth++;
      at++;
    }
  }
  return source.length;
}

/** A string that does not end on its line is none, but a quote in a regular expression. */
function skipString(source: string, start: number): number {
  const [text] = /^(["'])(?:\\.|(?!\1)[^\\\n])*\1/.exec(source.slice(start)) ?? [source[start]];
  return start + text.length;
}

function readTemplate(source: string, start: number, found: TemplateLiteral[]): number {
  const template: TemplateLiteral = {
    line: source.slice(0, start).split("\n").length,
    texts: [],
    expressions: [],
  };
  found.push(template);
  let text = "";
  for (let at = start + 1; at < source.length;) {
    if (source[at] === "\\") {
      text += source.slice(at, at + 2);
      at += 2;
    } else if (source.startsWith("${", at)) {
      const end = skipCode(source, at + 2, found);
      template.texts.push(text);
      template.expressions.push(source.slice(at + 2, end - 1).trim());
      text = "";
      at = end;
    } else if (source[at] === "`") {
      template.texts.push(text);
      return at + 1;
    } else text += source[at++];
  }
  throw new Error(`a template literal in line ${template.line} does not end`);
}

/** The source without its comments and without the text of strings; expressions in templates stay. */
export function withoutCommentsAndStrings(source: string): string {
  const literals: TemplateLiteral[] = [];
  const pieces: string[] = [];
  let from = 0;
  for (let at = 0; at < source.length;) {
    const two = source.slice(at, at + 2);
    const end = two === "//"
      ? source.indexOf("\n", at) + 1 || source.length
      : two === "/*"
      ? source.indexOf("*/", at) + 2
      : source[at] === "`"
      ? readTemplate(source, at, literals)
      : /["']/.test(source[at])
      ? skipString(source, at)
      : at;
    if (end === at) {
      at++;
      continue;
    }
    pieces.push(source.slice(from, at));
    at = from = end;
  }
  pieces.push(source.slice(from));
  // The expressions of the outer templates; inner ones are in these.
  for (const { expressions } of literals) {
    pieces.push(...expressions.map((expression) => withoutCommentsAndStrings(expression)));
  }
  return pieces.join(" ");
}
