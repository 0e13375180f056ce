/** The columns of both names: the same names, types and order. */
import type { VerifyFailure } from "../contract/responses.ts";
import type { ColumnFacts, RelationFacts } from "../facts/facts.ts";
import { ident, qualified } from "../sql/quoting.ts";

/**
 * What differs between the columns of table and view.
 *
 * @param without Columns that the view leaves out on purpose.
 */
export function judgeColumns(
  table: RelationFacts,
  view: RelationFacts,
  without: string[],
): VerifyFailure[] {
  const statement = `select * from ${qualified(view.schema, view.name)}`;
  const wanted = table.columns.filter(({ name }) => !without.includes(name));
  const failures: VerifyFailure[] = [];
  for (const column of wanted) {
    const shown = view.columns.find(({ name }) => name === column.name);
    const [expected, got] = [describe(column), shown ? describe(shown) : "no such column"];
    if (expected !== got) failures.push({ statement, expected, got });
  }
  for (const column of view.columns) {
    if (wanted.some(({ name }) => name === column.name)) continue;
    failures.push({ statement, expected: "no such column", got: describe(column) });
  }
  if (failures.length > 0) return failures;
  const [expected, got] = [wanted, view.columns].map((columns) =>
    columns.map(({ name }) => ident(name)).join(", ")
  );
  return expected === got ? [] : [{ statement, expected, got }];
}

/** The columns that both have, in the view's order. */
export const commonColumns = (table: RelationFacts, view: RelationFacts): string[] =>
  view.columns.map(({ name }) => name)
    .filter((name) => table.columns.some((column) => column.name === name));

const describe = ({ name, type, collation }: ColumnFacts): string =>
  `column ${ident(name)} ${type}${
    collation === null || collation === "pg_catalog.default" ? "" : ` collate ${collation}`
  }`;
