/** What stories insist on. */
import { assertEquals } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import { ident, qualified } from "../../../shared/sql/quoting.ts";
import { type Description, descriptionDifferences } from "../catalog/comparable_dump.ts";
import { rowsByRole } from "../corpus/corpus_probes.ts";
import type { TestDatabase } from "../servers/database.ts";
import { ROLES } from "./generated_schema.ts";

/** A relation that a story renames. */
export interface Renamed {
  oldName: string;
  newName: string;
  columns: string[];
}

/** The operation's own verification found nothing. */
export function assertPassed({ verification }: OperationAnswer): void {
  if (verification?.passed) return;
  throw new Error(`verification: ${JSON.stringify(verification, null, 1)}`);
}

/** The same objects with the same definitions. */
export function assertSame(expected: Description, found: Description, what: string): void {
  const differences = descriptionDifferences(expected, found);
  if (differences.length > 0) throw new Error(`${what}:\n${differences.join("\n")}`);
}

/** The view says of privileges what the table says. */
export function assertSameGrants(found: Description, schema: string, renamed: Renamed[]): void {
  const acl = (text: string | undefined) => text?.match(/^acl .*$/m)?.[0] ?? "";
  const spelled = (name: string) => new Set([ident(name), name]);
  for (const { oldName, newName, columns } of renamed) {
    const of = (kind: string, name: string, column = "") => {
      const keys = [...spelled(name)].flatMap((n) =>
        [...spelled(column)].map((c) => `${kind} ${schema}.${n}${column === "" ? "" : `.${c}`}`)
      );
      return acl(keys.map((key) => found[key]).find((text) => text !== undefined));
    };
    assertEquals(of("view", oldName), of("table", newName), `privileges of "${oldName}"`);
    for (const column of columns) {
      assertEquals(
        of("column", oldName, column),
        of("column", newName, column),
        `privileges of column "${column}" of "${oldName}"`,
      );
    }
  }
}

/** What each role sees of each relation, by its name. */
export async function rowsSeen(
  db: TestDatabase,
  schema: string,
  names: string[],
): Promise<Record<string, string[]>> {
  const seen = await rowsByRole(db, names.map((name) => qualified(schema, name)), READERS);
  return Object.fromEntries(names.map((name) => [name, seen[qualified(schema, name)]]));
}

const READERS = [...ROLES, "postgres"].map((role) => ({ role }));
