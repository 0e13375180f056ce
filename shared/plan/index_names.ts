/**
 * Renaming the indexes that are named after a table, and the constraints that they back, on the table and all its
 * partitions; and back. ALTER INDEX ... RENAME locks only the index, in SHARE UPDATE EXCLUSIVE mode, and renames its
 * constraint too; so this is done before the locks that clients feel.
 */
import type { RenamedIndex } from "../facts/migration.ts";
import { Problem } from "../contract/problems.ts";
import type { Rename } from "../contract/requests.ts";
import type { Finding } from "../contract/responses.ts";
import { checkRelations } from "./verification/checks.ts";
import type { Facts, IndexFacts } from "../facts/facts.ts";
import type { PlanStatement } from "./plan.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { RELATION_KINDS } from "../facts/relation_kinds.ts";

/** Longest name in bytes; the server truncates longer ones (PostgreSQL manual, 4.1.1). */
const MAX_NAME_BYTES = 63;

const bytes = (text: string) => new TextEncoder().encode(text).length;

/**
 * The name of an index after its table's rename, with the table's part truncated where it is too long, as the server
 * does it. Null where the index is not named after the table.
 */
export function indexNameAfter(name: string, oldName: string, newName: string): string | null {
  if (name !== oldName && !name.startsWith(`${oldName}_`)) return null;
  const rest = name.slice(oldName.length);
  const characters = [...newName];
  while (bytes(characters.join("") + rest) > MAX_NAME_BYTES) characters.pop();
  return characters.join("") + rest;
}

interface IndexRenames {
  /** By the OID of the renamed table. */
  byTable: Map<number, RenamedIndex[]>;
  findings: Finding[];
}

/** The indexes that a batch renames; where one fits several tables, as on a partition, the longest old name decides. */
export function indexRenames(
  tables: { rename: Rename; facts: { oid: number } }[],
  facts: Pick<Facts, "indexes" | "relation_names">,
): IndexRenames {
  const byTable = new Map<number, RenamedIndex[]>(tables.map((table) => [table.facts.oid, []]));
  const findings: Finding[] = [];
  const taken = new Set([
    ...facts.relation_names.map(({ schema, name }) => qualified(schema, name)),
    ...tables.flatMap(({ rename: { schema, old_name, new_name } }) => [
      qualified(schema, old_name),
      qualified(schema, new_name),
    ]),
  ]);
  const takenConstraints = new Set(
    facts.indexes.flatMap((index) => index.constraints.map((name) => constraintKey(index, name))),
  );
  const longestFirst = tables.toSorted((a, b) =>
    bytes(b.rename.old_name) - bytes(a.rename.old_name)
  );
  for (const index of facts.indexes) {
    for (const { rename, facts: table } of longestFirst) {
      if (!index.roots.includes(table.oid)) continue;
      const to = indexNameAfter(index.name, rename.old_name, rename.new_name);
      if (to === null) continue;
      const wanted = qualified(index.schema, to);
      const kept = !index.owned
        ? notOwned(index, to)
        : taken.has(wanted)
        ? nameTaken(index, to, "there is a relation of that name, or this rename makes one")
        : index.constraints.length > 0 && takenConstraints.has(constraintKey(index, to))
        ? nameTaken(index, to, "its table has another constraint of that name")
        : null;
      if (kept !== null) findings.push(kept);
      else {
        taken.add(wanted);
        takenConstraints.add(constraintKey(index, to));
        const { oid, schema, name: from } = index;
        byTable.get(table.oid)!.push({ oid, schema, from, to });
      }
      break;
    }
  }
  return { byTable, findings };
}

const constraintKey = (index: IndexFacts, name: string) => JSON.stringify([index.table, name]);

function nameTaken(index: IndexFacts, to: string, why: string): Finding {
  const object = qualified(index.schema, index.name);
  return {
    code: "index_name_taken",
    severity: "warning",
    object,
    message: `The index ${object} keeps its name, since it cannot become ${ident(to)}: ${why}.`,
    remedy:
      "Nothing to do. To have the new name, rename it yourself, or first rename what has that name.",
  };
}

