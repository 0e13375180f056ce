/** The demonstration, step by step; each step checks what it shows. */
import pc from "picocolors";
import postgres from "postgres";
import { printed } from "../cli/terminal/print.ts";
import { processTerminal } from "../cli/terminal/terminal.ts";
import { createRenameClient } from "../client/client.ts";
import type { OperationAnswer } from "../contract/responses.ts";
import { factsFromRow, factsQuery } from "../catalog/read_facts.ts";
import { differences, type Fingerprint, fingerprint } from "../facts/fingerprint.ts";
import { describeOperation } from "../report/operation.ts";
import type { Stack } from "../local/stack.ts";
import { startApplication } from "./application.ts";
import { ALICE, installSchema } from "./schema.ts";

/**
 * Runs the demonstration on a stack.
 *
 * @returns What was not as it should be.
 */
export async function runStory(stack: Stack, version: number): Promise<string[]> {
  const failures: string[] = [];
  const expect = (holds: boolean, what: string) => {
    console.log(holds ? `  ${pc.green("✓")} ${what}` : `  ${pc.red("✗")} ${what}`);
    if (!holds) failures.push(what);
  };
  const client = createRenameClient({ url: stack.url, key: stack.secretKey, actor: "npm start" });
  const sql = postgres(stack.databaseUrl, { max: 2, onnotice: () => {} });
  try {
    heading(`A real schema on PostgreSQL ${version}`);
    const stripeTables = await installSchema(sql, stack.databaseUrl);
    const renames = [
      { schema: "public", old_name: "experts", new_name: "expert_profiles" },
      ...stripeTables.map((name) => ({
        schema: "stripe",
        old_name: name,
        new_name: `billing_${name}`,
      })),
    ];
    console.log(`  ${stripeTables.length} tables of @supabase/stripe-sync-engine in schema stripe`);
    console.log("  1 table with row-level security: public.experts");
    const oids = await tableOids(sql, renames);
    const before = await readStates(sql, oids);

    heading("The plan (POST rename, mode plan)");
    const plan = await client.rename({ renames, mode: "plan" });
    console.log(shown(plan, stack.url));
    expect(
      (await client.listMigrations()).migrations.length === 0 &&
        changedObjects(before, await readStates(sql, oids)).length === 0,
      "a plan changes nothing",
    );

    heading(`The rename: ${renames.length} tables in one transaction (POST rename)`);
    const application = startApplication(stack.databaseUrl);
    await pause(300);
    const renamed = await client.rename({ renames, expected_plan_hash: plan.plan_hash });
    await pause(300);
    showLock(renamed);
    for (const check of renamed.verification?.checks ?? []) expect(check.passed, check.name);
    expect(renamed.plan_hash === plan.plan_hash, "what ran is what was planned");

    heading("Both names, as every role");
    await compareNames(sql, expect);

    heading("The list (GET list-migrations)");
    const { migrations } = await client.listMigrations({ status: "active", limit: 3 });
    for (const one of migrations) {
      const by = pc.dim(`${one.status}, by ${one.migrated_by}`);
      console.log(`  ${one.schema_name}.${one.old_name} → ${one.new_name}  ${by}`);
    }
    console.log(pc.dim(`  … ${renames.length} in all`));

    heading("The rollback (POST rollback)");
    const back = await client.rollback({ batch_id: renamed.batch_id! });
    await pause(300);
    showLock(back);
    for (const check of back.verification?.checks ?? []) expect(check.passed, check.name);
    const report = await application.stop();
    const after = await readStates(sql, oids);
    const changed = changedObjects(before, after);
    expect(
      changed.length === 0,
      `the fingerprints of all ${oids.length} tables agree with those before` +
        (changed.length > 0 ? `: ${changed.join(", ")}` : ""),
    );

    heading("Meanwhile, the application that knows only the old names");
    console.log(
      `  ${report.statements} statements, ${report.errors.length} errors, ` +
        `longest wait ${report.longestMs.toFixed(1)} ms`,
    );
    expect(report.errors.length === 0, "it noticed nothing" + firstOf(report.errors));
    return failures;
  } finally {
    await sql.end({ timeout: 5 });
  }
}

const firstOf = (errors: string[]) => errors.length > 0 ? `: ${errors[0]}` : "";

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

const heading = (text: string) => console.log(`\n${pc.bold(text)}`);

/** The beginning of what the command shows of the plan. */
function shown(plan: OperationAnswer, url: string): string {
  const { colors, width } = processTerminal().out;
  const { sections } = describeOperation(plan, { operation: "rename", url });
  return printed({ sections: sections.slice(0, 2) }, { colors, width: width - 2 })
    .replaceAll(/^(?=.)/gm, "  ");
}

