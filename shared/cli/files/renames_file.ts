/** `--from-file`: the renames in a JSON or CSV file, each with its place in the file. */
import { readFile } from "node:fs/promises";
import { CsvError, parse as parseCsv } from "csv-parse/sync";
import { messageOf, UsageError } from "../exit_codes.ts";
import { type JsonNode, JsonTextError, parseJsonText } from "./json_text.ts";
import { codeOf } from "./paths.ts";

export interface RenameEntry {
  schema?: string;
  old_name: string;
  new_name: string;
}

export interface RenamesFile {
  renames: RenameEntry[];
  /** Where each rename is, in the same order, such as `renames.csv, line 4`. */
  places: string[];
  /** What is wrong in the file. Such entries are not among the renames. */
  faults: FileFault[];
}

interface FileFault {
  line: number;
  what: string;
}

export const FILE_HELP = `Files:
  .json  [{"old_name": "experts", "new_name": "expert_profiles", "schema": "public"}, …]
         or {"renames": […]}, or {"experts": "expert_profiles", …}
  .csv   old name, new name and perhaps schema, separated by commas, semicolons or tabs; a first
         line such as old_name,new_name,schema or from,to names the columns in any order`;

/**
 * Reads the file. Names are taken as they are; the endpoint checks whether they can be identifiers.
 *
 * @param given The path as the caller wrote it, for places.
 * @throws {UsageError} The file cannot be read, or is not JSON or CSV. The message names the line.
 */
export async function readRenamesFile(path: string, given = path): Promise<RenamesFile> {
  const parse = /\.json$/i.test(path) ? fromJson : /\.(csv|tsv)$/i.test(path) ? fromCsv : undefined;
  if (parse === undefined) {
    throw new UsageError(`${path}: the name should end in .json, .csv or .tsv`);
  }
  const text = await readText(path);
  const read = new Entries();
  read.attempt(() => parse(text, read));
  const { entries, faults } = read;
  if (entries.length + faults.length === 0) {
    throw new UsageError(`${path}: there are no renames in it`);
  }
  return {
    renames: entries.map(({ rename }) => rename),
    places: entries.map(({ line }) => `${given}, line ${line}`),
    faults: faults.map(({ line, what }) => ({ line, what })),
  };
}

class Fault extends Error {
  constructor(readonly line: number, readonly what: string) {
    super(what);
  }
}

class Entries {
  readonly entries: Entry[] = [];
  readonly faults: Fault[] = [];

  attempt(read: () => void): void {
    try {
      read();
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      this.faults.push(error);
    }
  }

  addAll<Item>(items: Item[], read: (item: Item) => Entry): void {
    for (const item of items) this.attempt(() => this.entries.push(read(item)));
  }
}

const fault = (line: number, what: string) => new Fault(line, what);

async function readText(path: string): Promise<string> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    const why = codeOf(cause) === "ENOENT" ? "there is no such file" : messageOf(cause);
    throw new UsageError(`${path}: ${why}`, { cause });
  }
  try {
    // Removes a byte order mark, which spreadsheets write.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError(`${path}: the text is not UTF-8`, { cause });
  }
}

interface Entry {
  rename: RenameEntry;
  line: number;
}

const COLUMNS = ["old_name", "new_name", "schema"] as const;
type Column = (typeof COLUMNS)[number];

/** What people call the columns, in lower case with `_` for what separates words. */
const WORDS: Record<Column, string[]> = {
  old_name: ["old", "old_table", "old_table_name", "from", "table", "table_name", "name"],
  new_name: ["new", "new_table", "new_table_name", "to"],
  schema: ["schema_name", "table_schema"],
};

/** The column that somebody means by a word. */
function columnOf(word: string): Column | undefined {
  const name = word.trim().toLowerCase().replace(/[ -]+/g, "_");
  return COLUMNS.find((column) => column === name || WORDS[column].includes(name));
}

