/** Settings of the functions' login that could bend what they do, each through a whole cycle. */
import { assert, assertEquals } from "@std/assert";
import type { ProblemCode } from "../../shared/contract/problems.ts";
import { assertRecordAgrees } from "../support/catalog/catalog_state.ts";
import { createTestDatabase, type TestDatabase } from "../support/servers/database.ts";
import { type Functions, functionsFor } from "../support/http/functions.ts";
import type { TestServer } from "../support/servers/servers.ts";
import type { Report } from "./report.ts";

/** Everything that a role can be given and that changes how statements are read, planned, run or shown. */
export const ROLE_SETTINGS: [name: string, value: string, refusal?: ProblemCode][] = [
  ["extra_float_digits", "-15"],
  ["statement_timeout", "1"],
  ["lock_timeout", "1"],
  ["idle_in_transaction_session_timeout", "1"],
  ["idle_session_timeout", "20"],
  // Set by an operator who wants no changes: it is respected, and reported.
  ["default_transaction_read_only", "on", "database_unavailable"],
  ["default_transaction_isolation", "serializable"],
  ["default_transaction_isolation", "'repeatable read'"],
  ["default_transaction_isolation", "'read uncommitted'"],
  ["default_transaction_deferrable", "on"],
  ["search_path", "''"],
  ["search_path", "nowhere"],
  ["search_path", "public, pg_catalog"],
  // The login is somebody else then, who may do nothing of this.
  ["role", "anon", "forbidden"],
  ["role", "authenticated", "forbidden"],
  ["row_security", "off"],
  ["session_replication_role", "replica"],
  ["standard_conforming_strings", "off"],
  ["backslash_quote", "off"],
  ["escape_string_warning", "on"],
  ["quote_all_identifiers", "on"],
  ["array_nulls", "off"],
  ["transform_null_equals", "on"],
  ["bytea_output", "escape"],
  ["xmlbinary", "hex"],
  ["xmloption", "document"],
  ["datestyle", "'SQL, DMY'"],
  ["datestyle", "'German'"],
  ["intervalstyle", "sql_standard"],
  ["intervalstyle", "iso_8601"],
  ["timezone", "'Pacific/Apia'"],
  ["timezone_abbreviations", "'India'"],
  ["lc_messages", "'C'"],
  ["lc_monetary", "'C'"],
  ["lc_numeric", "'C'"],
  ["lc_time", "'C'"],
  ["client_encoding", "'LATIN1'"],
  ["client_encoding", "'SQL_ASCII'"],
  ["client_min_messages", "debug5"],
  ["client_min_messages", "error"],
  ["default_text_search_config", "'pg_catalog.simple'"],
  ["default_tablespace", "pg_default"],
  ["temp_tablespaces", "pg_default"],
  ["default_table_access_method", "heap"],
  ["default_toast_compression", "pglz"],
  ["check_function_bodies", "on"],
  ["check_function_bodies", "off"],
  ["plpgsql.variable_conflict", "use_column"],
  ["plpgsql.variable_conflict", "use_variable"],
  ["plpgsql.extra_errors", "'all'"],
  ["plpgsql.extra_warnings", "'all'"],
  ["plpgsql.check_asserts", "off"],
  ["plpgsql.print_strict_params", "on"],
  ["plan_cache_mode", "force_generic_plan"],
  ["plan_cache_mode", "force_custom_plan"],
  ["constraint_exclusion", "on"],
  ["cursor_tuple_fraction", "0"],
  ["jit", "on"],
  ["jit_above_cost", "0"],
  ["enable_seqscan", "off"],
  ["enable_indexscan", "off"],
  ["enable_indexonlyscan", "off"],
  ["enable_bitmapscan", "off"],
  ["enable_nestloop", "off"],
  ["enable_hashjoin", "off"],
  ["enable_mergejoin", "off"],
  ["enable_hashagg", "off"],
  ["enable_sort", "off"],
  ["enable_material", "off"],
  ["enable_memoize", "off"],
  ["from_collapse_limit", "1"],
  ["join_collapse_limit", "1"],
  ["geqo_threshold", "2"],
  ["random_page_cost", "10000"],
  ["work_mem", "'64kB'"],
  ["hash_mem_multiplier", "1"],
  ["temp_buffers", "'800kB'"],
  ["maintenance_work_mem", "'1MB'"],
  ["parallel_setup_cost", "0"],
  ["min_parallel_table_scan_size", "0"],
  ["max_parallel_workers_per_gather", "0"],
  ["synchronous_commit", "off"],
  ["gin_fuzzy_search_limit", "1"],
  ["lo_compat_privileges", "on"],
  ["password_encryption", "md5"],
  ["vacuum_freeze_min_age", "0"],
  ["commit_siblings", "0"],
  ["tcp_user_timeout", "1"],
];