function notOwned(index: IndexFacts, to: string): Finding {
  const object = qualified(index.schema, index.name);
  return {
    code: "index_not_owned",
    severity: "warning",
    object,
    message: `The index ${object} keeps its name, since it belongs to another role, ` +
      `which alone can name it ${ident(to)}.`,
    remedy: "Nothing to do. Have its owner rename it.",
  };
}

export function indexStatements(
  renames: RenamedIndex[],
  facts: Pick<Facts, "indexes">,
  purpose: string,
): { preparations: PlanStatement[]; statements: PlanStatement[] } {
  if (renames.length === 0) return { preparations: [], statements: [] };
  const kinds = new Map(facts.indexes.map(({ oid, kind }) => [oid, kind]));
  const check = checkRelations(
    renames.map(({ oid, schema, to }) => ({ oid, schema, name: to, kind: kinds.get(oid)! })),
    "Check that the indexes have the planned names",
    "indexes",
  );
  return {
    preparations: check.preparations,
    statements: [
      ...renames.map(({ schema, from, to }) => ({
        sql: `alter index ${qualified(schema, from)} rename to ${ident(to)}`,
        purpose,
      })),
      check.statement,
    ],
  };
}

interface RecordedIndexes {
  indexes: RenamedIndex[];
  table_oid: number;
}

/**
 * The renames that give indexes their earlier names back. An index is found by OID or, where it was rebuilt since
 * (REINDEX CONCURRENTLY), by its name on the same table. Those that were renamed since keep their names.
 *
 * @param migrations Newest first.
 * @throws {Problem} `name_taken` where something else has an earlier name now.
 */
export function restoredIndexes(
  migrations: RecordedIndexes[],
  facts: Pick<Facts, "indexes" | "names">,
): { renames: RenamedIndex[]; findings: Finding[] } {
  const findings: Finding[] = [];
  const renames: RenamedIndex[] = [];
  /** Names after the renames before. */
  const names = new Map(facts.indexes.map((index) => [index.oid, index.name]));
  const holders = new Map(
    facts.names.flatMap(({ schema, name, relation }) =>
      relation === null ? [] : [[qualified(schema, name), relation] as const]
    ),
  );
  for (const { indexes, table_oid } of migrations) {
    for (const { oid, from, to } of indexes) {
      const index = facts.indexes.find((index) => index.oid === oid) ??
        facts.indexes.find((index) =>
          index.roots.includes(table_oid) && names.get(index.oid) === to
        );
      if (index === undefined) continue;
      const name = names.get(index.oid)!;
      // Somebody has given it its earlier name back already.
      if (name === from) continue;
      if (name !== to) {
        findings.push(renamedSince(index, name, from, to));
        continue;
      }
      if (!index.owned) {
        findings.push(notOwned({ ...index, name }, from));
        continue;
      }
      const { schema } = index;
      const holder = holders.get(qualified(schema, from));
      const inTheWay = holder !== undefined && names.get(holder.oid) !== undefined
        ? names.get(holder.oid) === from
        : holder !== undefined;
      if (inTheWay || index.constraints.includes(from)) {
        const what = inTheWay ? RELATION_KINDS[holder!.kind].what : "a constraint of its table";
        throw new Problem(
          "name_taken",
          `The index ${qualified(schema, name)} cannot take its earlier name ${
            ident(from)
          } back: ` +
            `it is taken by ${what}.`,
          {
            hint:
              "Rename what has that name, or rename the index yourself; it is left as it is then.",
            fields: { taken_by: { schema, name: from, kind: what } },
          },
        );
      }
      names.set(index.oid, from);
      renames.push({ oid: index.oid, schema, from: to, to: from });
    }
  }
  return { renames, findings };
}

function renamedSince(index: IndexFacts, name: string, from: string, to: string): Finding {
  const object = qualified(index.schema, name);
  return {
    code: "index_renamed_since",
    severity: "info",
    object,
    message: `The index was named ${ident(to)} with its table and was renamed to ${
      ident(name)
    } since; it keeps that name.`,
    remedy: `Nothing to do. Its name before was ${ident(from)}.`,
  };
}
