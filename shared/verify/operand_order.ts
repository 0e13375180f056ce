/**
 * Expressions as EXPLAIN prints them, with the operands of commutative operators in one order. Which side of a
 * comparison the server puts first depends on how relations are numbered, and says nothing about a plan.
 */
import { lex, type Token } from "../sql/parser/lexer.ts";

/** Operators that mean the same with their sides exchanged, and what they are called then. */
const COMMUTATORS: Record<string, string> = {
  "=": "=",
  "<>": "<>",
  "<": ">",
  ">": "<",
  "<=": ">=",
  ">=": "<=",
  "@>": "<@",
  "<@": "@>",
  "&&": "&&",
};

/** One part of what is between parentheses; an operator with its name, where it is one. */
interface Part {
  text: string;
  operator: string | null;
}

/** The expression with operands in order; a text without parentheses as it is. */
export function canonicalExpression(text: string): string {
  if (!text.includes("(")) return text;
  return joined(partsUpTo(null, lex(text, { blanks: false }).tokens.values(), text));
}

function partsUpTo(
  closing: string | null,
  tokens: ArrayIterator<Token>,
  source: string,
): Part[] {
  const parts: Part[] = [];
  for (const token of tokens) {
    const text = source.slice(token.start, token.end);
    const mark = token.kind === "mark" ? text : null;
    if (mark !== null && mark === closing) break;
    if (mark === "[") {
      parts.push({ text: `[${joined(partsUpTo("]", tokens, source))}]`, operator: null });
    } else if (mark === "(") {
      const inner = partsUpTo(")", tokens, source);
      if (parts.at(-1)?.text.toLowerCase() === "operator") {
        // OPERATOR(schema.=): an operator that is not on the search path.
        parts.pop();
        parts.push({ text: `OPERATOR(${joined(inner)})`, operator: inner.at(-1)?.text ?? "" });
      } else parts.push({ text: `(${joined(inOrder(inner))})`, operator: null });
    } else {
      const isWord = token.kind === "word" && ["and", "or"].includes(token.value);
      const operator = token.kind === "operator" ? text : isWord ? token.value : null;
      parts.push({ text, operator });
    }
  }
  return parts;
}

const joined = (parts: Part[]): string => parts.map(({ text }) => text).join(" ");

/** What is between parentheses, with its operands in order if it is one operation that commutes. */
function inOrder(parts: Part[]): Part[] {
  const operators = parts.filter(({ operator }) => operator !== null);
  if (operators.length === 0) return parts;
  const [{ operator, text: name }] = operators;
  const sides = operands(parts);
  if (sides.some((side) => side === "")) return parts;
  if (operator === "and" || operator === "or") {
    if (operators.some((other) => other.operator !== operator)) return parts;
    return [{ text: sides.sort().join(` ${operator.toUpperCase()} `), operator: null }];
  }
  const commutator = COMMUTATORS[operator!];
  const [left, right] = sides;
  // `= ANY (…)` has no other side.
  if (operators.length > 1 || commutator === undefined || /^(any|all) /i.test(right)) return parts;
  if (left <= right) return parts;
  const at = name.lastIndexOf(operator!);
  const exchanged = name.slice(0, at) + commutator + name.slice(at + operator!.length);
  return [{ text: `${right} ${exchanged} ${left}`, operator: null }];
}

function operands(parts: Part[]): string[] {
  const sides: Part[][] = [[]];
  for (const part of parts) {
    if (part.operator !== null) sides.push([]);
    else sides.at(-1)!.push(part);
  }
  return sides.map(joined);
}
