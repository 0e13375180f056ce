/** The renames that are chosen for the next plan, with its options. */
import type { OperationAnswer } from "../../../contract/responses.ts";
import { keyOf } from "../../../contract/new_names.ts";
import { createStore } from "../parts/store.ts";

export interface DraftRename {
  schema: string;
  old_name: string;
  new_name: string;
}

export interface DraftOptions {
  compatibility_view: boolean;
  rename_indexes: boolean;
  count_use: boolean;
  notes: string;
  /** Milliseconds; default: the endpoint's. */
  lock_timeout_ms?: number;
  /** Milliseconds; default: the endpoint's. */
  max_wait_ms?: number;
}

export interface Draft {
  renames: DraftRename[];
  options: DraftOptions;
}

const EMPTY: Draft = {
  renames: [],
  options: { compatibility_view: true, rename_indexes: false, count_use: false, notes: "" },
};

const store = createStore<Draft>("draft", EMPTY);

export const useDraft = store.use;

export const setOptions = (options: Partial<DraftOptions>): void =>
  store.set((draft) => ({ ...draft, options: { ...draft.options, ...options } }));

const isSame = (a: DraftRename, b: { schema: string; old_name: string }) =>
  a.schema === b.schema && a.old_name === b.old_name;

/** Puts a table into the draft, or out of it. */
export const toggleTable = (schema: string, table: string): void =>
  store.set((draft) => {
    const one = { schema, old_name: table };
    const renames = draft.renames.some((other) => isSame(other, one))
      ? draft.renames.filter((other) => !isSame(other, one))
      : [...draft.renames, { ...one, new_name: table }];
    return { ...draft, renames };
  });

export const setRenames = (renames: DraftRename[]): void =>
  store.set((draft) => ({ ...draft, renames }));

/** Adds renames; tables that are chosen already get the new names. */
export const addRenames = (renames: DraftRename[]): void =>
  store.set((draft) => {
    const all = new Map(draft.renames.map((one) => [keyOf(one.schema, one.old_name), one]));
    for (const { schema, old_name, new_name } of renames) {
      all.set(keyOf(schema, old_name), { schema, old_name, new_name });
    }
    return { ...draft, renames: [...all.values()] };
  });

export const setNewName = (schema: string, table: string, new_name: string): void =>
  store.set((draft) => ({
    ...draft,
    renames: draft.renames.map((one) =>
      isSame(one, { schema, old_name: table }) ? { ...one, new_name } : one
    ),
  }));

export const clearDraft = (): void => store.set(() => EMPTY);

/** Takes out of the draft what an answer has made, or proposed. */
export const forgetMade = ({ mode, migrations }: OperationAnswer): void => {
  if (mode === "plan") return;
  const made = new Set(migrations.map((one) => keyOf(one.schema_name, one.old_name)));
  store.set((draft) => {
    const renames = draft.renames.filter((one) => !made.has(keyOf(one.schema, one.old_name)));
    if (renames.length === draft.renames.length) return draft;
    return renames.length === 0 ? EMPTY : { ...draft, renames };
  });
};
