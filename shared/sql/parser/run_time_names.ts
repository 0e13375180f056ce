/**
 * Names that code puts together when it runs: from constants in its variables and, in a trigger function, from the
 * name of its table. In such SQL, characters of the private use area are placeholders for what is known only then.
 */
import { isMark, isWord, type Name, nameAt, type Node } from "./nodes.ts";

export const UNKNOWN = "\ue000";
/** Placeholders for TG_TABLE_NAME and TG_TABLE_SCHEMA. */
export const TRIGGER_TABLE = "\ue001";
export const TRIGGER_SCHEMA = "\ue002";
/** The placeholders from here to the end of the private use area are for variables, one each. */
const FIRST_VARIABLE = 0xe010;
const LAST_VARIABLE = 0xf8ff;

const PLACEHOLDER = /[\ue000-\uf8ff]/;
const PLACEHOLDERS = /[\ue000-\uf8ff]/g;
const VARIABLE = /[\ue010-\uf8ff]/;
const VARIABLES = /[\ue010-\uf8ff]/g;

export const hasPlaceholder = (text: string) => PLACEHOLDER.test(text);
export const withoutPlaceholders = (text: string) => text.replace(PLACEHOLDERS, "");

/** Most values that are kept of one variable, and most texts that one text with placeholders expands to. */
const MAX_VALUES = 500;
/** Most times that placeholders are replaced by values which contain placeholders. */
const MAX_DEPTH = 4;

/** What a trigger function does with the name of its table, or with a name made of it. */
export interface DerivedName {
  /** `relation`, `channel`, `setting`: it names one. `lookup`: rows are looked up by it. */
  use: "relation" | "lookup" | "channel" | "setting";
  /** With placeholders; null if no schema is given. */
  schema: string | null;
  name: string;
  at: number;
}

export class RunTimeNames {
  readonly derived: DerivedName[] = [];
  /** The arguments of USING of the EXECUTE that is being read: $1 first. */
  parameters: string[] = [];
  private readonly values: Set<string>[] = [];
  private readonly variables = new Map<string, number>();

  /** @param isTrigger Whether the source is a trigger function of tables in the index. */
  constructor(readonly isTrigger: boolean) {}

  /** Adds a value that the variable can have; false if that is known, or too many are. */
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

  /** The placeholder for the variable at index `i`, and the index after it; null if no known variable is there. */
  placeholderAt(nodes: Node[], i: number): { text: string; next: number } | null {
    if (isMark(nodes[i - 1], ".")) return null;
    const name = nameAt(nodes, i);
    if (name === null) return null;
    const text = this.ofTrigger(name, nodes) ?? this.ofVariable(name);
    return text === null ? null : { text, next: name.next };
  }

  private ofTrigger({ last, bare, next }: Name, nodes: Node[]): string | null {
    if (!this.isTrigger || !bare) return null;
    if (last === "tg_table_name" || last === "tg_relname") return TRIGGER_TABLE;
    if (last === "tg_table_schema") return TRIGGER_SCHEMA;
    const isNamed = isMark(nodes[next], "::") && isWord(nodes[next + 1], "regclass");
    return last === "tg_relid" && isNamed ? TRIGGER_TABLE : null;
  }

  /** A variable, or a field of one. */
  private ofVariable({ parts }: Name): string | null {
    const n = parts.length > 2 ? undefined : this.variables.get(parts[0]);
    return n === undefined ? null : String.fromCharCode(FIRST_VARIABLE + n);
  }

  /** All texts that a text with placeholders of variables can stand for. */
  expand(text: string): string[] {
    let texts = [text];
    for (let depth = 0; depth < MAX_DEPTH && texts.some((one) => VARIABLE.test(one)); depth++) {
      texts = texts.flatMap((one) => this.expandedOnce(one)).slice(0, MAX_VALUES);
    }
    return texts.map((one) => one.replace(VARIABLES, UNKNOWN));
  }

  private expandedOnce(text: string): string[] {
    const variable = VARIABLE.exec(text)?.[0];
    if (variable === undefined) return [text];
    const values = this.values[variable.charCodeAt(0) - FIRST_VARIABLE] ?? [UNKNOWN];
    return [...values].map((value) => text.replaceAll(variable, () => value));
  }

  /** The values that the variable at index `i` can have; none if no known variable is there. */
  valuesAt(nodes: Node[], i: number): string[] {
    const placeholder = this.placeholderAt(nodes, i);
    return placeholder === null ? [] : this.expand(placeholder.text);
  }

  /** Whether a text with placeholders can contain the name of the trigger's table. */
  hasTriggerTable(text: string): boolean {
    return this.isTrigger && this.expand(text).some((one) => one.includes(TRIGGER_TABLE));
  }
}
