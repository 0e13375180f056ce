/**
 * The dependency graph as a Mermaid flowchart: the table, its compatibility view, and what depends on either with
 * what happens to it. GitHub draws no chart of more than 50,000 characters or 500 arrows (Mermaid's
 * `maxTextSize` and `maxEdges`), and half that is already too much to read.
 */
import type { Effect } from "../contract/responses.ts";
import type { GraphTable, Operation } from "./document.ts";
import { shortened, visible } from "./text.ts";

/** `grave`: only the tables where something changes or breaks, with nothing else. */
export type DiagramDetail = "all" | "grave" | "none";

const MAX_TABLES = 40;
const MAX_ARROWS_OF_TABLE = 30;
const MAX_ARROWS = 250;
const MAX_CHARACTERS = 45_000;

/** Parts of the table itself. Where nothing happens to them, only their number is shown. */
const PARTS = new Set([
  ...["constraints", "indexes", "policies", "rules", "statistics", "sequences", "partitions"],
  ...["grants", "comments", "security_labels", "triggers"],
]);

/** Most names in a node, and longest one, in characters. */
const MAX_NAMES = 5;
const MAX_NAME = 80;

interface Arrow {
  from: string[];
  effect: Effect | null;
  toView: boolean;
}

export interface Diagram {
  text: string;
  /** How many tables, and dependents of those drawn, are not in it. */
  tablesLeft: number;
  objectsLeft: number;
}

export function diagramOf(
  tables: GraphTable[],
  operation: Operation,
  detail: DiagramDetail,
): Diagram {
  const found = tables.map((table) => ({ table, arrows: arrowsOf(table, detail) }))
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
  for (const { table, arrows } of detail === "none" ? [] : wanted) {
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
    tablesLeft: tables.length - drawn,
    objectsLeft: left,
  };
}

const GRAVE: (Effect | null)[] = ["breaks", "changes"];
const ORDER: (Effect | null)[] = [
  ...["breaks", "changes", "works_through_view", "handled", "follows"] as const,
  null,
];

/** The most severe first. Objects that need no attention are drawn by kind, not one by one. */
function arrowsOf(table: GraphTable, detail: DiagramDetail): Arrow[] {
  const all = Object.entries(table.dependants).flatMap(([kind, objects]) =>
    [...Map.groupBy(objects, ({ effect }) => effect)].flatMap(([effect, own]) => {
      const grave = GRAVE.includes(effect);
      const built = kind === "built_on_view";
      const names = own.map(({ name }) => name);
      const toView = table.compatibility_view &&
        (built || effect === "works_through_view" || effect === "breaks");
      return (built || grave ? names.map((name) => [name]) : [names]).map((group) => ({
        from: labelOf(kind, group, grave),
        effect,
        toView,
        part: PARTS.has(kind) && !grave,
      }));
    })
  );
  const parts = Map.groupBy(all.filter(({ part }) => part), ({ effect }) => effect);
  return [
    ...all.filter(({ part }) => !part),
    ...[...parts].map(([effect, own]) => ({
      from: own.flatMap(({ from }) => from),
      effect,
      toView: false,
    })),
  ].filter(({ effect }) => detail === "all" || GRAVE.includes(effect))
    .toSorted((a, b) => ORDER.indexOf(a.effect) - ORDER.indexOf(b.effect));
}

/** The kind and the names; of parts of the table to which nothing happens, their number. */
function labelOf(kind: string, names: string[], grave: boolean): string[] {
  const word = names.length === 1 ? singular(kind) : kind.replaceAll("_", " ");
  if (PARTS.has(kind) && !grave) return [`${names.length} ${word}`];
  const shown = names.slice(0, MAX_NAMES).map((name) => shortened(name, MAX_NAME));
  const left = names.length - shown.length;
  return [
    // Names of these kinds say what each is.
    ...(kind === "built_on_view" || kind === "others" ? [] : [word]),
    ...shown,
    ...(left > 0 ? [`and ${left} more`] : []),
  ];
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
  table: GraphTable,
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
      const word = effect === "works_through_view" ? "works through it" : effect;
      const words = effect === null ? "" : `|${repointed ? "repointed" : word}|`;
      return `  d${number}_${index}["${label(from)}"]:::${
        effect ?? "follows"
      } ${arrow}${words} ${target}`;
    }),
  ];
}

const CLASSES = [
  "  classDef table fill:#0969da,stroke:#0550ae,color:#ffffff",
  "  classDef view fill:#ddf4ff,stroke:#0969da,color:#1f2328",
  "  classDef dropped fill:#f6f8fa,stroke:#6e7781,color:#57606a,stroke-dasharray:4 3",
  "  classDef breaks fill:#ffebe9,stroke:#cf222e,color:#82071e",
  "  classDef changes fill:#fff8c5,stroke:#9a6700,color:#633c01",
  "  classDef works_through_view fill:#ddf4ff,stroke:#0969da,color:#1f2328",
  "  classDef handled fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
  "  classDef follows fill:#f6f8fa,stroke:#6e7781,color:#1f2328",
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
