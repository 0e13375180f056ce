import sql from "highlight.js/lib/languages/sql";
import { createLowlight, type LanguageFn } from "lowlight";
import type { ReactNode } from "react";
import { visibleLines } from "../../../report/document/text.ts";

// Deno derives the type from the module's JavaScript, and finds less than its declarations say.
const highlighter = createLowlight({ sql: sql as unknown as LanguageFn });

type Node = {
  type: string;
  value?: string;
  properties?: { className?: unknown };
  children?: Node[];
};

/** Statements of SQL, highlighted. The highlighter's tree becomes elements, so that no text is read as HTML. */
export const Sql = ({ text }: { text: string }) => (
  <pre
    className="sql"
    tabIndex={0}
  ><code>{(highlighter.highlight("sql", visibleLines(text)).children as Node[]).map(element)}</code></pre>
);

function element(node: Node, index: number): ReactNode {
  if (node.type === "text") return node.value;
  const classes = node.properties?.className;
  return (
    <span key={index} className={Array.isArray(classes) ? classes.join(" ") : undefined}>
      {node.children?.map(element)}
    </span>
  );
}