function fromJson(text: string, read: Entries): void {
  let root: JsonNode;
  try {
    root = parseJsonText(text);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw fault(error.line, `not JSON: ${error.message}`);
  }
  if (root.kind === "array") return read.addAll(root.items, jsonEntry);
  if (root.kind === "scalar") throw fault(root.line, "expected a list or an object of renames");
  const names = root.members.map(({ name }) => name);
  const renames = root.members.find(({ name }) => name === "renames")?.node;
  if (renames?.kind === "array") {
    for (const { name, line, node } of root.members) {
      if (node === renames) continue;
      read.faults.push(fault(line, `"${name}" is not read from a file; use the options`));
    }
    return read.addAll(renames.items, jsonEntry);
  }
  if (names.includes("old_name") && names.includes("new_name")) {
    return read.addAll([root], jsonEntry);
  }
  const seen = new Map<string, number>();
  read.addAll(root.members, ({ name, line, node }) => {
    if (seen.has(name)) throw fault(line, `"${name}" is renamed in line ${seen.get(name)} already`);
    seen.set(name, line);
    if (node.kind !== "scalar" || typeof node.value !== "string") {
      throw fault(line, `the new name of "${name}" should be a string`);
    }
    return { rename: { old_name: name, new_name: node.value }, line };
  });
}

function jsonEntry(node: JsonNode): Entry {
  if (node.kind !== "object") {
    throw fault(node.line, 'expected an object like {"old_name": "a", "new_name": "b"}');
  }
  const found: Partial<Record<Column, string>> = {};
  for (const { name, line, node: value } of node.members) {
    const column = columnOf(name);
    if (column === undefined) {
      throw fault(line, `"${name}" is unknown; there are ${COLUMNS.join(", ")}`);
    }
    if (found[column] !== undefined) throw fault(line, `"${name}" occurs twice`);
    if (value.kind !== "scalar" || typeof value.value !== "string") {
      throw fault(line, `"${name}" should be a string`);
    }
    found[column] = value.value;
  }
  return { rename: complete(found, (what) => fault(node.line, what)), line: node.line };
}

function fromCsv(text: string, read: Entries): void {
  const records = csvRecords(text);
  const header = records.length > 0 ? headerOf(records[0]) : null;
  const columns = header ?? COLUMNS;
  read.addAll(records.slice(header ? 1 : 0), ({ cells, line }) => {
    if (cells.length > columns.length) {
      throw fault(
        line,
        `there are ${cells.length} columns, and at most ${columns.length} are known`,
      );
    }
    if (cells.length < 2) {
      throw fault(
        line,
        "there is one column only; names are separated by commas, semicolons or tabs, the same in all lines",
      );
    }
    const found = Object.fromEntries(
      columns.map((column, index) => [column, cells[index] || undefined]),
    );
    return { rename: complete(found, (what) => fault(line, what)), line };
  });
}

interface CsvRecord {
  cells: string[];
  line: number;
}

/** What separates the names in the first line that has any; a comma where several could. */
function delimiterOf(text: string): string {
  const first = text.split(/\r?\n/).find((line) => line.trim() !== "") ?? "";
  const unquoted = first.replace(/"(?:[^"]|"")*"/g, "");
  return [",", ";", "\t"].find((delimiter) => unquoted.includes(delimiter)) ?? ",";
}

function csvRecords(text: string): CsvRecord[] {
  try {
    const records = parseCsv(text, {
      delimiter: delimiterOf(text),
      info: true,
      trim: true,
      skip_empty_lines: true,
      relax_column_count: true,
      // The types do not know that `info` changes the records.
    }) as unknown as { record: string[]; info: { lines: number } }[];
    return records.map(({ record, info }) => ({ cells: record, line: info.lines }));
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw fault(Number(error.lines ?? 1), `not CSV: ${error.message}`);
  }
}

/** The columns that the first line names; null if it is a rename already. */
function headerOf({ cells, line }: CsvRecord): Column[] | null {
  const columns = cells.map(columnOf);
  if (!columns.includes("old_name") || !columns.includes("new_name")) return null;
  return columns.map((column, index) => {
    if (column === undefined) {
      throw fault(line, `the column "${cells[index]}" is unknown; there are ${COLUMNS.join(", ")}`);
    }
    if (columns.indexOf(column) !== index) throw fault(line, `the column "${column}" occurs twice`);
    return column;
  });
}

function complete(found: Partial<Record<Column, string>>, fault: (what: string) => Fault) {
  const { old_name, new_name, schema } = found;
  if (old_name === undefined) throw fault("the old name is missing");
  if (new_name === undefined) throw fault("the new name is missing");
  return schema === undefined ? { old_name, new_name } : { schema, old_name, new_name };
}
