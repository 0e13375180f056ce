/** Markdown as its readers see it: by a parser of GitHub Flavored Markdown, and Mermaid's own. */
import { Marked, type Token, type Tokens } from "marked";
import { parseHTML } from "linkedom";

// deno-lint-ignore no-explicit-any -- linkedom's page, which is no Window of Deno's
const { window, document }: any = parseHTML("<!doctype html><html><body><p></p></body></html>");

export interface ReadMarkdown {
  /** Texts of the cells, the heads' too, table by table. */
  tables: string[][][];
  /** Fenced blocks by their language. */
  blocks: { language: string; text: string }[];
  headings: string[];
  /** Tags and comments, each as it stands. */
  html: string[];
  /** What is read as prose: no code in it. */
  prose: string;
  links: string[];
}

/** Reads Markdown; texts have their escapes and entities read, too. */
export function readMarkdown(markdown: string): ReadMarkdown {
  const read: ReadMarkdown = {
    tables: [],
    blocks: [],
    headings: [],
    html: [],
    prose: "",
    links: [],
  };
  const marked = new Marked({ gfm: true });
  const tokens = marked.lexer(markdown);
  const text = (inline: Token[]): string => {
    const paragraph = document.querySelector("p");
    paragraph.innerHTML = marked.Parser.parseInline(inline);
    return paragraph.textContent;
  };
  let inCode = false;
  marked.walkTokens(tokens, (token) => {
    if (token.type === "table") {
      const { header, rows } = token as Tokens.Table;
      read.tables.push([header, ...rows].map((row) => row.map((cell) => text(cell.tokens))));
    } else if (token.type === "code") {
      read.blocks.push({ language: token.lang ?? "", text: token.text });
    } else if (token.type === "heading") read.headings.push(text(token.tokens ?? []));
    else if (token.type === "html") {
      read.html.push(token.raw.trim());
      inCode = token.raw === "<code>";
    } else if (token.type === "link" || token.type === "image") read.links.push(token.href);
    else if (token.type === "text" && !("tokens" in token && token.tokens)) {
      if (!inCode) read.prose += ` ${token.raw}`;
    } else if (token.type === "escape") read.prose += token.text;
  });
  return read;
}

export interface Flowchart {
  /** Labels by node, as they are shown, with the node's class. */
  nodes: Map<string, { label: string; class: string }>;
  /** `from label -> to`. */
  edges: { from: string; to: string; label: string }[];
}

/** Reads a flowchart with Mermaid's parser. It throws where Mermaid would show an error. */
export async function readFlowchart(text: string): Promise<Flowchart> {
  // Mermaid looks for a page when it is loaded.
  Object.assign(globalThis, { window, document });
  const { default: mermaid } = await import("mermaid");
  const { diagramType } = await mermaid.parse(text) as { diagramType: string };
  if (diagramType !== "flowchart-v2") throw new Error(`it is a ${diagramType}`);
  const { db } = await mermaid.mermaidAPI.getDiagramFromText(text);
  // deno-lint-ignore no-explicit-any -- the parser's database has no type of its own
  const { getVertices, getEdges } = db as any;
  return {
    nodes: new Map(
      // deno-lint-ignore no-explicit-any -- as above
      [...getVertices.call(db).values()].map((vertex: any) => [
        vertex.id,
        { label: shown(vertex.text), class: vertex.classes.join(" ") },
      ]),
    ),
    // deno-lint-ignore no-explicit-any -- as above
    edges: getEdges.call(db).map(({ start, end, text }: any) => ({
      from: start,
      to: end,
      label: shown(text),
    })),
  };
}

/** Entity codes as Mermaid keeps them until it draws (its `decodeEntities`), and its line breaks. */
const shown = (text: string): string =>
  text.replaceAll("<br/>", "\n").replace(
    /ﬂ°°(\d+)¶ß/g,
    (_, code: string) => String.fromCodePoint(Number(code)),
  );
