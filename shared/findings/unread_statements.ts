/** Says where not all recorded statements were read that should have been. */
import type { Finding } from "../contract/responses.ts";
import type { StatementsRead } from "../facts/facts.ts";

export function unreadStatements({ read, wanted }: StatementsRead): Finding[] {
  if (read >= wanted) return [];
  return [{
    code: "statements_not_read",
    severity: "warning",
    object: "pg_stat_statements",
    message:
      `Read ${read} of ${wanted} recorded statements that name a table of this request and do what a view may ` +
      "not serve, those that ran least often first. What the others do is not known.",
    remedy:
      "Plan fewer tables at once, which reads more for each; or look through pg_stat_statements for their names.",
  }];
}
