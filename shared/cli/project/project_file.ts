/** `table-rename.json`: what the commands need to know of the caller's repository. */
import { dirname } from "node:path";
import * as z from "zod";
import { identifierFault } from "../../contract/names.ts";
import { messageOf, UsageError } from "../exit_codes.ts";
import { type JsonNode, JsonTextError, parseJsonText } from "../files/json_text.ts";
import { readIfThere } from "../files/paths.ts";
import { PROJECT_FILE } from "./find_project_file.ts";

/** Where the package has the schema, from the folder of the project file. */
export const SCHEMA_PATH =
  "./node_modules/zero-downtime-table-rename/dist/table-rename.schema.json";

const identifier = z.string().superRefine((name, context) => {
  const fault = identifierFault(name);
  if (fault) context.addIssue({ code: "custom", message: fault });
});

/** Keys and database URLs. They must not be in a file that is committed, nor in a message. */
const SECRET = /^(sb_(secret|publishable)_|eyJ|postgres(ql)?:|v1,whsec_)/i;

const variable = z.string()
  .refine((name) => !SECRET.test(name), {
    message: "this is a secret itself: set it as an environment variable, and write its name here",
    abort: true,
  })
  .regex(/^[A-Za-z_]\w*$/, "expected the name of an environment variable");

const projectUrl = z.string().refine((text) => {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}, { message: "expected the project's URL, such as https://abcd.supabase.co" });

const path = (what: string) =>
  z.string().min(1, "expected a text").refine((text) => !text.includes("\0"), "not a path")
    .describe(what);

const regularExpression = z.string().min(1, "expected a text").superRefine((source, context) => {
  try {
    new RegExp(source, "u");
  } catch (error) {
    context.addIssue({ code: "custom", message: `not a regular expression: ${messageOf(error)}` });
  }
});

const SOME = "expected at least one";

const schemas = z.array(identifier).min(1, SOME);

const phase = z.strictObject({
  name: z.string().min(1, "expected a text").max(100).describe(
    "Names the phase in commands: --phase NAME.",
  ),
  renames: z.array(z.strictObject({
    from: identifier.describe("The table's name today."),
    to: identifier.describe("Its new name."),
    schema: identifier.optional().describe('Default: "public".'),
  })).min(1, SOME).optional().describe("The tables, one by one."),
  match: regularExpression.optional()
    .describe("A regular expression of JavaScript; each table whose name matches is renamed."),
  to: z.string().min(1, "expected a text").optional()
    .describe("The new name of a table that matches; $1 is the first group."),
  schemas: schemas.optional().describe(
    'With "match": where to look; * is any text. Default: those of the file.',
  ),
  file: path("A JSON or CSV file that lists the renames.").optional(),
}).superRefine(({ renames, match, to, file, schemas }, context) => {
  const issue = (message: string, ...path: string[]) =>
    context.addIssue({ code: "custom", message, path });
  const ways = [renames, match, file].filter((way) => way !== undefined).length;
  if (ways !== 1) issue('give exactly one of "renames", "match" and "file"');
  if (match !== undefined && to === undefined) issue('"match" needs "to", the new name');
  if (match === undefined && to !== undefined) issue('"to" belongs to "match"', "to");
  if (match === undefined && schemas !== undefined) {
    issue('"schemas" belongs to "match"', "schemas");
  }
});

const settings = z.strictObject({
  $schema: z.string().optional().describe("Where editors find the description of this file."),
  project_url: projectUrl.optional()
    .describe("The project. SUPABASE_URL, if it is set, is used in its place."),
  keys: z.strictObject({
    secret_key: variable.optional()
      .describe('Holds the secret key of the project. Default: "SUPABASE_SECRET_KEY".'),
    database_url: variable.optional()
      .describe('Holds the URL of the database. Default: "SUPABASE_DB_URL".'),
  }).optional().describe("Names of environment variables that hold keys; never the keys."),
  schemas: schemas.optional().describe('Schemas with tables to rename. Default: ["public"].'),
  migrations: path('Folder of migration files. Default: "supabase/migrations".').optional(),
  types: path("The generated types; table-aliases.ts is written beside them.")
    .regex(/(^|[\\/])database\.types\.ts$/, "the file has to be named database.types.ts")
    .optional().describe('Default: "supabase/types/database.types.ts".'),
  source: z.array(path("A folder.")).optional()
    .describe("Folders of code that uses the tables."),
  phases: z.array(phase).optional().describe("The renames, in the order in which they are made."),
}).superRefine(({ phases = [] }, context) => {
  phases.forEach(({ name }, index) => {
    if (phases.findIndex((other) => other.name === name) < index) {
      context.addIssue({
        code: "custom",
        path: ["phases", index, "name"],
        message: `there is a phase "${name}" before`,
      });
    }
  });
});

