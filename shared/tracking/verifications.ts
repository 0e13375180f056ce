/** The table of verifications: what each migration's last one found. Nothing else writes it. */
import type { VerifyAnswer } from "../contract/responses.ts";
import { literal } from "../sql/quoting.ts";

/** Statement that records a verification in place of the last one, unless that was later. Only numbers are kept. */
export function recordVerification(
  id: string,
  actor: string,
  { passed, checks }: Pick<VerifyAnswer, "passed" | "checks">,
): string {
  const failed = checks.filter((check) => !check.passed).length;
  const skipped = checks.filter((check) => check.skipped).length;
  return `
insert into table_rename.sys_table_migration_verifications as v (
  migration_id, verified_at, verified_by, passed, checks, failed, skipped)
select m.id, clock_timestamp(), ${
    literal(actor)
  }, ${passed}, ${checks.length}, ${failed}, ${skipped}
from public.sys_table_migrations m
where m.id = ${literal(id)}::uuid
on conflict (migration_id) do update
set verified_at = excluded.verified_at, verified_by = excluded.verified_by, passed = excluded.passed,
  checks = excluded.checks, failed = excluded.failed, skipped = excluded.skipped
where v.verified_at < excluded.verified_at`;
}

/** SQL expression for the last verification of the migration `m`, as callers see it; null without one. */
export const LAST_VERIFIED = `(
  select jsonb_build_object('at', v.verified_at, 'by', v.verified_by, 'passed', v.passed,
    'checks', v.checks, 'failed', v.failed, 'skipped', v.skipped)
  from table_rename.sys_table_migration_verifications v where v.migration_id = m.id)`;