const TABLES = `
  create table teams (id int primary key, name text);
  create table experts (
    id int primary key generated always as identity, name text not null default 'x\\y',
    team_id int references teams, rate float8 default 0.1, born date default '2020-02-01',
    waits interval default '1 day 2 hours', raw bytea default '\\x00ff');
  create index experts_name_idx on experts (lower(name)) where rate > 0.05;
  alter table experts enable row level security;
  create policy readers on experts for select to anon using (rate > 0.01 and born > '2001-02-03');
  revoke all on experts from anon; grant select, update on experts to anon;
  insert into teams values (1, 'red');
  insert into experts (name, team_id) select 'n' || n, 1 from generate_series(1, 20) n`;

/** Renames, verifies, rolls back, renames, refreshes and finalizes with each of the settings. */
export async function attackBySettings(
  server: TestServer,
  report: Report,
  settings = ROLE_SETTINGS,
): Promise<void> {
  const db = await createTestDatabase(server);
  try {
    await db.sql.unsafe(TABLES).simple();
    for (const [index, [name, value, refusal]] of settings.entries()) {
      const part = "settings of the role, each through a whole cycle";
      await report.trying(
        part,
        `${name} = ${value}`,
        () =>
          withSetting(
            db,
            name,
            value,
            (functions) =>
              refusal === undefined ? wholeCycle(db, functions) : refused(db, functions, refusal),
          ),
      );
      if (index % 10 === 9) report.say(`  ${index + 1} of ${settings.length} settings`);
    }
  } finally {
    await db.close();
  }
}

const NAMES = { old_name: "experts", new_name: "expert_profiles" };

async function withSetting(
  db: TestDatabase,
  name: string,
  value: string,
  work: (functions: Functions) => Promise<void>,
): Promise<void> {
  // In this database alone; connections of the test's own are there already.
  const login = decodeURIComponent(new URL(db.url).username);
  const alter = (what: string) =>
    db.admin.unsafe(`alter role "${login}" in database "${db.name}" ${what}`);
  await alter(`set ${name} = ${value}`);
  // A process of its own has no connections from before.
  const functions = functionsFor(db.url);
  try {
    await work(functions);
  } finally {
    await functions[Symbol.asyncDispose]();
    await alter("reset all");
    await restore(db);
  }
}

async function refused(db: TestDatabase, functions: Functions, code: ProblemCode): Promise<void> {
  await functions.refused(code, "rename", NAMES);
  await assertRecordAgrees(db.sql, 0);
  assertEquals((await db.sql`select to_regclass('experts') is null as gone`)[0].gone, false);
}

async function wholeCycle(db: TestDatabase, functions: Functions): Promise<void> {
  const { verification, migrations: [{ id }] } = await functions.rename({
    ...NAMES,
    rename_indexes: true,
  });
  assert(verification!.passed, JSON.stringify(verification));
  const proof = await functions.verify({ migration_id: id });
  assert(proof.passed, JSON.stringify(proof.checks.flatMap(({ failures }) => failures)));
  const { migrations: [listed] } = await functions.list({ include: "drift", status: "active" });
  assertEquals(listed.drift, []);
  const back = await functions.rollback({ migration_id: id });
  assert(back.verification!.passed, JSON.stringify(back.verification));
  const again = await functions.rename({ ...NAMES, count_use: true });
  assert(again.verification!.passed, JSON.stringify(again.verification));
  const refreshed = await functions.refresh({ migration_id: again.migrations[0].id });
  assert(refreshed.verification!.passed, JSON.stringify(refreshed.verification));
  const ended = await functions.finalize({
    migration_id: again.migrations[0].id,
    acknowledge: ["old_name_in_use"],
  });
  assert(ended.verification!.passed, JSON.stringify(ended.verification));
  await functions.analyze("table=expert_profiles");
  await assertRecordAgrees(db.sql, 0);
}

/** The table has its first name again, whatever came of it. */
async function restore(db: TestDatabase): Promise<void> {
  const [{ renamed }] = await db.sql`
    select to_regclass('public.expert_profiles') is not null as renamed`;
  if (renamed) {
    await db.sql.unsafe(
      "drop view if exists public.experts cascade; alter table public.expert_profiles rename to experts",
    ).simple();
  }
  await db.admin`update sys_table_migrations set status = 'rolled_back', rollback_at = now()
    where status in ('active', 'pending')`;
}
