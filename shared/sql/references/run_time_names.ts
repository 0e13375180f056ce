/**
 * Names that a text puts together when it runs: from constants that its variables get, and, in a trigger
 * function, from the name of its table. In SQL that is put together, a character of the private use area stands
 * for what is known only then.
 */
import { isMark, isWord, type Name, nameAt, type Node } from "../parser/nodes.ts";

/** Stands for what is not known at all. */
export const UNKNOWN = "\ue000";
/** Stands for TG_TABLE_NAME, and for TG_TABLE_SCHEMA. */
export const TRIGGER_TABLE = "\ue001";
export const TRIGGER_SCHEMA = "\ue002";
/** Variables have the characters from here to the end of the private use area. */
const FIRST_VARIABLE = 0xe010;
const LAST_VARIABLE = 0xf8ff;

const PLACEHOLDER = /[\ue000-\uf8ff]/;
const PLACEHOLDERS = /[\ue000-\uf8ff]/g;
const VARIABLE = /[\ue010-\uf8ff]/;

export const hasPlaceholder = (text: string) => PLACEHOLDER.test(text);
export const withoutPlaceholders = (text: string) => text.replace(PLACEHOLDERS, "");

/** Most values that are kept of one variable, and most texts that one text with variables stands for. */
const MAX_VALUES = 500;

/** What a trigger function does with a name that is its table's name, or is made of it. */
export interface MadeName {
  /** `relation`: it is a relation's. `lookup`: rows are found by it. `channel`, `setting`: it is one of these. */
  use: "relation" | "lookup" | "channel" | "setting";
  /** With placeholders; null where the text gives none. */
  schema: string | null;
  name: string;
  /** Index into the whole text. */
  at: number;
}

export class RunTimeNames {
  /** Names made of TG_TABLE_NAME, as the text is read. */
  readonly made: MadeName[] = [];
  /** What USING gives to the SQL that is read just now: $1 first. */
  parameters: string[] = [];
  private readonly values: Set<string>[] = [];
  private readonly variables = new Map<string, number>();

  /** @param isTrigger Whether the text is a trigger function of tables that are searched for. */
  constructor(readonly isTrigger: boolean) {}

  /** Notes that the variable can have the value; false where that is known, or too much is. */
  add(variable: string, value: string): boolean {
    let n = this.variables.get(variable);
    if (n === undefined) {
      n = this.values.length;
      if (FIRST_VARIABLE + n > LAST_VARIABLE) return false;
      this.variables.set(variable, n);
      this.values.push(new Set());
    }
    const values = this.values[n];
    if (values.has(value) || values.size >= MAX_VALUES) return false;
    values.add(value);
    return true;
  }

  /** What a name stands for at run time: a placeholder; null for anything that is no variable known here. */
  placeholderAt(nodes: Node[], i: number): { text: string; next: number } | null {
    if (isMark(nodes[i - 1], ".")) return null;
    const name = nameAt(nodes, i);
    if (name === null) return null;
    const text = this.ofTrigger(name, nodes) ?? this.ofVariable(name);
    return text === null ? null : { text, next: name.next };
  }

  private ofTrigger({ parts, bare, next }: Name, nodes: Node[]): string | null {
    if (!this.isTrigger || !bare) return null;
    if (parts[0] === "tg_table_name" || parts[0] === "tg_relname") return TRIGGER_TABLE;
    if (parts[0] === "tg_table_schema") return TRIGGER_SCHEMA;
    const named = isMark(nodes[next], "::") && isWord(nodes[next + 1], "regclass");
    return parts[0] === "tg_relid" && named ? TRIGGER_TABLE : null;
  }

  /** A variable, or a field of one. */
  private ofVariable({ parts }: Name): string | null {
    const n = parts.length > 2 ? undefined : this.variables.get(parts[0]);
    return n === undefined ? null : String.fromCharCode(FIRST_VARIABLE + n);
  }

  /** The texts that a text with placeholders of variables can stand for; without them it is the only one. */
  expand(text: string): string[] {
    let texts = [text];
    for (let depth = 0; depth < 4 && texts.some((one) => VARIABLE.test(one)); depth++) {
      texts = texts.flatMap((one) => this.expandedOnce(one)).slice(0, MAX_VALUES);
    }
    return texts.map((one) => one.replace(/[\ue010-\uf8ff]/g, UNKNOWN));
  }

  private expandedOnce(text: string): string[] {
    const variable = VARIABLE.exec(text)?.[0];
    if (variable === undefined) return [text];
    const values = this.values[variable.charCodeAt(0) - FIRST_VARIABLE] ?? [UNKNOWN];
    return [...values].map((value) => text.replaceAll(variable, () => value));
  }

  /** Whether a text with placeholders has the name of the trigger's table in it. */
  hasTriggerTable(text: string): boolean {
    return this.isTrigger && this.expand(text).some((one) => one.includes(TRIGGER_TABLE));
  }
}
