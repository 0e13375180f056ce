/** What became of many renames, wave by wave. */
import {
  type Block,
  type Document,
  documentOf,
  name,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { counted } from "./document/text.ts";

export interface ShownWave {
  tables: number;
  /** Old names of the first and the last table. */
  first: string;
  last: string;
  state: "done" | "already" | "planned" | "proposed" | "refused" | "unknown" | "not_begun";
  /** How long clients waited at most. */
  waited?: string;
  /** Why it was refused, or what a plan found. */
  why?: string;
}

const STATES: Record<ShownWave["state"], Text> = {
  done: toned("done", "good"),
  already: "done before",
  planned: "would be done",
  proposed: toned("proposed", "notice"),
  refused: toned("refused", "bad"),
  unknown: toned("not known", "warning"),
  not_begun: "not begun",
};

/** Whether not all waves came to their end. */
export const isStopped = (waves: ShownWave[]): boolean =>
  waves.some(({ state }) => state === "refused" || state === "unknown" || state === "not_begun");

/** @param context.planned Whether nothing was to be changed. */
export function describeWaves(
  waves: ShownWave[],
  { url, title, planned, goOn, apply = [] }: {
    url: string;
    title: string;
    planned: boolean;
    /** The command line that does the rest. Default: none is shown. */
    goOn?: string;
    /** A command line for each wave that is proposed. Default: none. */
    apply?: string[];
  },
): Document {
  const stopped = isStopped(waves);
  const steps: Block[] = goOn === undefined
    ? []
    : [{ is: "step", text: planned ? "To do it" : "To go on", commands: [goOn] }];
  if (apply.length > 0) {
    const text = `To apply ${apply.length === 1 ? "it" : "them, wave by wave"}`;
    steps.push({ is: "step", text, commands: apply });
  }
  return documentOf([
    [
      planned || stopped
        ? {
          is: "title",
          tone: stopped ? "warning" : "notice",
          label: planned ? "Plan" : "Stopped",
          text: title,
          url,
        }
        : { is: "title", tone: "good", text: title, url },
      {
        is: "text",
        text:
          `${counted(waves.length, "wave")}. Each is a batch of its own: all of it or nothing.` +
          (planned ? " Nothing was changed." : ""),
      },
    ],
    [table(
      ["Wave", "Tables", "State", "First", "Last", "Waited", "Why"],
      waves.map(({ tables, first, last, state, waited, why }, index) => [
        String(index + 1),
        String(tables),
        STATES[state],
        name(first),
        name(last),
        waited ?? null,
        why ?? null,
      ]),
      { of: "wave" },
    )],
    steps,
  ]);
}

/** The names of renames that are to be made, before they are. */
export const describeWanted = (
  renames: { schema: string; old_name: string; new_name: string }[],
  more: string[],
  label = "To rename",
): Document =>
  documentOf([
    [
      { is: "title", tone: "notice", label, text: counted(renames.length, "table") },
      ...more.map((text): Block => ({ is: "text", text })),
    ],
    [{
      is: "names",
      oldName: "Old name will be",
      names: renames.map(({ schema, old_name: from, new_name: to }) => (
        { schema, from, to, oldName: null, unusual: false }
      )),
    }],
  ]);
