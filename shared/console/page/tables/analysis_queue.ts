/**
 * What depends on tables, asked for some at a time. To ask for all tables of a large database takes long, so those on
 * the screen come first, and there is never more than one request. What is known stays known until something is changed.
 */
import type { AnalyzedTable } from "../../../contract/responses.ts";
import { countsBySeverity, dependantsOf, keyOf, type Summary, type TableName } from "./rows.ts";

/** Most tables of one request: their names are in its URL. */
export const AT_ONCE = 50;

export interface AnalysisState {
  /** By the table's key; null where the table does not exist any more. */
  known: ReadonlyMap<string, Summary | null>;
  /** How far the check of all tables is; null while there is none. */
  checking: { done: number; total: number } | null;
  /** Why the last request failed, or null. */
  error: unknown;
}

export type Ask = (schema: string, tables: string[]) => Promise<AnalyzedTable[]>;

export class AnalysisQueue {
  #state: AnalysisState = { known: new Map(), checking: null, error: null };
  /** Of what is known, that which no change has made old. */
  #fresh = new Set<string>();
  #visible: TableName[] = [];
  #rest: TableName[] = [];
  #running = false;
  /** Answers to questions of before a change are not fresh. */
  #round = 0;
  readonly #ask: Ask;
  readonly #listeners = new Set<() => void>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  readonly subscribe = (listener: () => void): () => void => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly state = (): AnalysisState => this.#state;

  /** Says which tables are on the screen, in place of those that were. */
  show(tables: TableName[]): void {
    this.#visible = tables;
    void this.#run();
  }

  /** Asks for all these tables, after those on the screen. Anew, if all are known. */
  check(tables: TableName[]): void {
    if (tables.every((table) => this.#isFresh(table))) this.#fresh.clear();
    this.#rest = tables;
    this.#change({ checking: this.#progress() });
    void this.#run();
  }

  /** Ends the check of all tables. What is known stays. */
  stop(): void {
    this.#rest = [];
    this.#change({ checking: null });
  }

  /** Something was changed: what is known is shown until it is known anew. */
  expire(): void {
    this.#fresh.clear();
    this.#round++;
    void this.#run();
  }

  #isFresh = ({ schema, table }: TableName) => this.#fresh.has(keyOf(schema, table));

  /** The next tables to ask for: all of one schema. */
  #next(): TableName[] {
    for (const wanted of [this.#visible, this.#rest]) {
      const first = wanted.find((table) => !this.#isFresh(table));
      if (first === undefined) continue;
      const more = wanted.filter((table) => table.schema === first.schema && !this.#isFresh(table));
      return more.slice(0, AT_ONCE);
    }
    return [];
  }

  async #run(): Promise<void> {
    if (this.#running) return;
    this.#running = true;
    try {
      for (let group = this.#next(); group.length > 0; group = this.#next()) {
        const round = this.#round;
        const found = await this.#ask(group[0].schema, group.map(({ table }) => table));
        this.#keep(group, found, round === this.#round);
      }
      this.#change({ checking: null });
    } catch (error) {
      // The next look at other rows, or the next check, tries again.
      this.#rest = [];
      this.#change({ error, checking: null });
    } finally {
      this.#running = false;
    }
  }

  #keep(group: TableName[], found: AnalyzedTable[], isFresh: boolean): void {
    const known = new Map(this.#state.known);
    const answers = new Map(found.map((one) => [keyOf(one.schema, one.table), one]));
    for (const { schema, table } of group) {
      const key = keyOf(schema, table);
      const answer = answers.get(key);
      known.set(
        key,
        answer === undefined
          ? null
          : { dependants: dependantsOf(answer), counts: countsBySeverity(answer.findings) },
      );
      if (isFresh) this.#fresh.add(key);
    }
    this.#change({ known, error: null, checking: this.#progress() });
  }

  #progress(): AnalysisState["checking"] {
    if (this.#rest.length === 0) return null;
    return { done: this.#rest.filter(this.#isFresh).length, total: this.#rest.length };
  }

  #change(change: Partial<AnalysisState>): void {
    this.#state = { ...this.#state, ...change };
    for (const listener of this.#listeners) listener();
  }
}
