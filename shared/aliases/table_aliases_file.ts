/**
 * The text of table-aliases.ts: TypeScript that adds the old names of renamed tables to the database.types.ts of
 * `supabase gen types`. The compiler derives the types from that file, whatever schemas and columns it has. The same
 * aliases give the same text, byte for byte.
 */
import type { TableAlias } from "../contract/responses.ts";
import { HEADER, HELPER_TYPES } from "./file_parts.ts";

/** The file for these aliases, sorted as `resolveAliases` gives them. */
export function tableAliasesFile(aliases: TableAlias[]): string {
  const schemas = [...new Set(aliases.map(({ schema }) => schema))];
  const of = (schema: string) => aliases.filter((alias) => alias.schema === schema);
  const renames = schemas.map((schema) => {
    const names = of(schema).map((alias) => {
      const newName = JSON.stringify(alias.new_name);
      return `    ${deprecated(alias)}\n    ${property(alias.old_name)}: ${newName};\n`;
    });
    return `  ${property(schema)}: {\n${names.join("")}  };\n`;
  }).join("");
  const tables = of("public").map((alias) => {
    const type = `Database["public"]["Tables"][${JSON.stringify(alias.new_name)}]`;
    return `  ${deprecated(alias)}\n  ${property(alias.old_name)}: ${type};\n`;
  }).join("");
  return [
    HEADER,
    "/** Which table each old name stands for, by schema. */\n" +
    `type Renames = ${renames === "" ? NOTHING : `{\n${renames}}`};\n`,
    "/** The old names in the schema public, each with the types of its table. */\n" +
    `export type TableAliases = ${tables === "" ? NOTHING : `{\n${tables}}`};\n`,
    HELPER_TYPES,
  ].join("\n");
}

const NOTHING = "Record<never, never>";

/** Makes editors strike through uses of the property, and show the new name. */
function deprecated({ new_name }: TableAlias): string {
  return `/** @deprecated Renamed: use ${commentText(JSON.stringify(new_name))}. */`;
}

/** A name must not end the comment that contains it. */
const commentText = (text: string) => text.replaceAll("*/", "*\\/");

/** A property's name, in quotes only where TypeScript requires them. */
function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
