/** The options of the commands in place of the fields of requests, of which the endpoints' messages speak. */
import type { CommandFor } from "../../report/document/document.ts";
import { shellQuoted } from "../../report/document/shell.ts";
import { commandLine, optionIn, withOption, withoutFlag, withoutValue } from "./command_line.ts";

const COMMANDS = {
  rename: "rename-table",
  rollback: "rollback-rename",
  finalize: "finalize-rename",
  refresh: "refresh-view",
};

/** Fields that have an option, and its name where it is not the field's. */
const RENAMED: Record<string, string> = {
  compatibility_view: "--no-view",
  record_history: "--no-history",
  lock_timeout_ms: "--lock-timeout",
  max_wait_ms: "--max-wait",
};
const FIELDS = [
  ...Object.keys(RENAMED),
  ...["acknowledge", "batch_id", "carry_privileges", "count_use", "expected_plan_hash"],
  ...["migration_file", "migration_id", "notes", "quiet_for_days", "relocate", "rename_indexes"],
  ...["rewrite_texts", "schema", "without_columns"],
];

const optionName = (field: string) => RENAMED[field] ?? `--${field.replaceAll("_", "-")}`;

/** The options for fields; none for a default, such as false of a flag. */
const optionsOf = ({ table, ...fields }: Record<string, unknown>): string[] => [
  ...Object.entries(fields).flatMap(([field, value]) => {
    if (field === "mode") return [];
    const option = optionName(field);
    const flag = { compatibility_view: false, record_history: "never" }[field] ?? true;
    if (typeof value === "boolean" || value === "never") return value === flag ? [option] : [];
    return [option, [value].flat().join(",")];
  }),
  ...(typeof table !== "string" ? [] : table.startsWith("-") ? ["--", table] : [table]),
];

/** Makes a next step the command line for it; `args` are those of the command that was run. */
export const commandFor = (args: string[]): CommandFor => ({ endpoint, fields }) => {
  const options = optionsOf(fields);
  if (endpoint !== "same") {
    return commandLine([COMMANDS[endpoint], ...options, ...optionIn(args, "--db-url")]);
  }
  const same = ["--markdown", ...(fields.mode === "apply" ? ["--plan"] : [])]
    .reduce(withoutFlag, args);
  const replaced = "expected_plan_hash" in fields
    ? withoutValue(same, "--expected-plan-hash")
    : same;
  return commandLine(withOption(replaced, ...options));
};

/** Members of answers and problems that are sentences. */
const SENTENCES = new Set(["detail", "hint", "message", "remedy"]);

/** The answer or problem, whose sentences speak of options. */
export function inOptionWords<T>(value: T): T {
  return JSON.parse(JSON.stringify(value), (key, text) => {
    if (typeof text !== "string") return text;
    return SENTENCES.has(key) ? optionWords(text) : key === "path" ? pathWords(text) : text;
  });
}

const NAMES = FIELDS.join("|");
const OBJECT = new RegExp(String.raw`\{"(?:${NAMES})": [^{}]*\}`, "g");
const FIELD = new RegExp(String.raw`"(?:${NAMES})": ?(?:\[[^\[\]]*\]|"[^"]*"|true|false|\d+)`, "g");
/** A field alone. Beside a dot it is the name of a table. */
const NAME = /(?<![.\w"])"?\b([a-z]+(?:_[a-z]+)+)\b"?(?!\.?["\w]|:)/g;

/** `send "acknowledge": ["x"]` as `add --acknowledge x`. */
export const optionWords = (text: string): string =>
  text
    .replace(OBJECT, (json) => optionText(json))
    .replace(FIELD, (json) => optionText(`{${json}}`, json))
    .replace(NAME, (found, field) => FIELDS.includes(field) ? optionName(field) : found)
    .replace(/^"renames\.\d+\.(\w+)"/, (_, field) => `The ${field.replaceAll("_", " ")}`)
    .replaceAll("`issues` lists", "The list below has")
    .replaceAll("`issues`", "the list below")
    .replace(/\bsend (?=--)/g, "add ");

function optionText(json: string, original = json): string {
  try {
    return optionsOf(JSON.parse(json)).map(shellQuoted).join(" ") || original;
  } catch {
    return original;
  }
}

/** What a path of an issue is about: `renames.3.new_name` is the new name. */
function pathWords(path: string): string {
  const field = /^renames\.\d+\.(\w+)/.exec(path)?.[1];
  if (field !== undefined) return field.replaceAll("_", " ");
  return FIELDS.includes(path) ? optionName(path) : path;
}
