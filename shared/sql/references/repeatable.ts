/** Whether a definition can be run again as it is. */
import { indexOfWord, isWord, nest } from "../parser/nodes.ts";
import { lex } from "../parser/lexer.ts";

/**
 * Whether the statement succeeds a second time. `CREATE INDEX IF NOT EXISTS` does; `CREATE INDEX name` does only
 * once somebody has dropped the index, as when migrations are tried up and down.
 */
export function isRepeatable(text: string): boolean {
  const { nodes } = nest(lex(text, { blanks: false }));
  const [first, second, third] = nodes;
  const asksFirst = indexOfWord(nodes, 1, "if") > 0;
  if (isWord(first, "create")) {
    return asksFirst || (isWord(second, "or") && isWord(third, "replace"));
  }
  if (isWord(first, "drop")) return asksFirst;
  if (!isWord(first, "alter")) return true;
  return asksFirst || indexOfWord(nodes, 1, "add", "drop", "rename", "attach", "detach") < 0;
}
