/** The answer of find-uses: where old names stand in source. */
import {
  type Block,
  type Document,
  documentOf,
  field,
  itemsOf,
  name,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { counted } from "./document/text.ts";

/** A use as it is shown, and as JSON has it. */
export interface ShownUse {
  file: string;
  line: number;
  column: number;
  offset: number;
  length: number;
  kind: string;
  certainty: "certain" | "possible";
  schema: string;
  name: string;
  renamed_to: string;
  text: string;
  replacement: string | null;
  reason: string | null;
  /** Whether it has been replaced. */
  changed: boolean;
}

export interface UsesAnswer {
  /** `name` is looked for, `renamed_to` takes its place. */
  renames: { schema: string; name: string; renamed_to: string; unclear: string | null }[];
  uses: ShownUse[];
  files: { read: number; with_uses: number; changed: number };
  certain: number;
  possible: number;
  /** Files that were not changed, and why. */
  not_changed: { file: string; reason: string }[];
}

interface UsesContext {
  /** The command that changes what is certain; null where it was just run. */
  write: string | null;
  /** Commands to go on with once something was changed. Default: none. */
  after?: string[];
  /** Commands that look for other names, where there is no rename. Default: none. */
  otherNames?: string[];
}

/** Renames that are listed by name; more are counted. */
const MOST_RENAMES = 12;

export function describeUses(
  answer: UsesAnswer,
  { write, after = [], otherNames = [] }: UsesContext,
): Document {
  const { renames, uses, files, not_changed: notChanged } = answer;
  const left = uses.filter(({ changed }) => !changed);
  const certain = left.filter(({ certainty }) => certainty === "certain").length;
  return documentOf([
    [title(answer, left.length), ...renamesField(renames)],
    // What was changed is in the files, and git shows it.
    ...filesOf(left).map(([file, inFile]) => [
      { is: "heading" as const, text: file },
      usesTable(inFile),
    ]),
    [
      ...(notChanged.length === 0 ? [] : [{ is: "heading" as const, text: "Files not changed" }]),
      itemsOf(notChanged.map(({ file, reason }) => ({ text: name(file), note: reason }))),
      notChanged.length === 0
        ? null
        : { is: "text", text: "Commit the files, so that git has them, or give --force." },
    ],
    [
      certain === 0 || write === null
        ? null
        : { is: "step", text: `Change the ${counted(certain, "certain use")}`, commands: [write] },
      left.length === uses.length || after.length === 0 ? null : {
        is: "step",
        text: "Next, make the types of the new names; then run your tests, and commit",
        commands: after,
      },
      renames.length > 0 || otherNames.length === 0
        ? null
        : { is: "step", text: "To look for names that are not renamed yet", commands: otherNames },
    ],
  ], { heading: `Uses of renamed tables: ${files.with_uses === 0 ? "none" : left.length} left` });
}

function title({ uses, files, renames }: UsesAnswer, left: number): Block {
  const read = counted(files.read, "file");
  const names = counted(renames.length, "name");
  const changed = uses.length - left;
  if (renames.length === 0) {
    const text = "there is no active rename, so there is no old name to look for";
    return { is: "title", tone: "notice", label: "Nothing to find", text };
  }
  if (uses.length === 0) {
    return { is: "title", tone: "good", text: `No uses of ${names} in ${read}` };
  }
  if (changed > 0) {
    const rest = left === 0 ? "none is left" : `${left === 1 ? "1 is" : `${left} are`} left`;
    const text = `${counted(changed, "use")} changed in ${counted(files.changed, "file")}, ${rest}`;
    return { is: "title", tone: left === 0 ? "good" : "warning", text };
  }
  const certain = uses.filter(({ certainty }) => certainty === "certain").length;
  const text = `${counted(uses.length, "use")} of ${names} in ${files.with_uses} of ${read}: ` +
    `${certain} certain, ${uses.length - certain} possible`;
  return { is: "title", tone: "notice", label: "Found", text };
}

function renamesField(renames: UsesAnswer["renames"]): Block[] {
  const shown = renames.slice(0, MOST_RENAMES).map(({ schema, name, renamed_to }) =>
    `${schema === "public" ? "" : `${schema}.`}${name} → ${renamed_to}`
  );
  const more = renames.length - shown.length;
  if (more > 0) shown.push(`${more} more`);
  const unclear = [...new Set(renames.flatMap((one) => one.unclear ?? []))];
  return [
    ...(shown.length === 0 ? [] : [field("Names", shown.join(", "))]),
    ...unclear.map((reason) => field("Unclear", toned(reason, "warning"))),
  ];
}

const filesOf = (uses: ShownUse[]): [string, ShownUse[]][] => [
  ...Map.groupBy(uses, ({ file }) => file),
];

const usesTable = (uses: ShownUse[]): Block | null =>
  table(
    ["Place", "Kind", "Text", "Becomes"],
    uses.map(({ line, column, kind, text, replacement, reason, changed }): (Text | null)[] => [
      `${line}:${column}`,
      kind,
      name(text),
      replacement === null
        ? toned(`possible: ${reason}`, "warning")
        : changed
        ? toned(`${replacement} ✓`, "good")
        : name(replacement),
    ]),
    { of: "use" },
  );