export type ProjectSettings = z.infer<typeof settings>;
export type Phase = NonNullable<ProjectSettings["phases"]>[number];

export interface ProjectFile {
  path: string;
  /** The folder of the file, from which its paths start. */
  dir: string;
  settings: ProjectSettings;
}

/** The JSON schema of the file, for editors. */
export function projectFileSchema(): Record<string, unknown> {
  return { title: PROJECT_FILE, ...z.toJSONSchema(settings, { io: "input" }) };
}

/**
 * Reads the project file at a path.
 *
 * @throws {UsageError} It cannot be read, or is not as it should be. The message names each line.
 */
export async function readProjectFile(path: string): Promise<ProjectFile> {
  const text = await readIfThere(path);
  if (text === undefined) throw new UsageError(`${path}: there is no such file`);
  return { path, dir: dirname(path), settings: parseProjectFile(text, path) };
}

/**
 * Reads the text of a project file.
 *
 * @param path For messages.
 * @throws {UsageError} It is not as it should be. The message names each line.
 */
export function parseProjectFile(text: string, path: string): ProjectSettings {
  const bare = text.replace(/^\uFEFF/, "");
  let root: JsonNode;
  try {
    root = parseJsonText(bare);
  } catch (error) {
    if (!(error instanceof JsonTextError)) throw error;
    throw faulty(path, [{ line: error.line, what: `not JSON: ${error.message}` }]);
  }
  const twice = namesGivenTwice(root);
  if (twice.length > 0) throw faulty(path, twice);
  const { data, error } = settings.safeParse(JSON.parse(bare));
  if (error === undefined) return data;
  throw faulty(
    path,
    error.issues.flatMap((issue) => {
      const at = issue.path.map(String);
      if (issue.code !== "unrecognized_keys") {
        return [{ line: lineOf(root, at), what: `${fieldName(at)}${issue.message}` }];
      }
      return issue.keys.map((name) => ({
        line: lineOf(root, [...at, name]),
        what: `${fieldName([...at, name])}there is no such field`,
      }));
    }),
  );
}

export const projectFileText = (settings: ProjectSettings): string =>
  `${JSON.stringify(settings, null, 2)}\n`;

function faulty(path: string, faults: { line: number; what: string }[]): UsageError {
  const lines = faults.toSorted((a, b) => a.line - b.line)
    .map(({ line, what }) => `  line ${line}: ${what}`);
  return new UsageError(
    `${path} is not valid:\n${lines.join("\n")}\n` +
      "Correct the file and run the command again. Nothing was done.",
  );
}

const fieldName = (at: string[]): string => at.length === 0 ? "" : `${at.join(".")}: `;

/** The line of a field; where there is none, of what it would be in. */
function lineOf(node: JsonNode, [first, ...rest]: string[]): number {
  if (first === undefined) return node.line;
  if (node.kind === "array" && node.items[Number(first)]) {
    return lineOf(node.items[Number(first)], rest);
  }
  const member = node.kind === "object" && node.members.find(({ name }) => name === first);
  if (!member) return node.line;
  return rest.length === 0 ? member.line : lineOf(member.node, rest);
}

function namesGivenTwice(node: JsonNode): { line: number; what: string }[] {
  if (node.kind === "array") return node.items.flatMap(namesGivenTwice);
  if (node.kind === "scalar") return [];
  const names = node.members.map(({ name }) => name);
  return node.members.flatMap(({ name, line, node }, index) => [
    ...(names.indexOf(name) < index ? [{ line, what: `${name}: it is given twice` }] : []),
    ...namesGivenTwice(node),
  ]);
}