function showLock({ lock }: OperationAnswer): void {
  if (lock === null) return;
  const held = pc.bold(`blocking window ${lock.held_ms} ms`);
  const attempts = `${lock.attempts} ${lock.attempts === 1 ? "attempt" : "attempts"}`;
  console.log(`  ${held}, waited ${lock.waited_ms} ms for the locks, ${attempts}`);
}

async function tableOids(
  sql: postgres.Sql,
  renames: { schema: string; old_name: string }[],
): Promise<number[]> {
  const rows = await sql<{ oid: number }[]>`
    select c.oid::int8::float8 as oid
    from jsonb_to_recordset(${sql.json(renames)}) r(schema text, old_name text)
    join pg_namespace n on n.nspname = r.schema
    join pg_class c on c.relnamespace = n.oid and c.relname = r.old_name`;
  return rows.map(({ oid }) => oid);
}

/** Fingerprints of tables by OID. */
type States = Map<number, Fingerprint & { name: string }>;

/** Reads the tables from the catalog, since the endpoints' own reports are to be checked. */
async function readStates(sql: postgres.Sql, oids: number[]): Promise<States> {
  return await sql.begin(async (transaction) => {
    await transaction.unsafe("set local search_path = pg_catalog, pg_temp");
    const [row] = await transaction.unsafe(factsQuery({ names: [], oids })).simple();
    const { relations } = factsFromRow(row as unknown as { facts: string });
    return new Map(
      relations.map((relation) => [
        relation.oid,
        { ...fingerprint(relation), name: `${relation.schema}.${relation.name}` },
      ]),
    );
  });
}

/** What differs between two states of the same tables. */
function changedObjects(before: States, after: States): string[] {
  return [...before].flatMap(([oid, state]) =>
    differences(state, after.get(oid) ?? {}).map(({ object }) => `${state.name}: ${object}`)
  );
}

type Expect = (holds: boolean, what: string) => void;

async function compareNames(sql: postgres.Sql, expect: Expect): Promise<void> {
  const visible = (role: string, table: string, claims: object = {}) =>
    as(sql, role, claims, async (tx) => {
      const rows = await tx.unsafe(`select name from ${table} order by name`);
      return rows.map(({ name }) => name).join("; ");
    });
  const visibleRows = [
    ["anon", {}, "Alice; Bob"],
    ["authenticated", { sub: ALICE }, "Alice; Alice, unpublished; Bob"],
    ["service_role", {}, "Alice; Alice, unpublished; Bob; Bob, unpublished"],
  ] as const;
  for (const [role, claims, wanted] of visibleRows) {
    const old = await visible(role, "public.experts", claims);
    const renamed = await visible(role, "public.expert_profiles", claims);
    expect(old === wanted && renamed === wanted, `${role} sees the same rows through both: ${old}`);
  }
  const written = await as(sql, "authenticated", { sub: ALICE }, async (tx) => {
    const [row] = await tx`
      insert into public.experts (name) values ('Alice, again')
      returning owner_id, rating::text, published`;
    const [{ count }] = await tx`
      select count(*)::int from public.expert_profiles where name = 'Alice, again'`;
    return { owner_id: row.owner_id, rating: row.rating, count };
  });
  expect(
    written.owner_id === ALICE && written.rating === "3.0" && written.count === 1,
    "authenticated writes through the old name, with the table's defaults, and reads it through the new",
  );
  for (const table of ["public.experts", "public.expert_profiles"]) {
    const insert = `insert into ${table} (name) values ('x')`;
    const refused = await as(sql, "anon", {}, (tx) => tx.unsafe(insert))
      .then(() => "written", (error) => error.code);
    expect(refused === "42501", `anon may not write through ${table}`);
  }
  const upserted = await as(sql, "service_role", {}, (tx) =>
    tx`
      insert into stripe.customers (id, name) values ('cus_1', 'Renamed')
      on conflict (id) do update set name = excluded.name
      returning (select count(*)::int from stripe.billing_customers) as count`);
  expect(
    upserted[0].count === 500,
    "service_role upserts through an old name of the schema stripe",
  );
}

/** Runs `work` as PostgREST would for a request, and rolls back what it wrote. */
async function as<T>(
  sql: postgres.Sql,
  role: string,
  claims: object,
  work: (tx: postgres.TransactionSql) => Promise<T>,
): Promise<T> {
  let result: T;
  const undo = new Error("rolled back");
  await sql.begin(async (tx) => {
    await tx`select set_config('role', ${role}, true),
      set_config('request.jwt.claims', ${JSON.stringify({ role, ...claims })}, true)`;
    result = await work(tx);
    throw undo;
  }).catch((error) => {
    if (error !== undo) throw error;
  });
  return result!;
}
