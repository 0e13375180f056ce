/** Records how many uses of old names are left in source code, as find-uses counted them. */
import { Problem } from "../contract/problems.ts";
import type { ReportUsesRequest } from "../contract/requests.ts";
import type { ReportUsesAnswer } from "../contract/responses.ts";
import { qualified } from "../sql/quoting.ts";
import { recordUses } from "../tracking/uses_in_code.ts";
import { asProblems, type OperationContext } from "./steps/context.ts";

/** Most issues that a problem lists. */
const MAX_ISSUES = 20;

/**
 * Records a report, all of it or nothing. No source is kept: numbers, the repository's name, who, and when.
 *
 * @throws {Problem} `migration_not_found` for an entry without a migration, `lock_not_acquired` while another request
 *   changes one of them, `database_unavailable`.
 */
export async function reportUses(
  { database, actor }: OperationContext,
  request: ReportUsesRequest,
): Promise<ReportUsesAnswer> {
  return await asProblems(async () => {
    const rows = await database.query(recordUses(request, actor));
    const missing = request.uses.flatMap((use, index) =>
      rows[index].id === null ? [{ use, index }] : []
    );
    if (missing.length > 0) throw notFound(missing);
    return {
      uses: request.uses.map(({ certain, possible }, index) => ({
        migration_id: String(rows[index].id),
        schema: String(rows[index].schema),
        old_name: String(rows[index].old_name),
        certain,
        possible,
      })),
    };
  });
}

function notFound(missing: { use: ReportUsesRequest["uses"][number]; index: number }[]): Problem {
  const nameOf = ({ use }: { use: ReportUsesRequest["uses"][number] }) =>
    use.migration_id ?? qualified(use.schema ?? "public", use.old_name ?? "");
  return new Problem(
    "migration_not_found",
    `There is no rename of ${nameOf(missing[0])}` +
      (missing.length > 1 ? `, nor of ${missing.length - 1} more.` : "."),
    {
      hint: "Nothing was recorded. list-migrations shows which renames are active or proposed.",
      fields: {
        issues: missing.slice(0, MAX_ISSUES).map((one) => ({
          path: `uses.${one.index}`,
          message: `there is no rename of ${nameOf(one)}`,
        })),
      },
    },
  );
}
