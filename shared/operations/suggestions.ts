/** Looks up what was meant by names that are not there. Only where a request is refused already. */
import { tableNames } from "../catalog/names.ts";
import { Problem } from "../contract/problems.ts";
import type { Session } from "../postgres/database.ts";
import { closestTables, didYouMean, type NamedTable } from "../sql/closest_names.ts";
import type { Refusal } from "../plan/rename_refusals.ts";

/** Most tables that are compared, and most names that they are compared with. */
const MOST_TABLES = 10_000;
const MOST_NAMES = 20;

/** The problem with what is close to the name in `did_you_mean`, and in its hint. */
export function suggesting(problem: Problem, wanted: NamedTable, there: NamedTable[]): Problem {
  const close = closestTables(wanted, there);
  if (close.length === 0) return problem;
  return new Problem(problem.code, problem.message, {
    hint: `${didYouMean(close)}${problem.hint ?? ""}`,
    fields: { ...problem.fields, did_you_mean: close },
    cause: problem.cause,
  });
}

/** The tables of the database, as far as names are compared with them. */
export async function tablesThere(session: Session): Promise<NamedTable[]> {
  return await session.run(tableNames(MOST_TABLES)) as unknown as NamedTable[];
}

/** The refusals of a batch, those of tables that are not there with what may have been meant. */
export async function withSuggestions(session: Session, refusals: Refusal[]): Promise<Refusal[]> {
  const missing = new Set(
    refusals.filter(({ problem }) => problem.code === "table_not_found").slice(0, MOST_NAMES),
  );
  if (missing.size === 0) return refusals;
  const there = await tablesThere(session);
  return refusals.map((refusal) => {
    if (!missing.has(refusal)) return refusal;
    const wanted = refusal.problem.fields as unknown as NamedTable;
    return { ...refusal, problem: suggesting(refusal.problem, wanted, there) };
  });
}
