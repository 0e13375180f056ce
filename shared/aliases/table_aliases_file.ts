/**
 * The text of table-aliases.ts: TypeScript that gives renamed tables their old names back, beside the
 * database.types.ts of `supabase gen types`. The same aliases give the same text, byte for byte.
 *
 * What stands in it is worked out by the compiler from the caller's own database.types.ts, so that it fits
 * whatever schemas and columns are in there.
 */
import type { TableAlias } from "../contract/responses.ts";
import { HEADER, HELPER_TYPES } from "./file_parts.ts";

/** The file for these aliases, sorted as `resolveAliases` gives them. */
export function tableAliasesFile(aliases: TableAlias[]): string {
  const schemas = [...new Set(aliases.map(({ schema }) => schema))];
  const of = (schema: string) => aliases.filter((alias) => alias.schema === schema);
  const renames = schemas.map((schema) =>
    `  ${property(schema)}: {\n${
      of(schema).map((alias) =>
        `    ${deprecated(alias)}\n` +
        `    ${property(alias.old_name)}: ${JSON.stringify(alias.new_name)};\n`
      ).join("")
    }  };\n`
  ).join("");
  const tables = of("public").map((alias) =>
    `  ${deprecated(alias)}\n  ${property(alias.old_name)}: Database["public"]["Tables"][${
      JSON.stringify(alias.new_name)
    }];\n`
  ).join("");
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

/** What editors strike through, and say, where the property is used. */
function deprecated({ new_name }: TableAlias): string {
  return `/** @deprecated Renamed: use ${commentText(JSON.stringify(new_name))}. */`;
}

/** A name cannot end the comment that it stands in. */
const commentText = (text: string) => text.replaceAll("*/", "*\\/");

/** A property's name, in quotes only where TypeScript wants them. */
function property(name: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name);
}
