/** Uses as SARIF 2.1.0, which GitHub's code scanning shows at their lines. */
import type { Use, UseKind } from "./uses.ts";

const SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json";

/** What each kind of use is, in words. */
export const KINDS: Record<UseKind, string> = {
  table: "a table of a Supabase client",
  embedded: "an embedded resource",
  realtime: "a table of Realtime",
  type: "a type by the table's name",
  query: "a table of a query builder",
  definition: "a table's definition",
  sql: "a name in SQL",
  text: "a string",
};

/** @param uriOf The address of a file from the root of the repository. */
export function sarifOf(uses: Use[], uriOf: (file: string) => string) {
  const kinds = Object.keys(KINDS) as UseKind[];
  return {
    $schema: SCHEMA,
    version: "2.1.0",
    runs: [{
      tool: {
        driver: {
          name: "find-uses",
          rules: kinds.map((kind) => ({
            id: `renamed-table/${kind}`,
            shortDescription: { text: `The name of a renamed table: ${KINDS[kind]}` },
          })),
        },
      },
      columnKind: "utf16CodeUnits",
      results: uses.map((use) => resultOf(use, uriOf(use.file), kinds.indexOf(use.kind))),
    }],
  };
}

function resultOf(use: Use, uri: string, ruleIndex: number) {
  const { kind, renamed, certainty, reason, replacement, line, column, offset, length, text } = use;
  const artifactLocation = { uri, uriBaseId: "%SRCROOT%" };
  // Names in SQL can be on one line only; so are all others.
  const region = { startLine: line, startColumn: column, charOffset: offset, charLength: length };
  const message = certainty === "certain"
    ? `${text} is ${renamed.to} now: ${replacement}`
    : `${text} may be the table that is ${renamed.to} now: ${reason}`;
  return {
    ruleId: `renamed-table/${kind}`,
    ruleIndex,
    level: certainty === "certain" ? "warning" : "note",
    message: { text: message },
    locations: [{ physicalLocation: { artifactLocation, region } }],
    ...(replacement !== null && {
      fixes: [{
        description: { text: `Write ${replacement}` },
        artifactChanges: [{
          artifactLocation,
          replacements: [{ deletedRegion: region, insertedContent: { text: replacement } }],
        }],
      }],
    }),
  };
}
