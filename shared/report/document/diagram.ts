/**
 * The dependency graph as a Mermaid flowchart: the tables, their compatibility views, and what changes or breaks of
 * what depends on either, with nothing else. GitHub draws no chart of more than 50,000 characters or 500 arrows (Mermaid's
 * `maxTextSize` and `maxEdges`), and half that is already too much to read.
 */
import type { Effect, PlannedTable } from "../../contract/responses.ts";
import type { Operation } from "./document.ts";
import { shortened, visible } from "./text.ts";

const MAX_TABLES = 40;
const MAX_ARROWS_OF_TABLE = 30;
const MAX_ARROWS = 250;
const MAX_CHARACTERS = 45_000;

/** Longest name in a node, in characters. */
const MAX_NAME = 80;

interface Arrow {
  from: string[];
  effect: Effect;
  toView: boolean;
}

interface Diagram {
  text: string;
  /** How many tables where something changes or breaks, and how many such dependents of those drawn, are not in it. */
  tablesLeft: number;
  objectsLeft: number;
}

export function diagramOf(
  tables: PlannedTable[],
  operation: Operation,
): Diagram {
  const found = tables.map((table) => ({ table, arrows: arrowsOf(table) }))
    .filter(({ arrows }) => arrows.length > 0);
  // If not all can be drawn, those where something breaks come first.
  const wanted = found.length <= MAX_TABLES
    ? found
    : found.toSorted((a, b) =>
      ORDER.indexOf(a.arrows[0].effect) - ORDER.indexOf(b.arrows[0].effect)
    );
  const lines: string[] = [];
  let drawn = 0;
  let left = 0;
  let total = 0;
  let size = 0;
  for (const { table, arrows } of wanted) {
    const own = arrows.slice(0, MAX_ARROWS_OF_TABLE);
    if (drawn === MAX_TABLES || total + own.length > MAX_ARROWS) break;
    const added = tableLines(table, drawn, own, operation);
    size += added.join("\n").length + 1;
    if (size > MAX_CHARACTERS) break;
    lines.push(...added);
    left += arrows.length - own.length;
    total += own.length;
    drawn++;
  }
  return {
    text: drawn === 0 ? "" : ["flowchart LR", ...lines, ...CLASSES].join("\n"),
    tablesLeft: wanted.length - drawn,
    objectsLeft: left,
  };
}

const ORDER: Effect[] = ["breaks", "changes", "handled"];

/** The most severe first. What is built on a view that is dropped or made again is changed, too. */
function arrowsOf(table: PlannedTable): Arrow[] {
  return Object.entries(table.dependants).flatMap(([kind, objects]) => {
    const built = kind === "built_on_view";
    return objects
      .filter(({ effect }) => effect === "breaks" || effect === "changes" || built)
      .map(({ name, effect }): Arrow => ({
        // Names of these kinds say what each is.
        from: [...(built || kind === "others" ? [] : [singular(kind)]), shortened(name, MAX_NAME)],
        effect,
        toView: table.compatibility_view && (built || effect === "breaks"),
      }));
  }).toSorted((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
}

function singular(kind: string): string {
  const word = kind.replaceAll("_", " ");
  const special: Record<string, string> = {
    policies: "policy",
    "policies elsewhere": "policy elsewhere",
    indexes: "index",
    "referenced by": "foreign key from elsewhere",
    statistics: "statistics",
    graphql: "GraphQL",
  };
  return special[word] ?? word.replace(/s$/, "");
}

function tableLines(
  table: PlannedTable,
  number: number,
  arrows: Arrow[],
  operation: Operation,
): string[] {
  const { schema, old_name, new_name, compatibility_view } = table;
  const [now, then] = operation === "rollback" ? [new_name, old_name] : [old_name, new_name];
  const title = operation === "rename" || operation === "rollback"
    ? [`table ${schema}.${now}`, `to be ${then}`]
    : [`table ${schema}.${new_name}`];
  const node = `t${number}`;
  const view = `v${number}`;
  const isDropped = operation === "rollback" || operation === "finalize";
  const viewArrow = {
    rename: "new, reads",
    rollback: "is dropped",
    finalize: "is dropped",
    refresh: "is refreshed",
  }[operation];
  return [
    `  ${node}[("${label(title)}")]:::table`,
    ...(compatibility_view
      ? [
        `  ${view}["${label(["compatibility view", `${schema}.${old_name}`])}"]:::${
          isDropped ? "dropped" : "view"
        }`,
        `  ${view} -->|${viewArrow}| ${node}`,
      ]
      : []),
    ...arrows.map(({ from, effect, toView }, index) => {
      const arrow = effect === "breaks" ? "-.->" : "-->";
      // What is built on a view that is dropped depends on the table afterwards.
      const repointed = effect === "handled" && toView;
      const target = toView && !(repointed && isDropped) ? view : node;
      const word = repointed ? "repointed" : effect;
      return `  d${number}_${index}["${label(from)}"]:::${effect} ${arrow}|${word}| ${target}`;
    }),
  ];
}

const CLASSES = [
  "  classDef table fill:#0969da,stroke:#0550ae,color:#ffffff",
  "  classDef view fill:#ddf4ff,stroke:#0969da,color:#1f2328",
  "  classDef dropped fill:#f6f8fa,stroke:#6e7781,color:#57606a,stroke-dasharray:4 3",
  "  classDef breaks fill:#ffebe9,stroke:#cf222e,color:#82071e",
  "  classDef changes fill:#fff8c5,stroke:#9a6700,color:#633c01",
  "  classDef handled fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
];

/** Whatever means something to Mermaid becomes an entity code (its flowchart syntax, "Entity codes to escape"). */
function label(lines: string[]): string {
  return lines.map((line) =>
    // A backslash and an n would be a line break.
    visible(line).replaceAll("\\n", "\\\u200bn").replace(
      /^ | $|[^\p{L}\p{N} _.]|[_.](?![\p{L}\p{N}])|(?<![\p{L}\p{N}])[_.]/gu,
      (character) => `#${character.codePointAt(0)};`,
    )
  ).join("<br/>");
}
