/** A campaign of 5,000 tables in 50 schemas: the command renames them in waves, and says how far it is. */
import { runMain, withEndpoints } from "../support/programs/cli.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { functionsFor } from "../support/http/functions.ts";
import { type Bench, type Measurement, plainRow, type Row } from "./bench.ts";
import { digits, median, spread } from "./statistics.ts";

const SCHEMAS = 50;
/** Of each schema; they have the same names in all, as those of tenants have. */
const TABLES = 100;
const WAVE = 500;
/** Schemas that are renamed first, to compare with. */
const FIRST = 5;

const PHASES = [
  { name: "first", schemas: Array.from({ length: FIRST }, (_, index) => schemaOf(index)) },
  { name: "all", schemas: ["tenant_*"] },
].map((phase) => ({ ...phase, match: "^doc_(.*)$", to: "document_$1" }));

export const campaign: Measurement = {
  name: "campaign",
  title: "A campaign of 5,000 tables",
  run: (bench) => bench.withDatabase(async (db) => ({ rows: await measure(bench, db) })),
};

async function measure(bench: Bench, db: TestDatabase): Promise<Row[]> {
  bench.say("making the tables");
  await createTenants(db);
  await using functions = functionsFor(db.url);
  const cwd = await Deno.makeTempDir();
  const rows: Row[] = [];
  try {
    await Deno.writeTextFile(`${cwd}/table-rename.json`, JSON.stringify({ phases: PHASES }));
    await withEndpoints(functions, async (env) => {
      const took = async (...args: string[]) => {
        const started = performance.now();
        const { code, stdout, stderr } = await runMain(args, env, { cwd, width: 80 });
        if (code !== 0) throw new Error(stdout + stderr);
        return { ms: performance.now() - started, stdout };
      };
      const perTable: number[] = [];
      for (const [phase, schemas] of [["first", FIRST], ["all", SCHEMAS]] as const) {
        const count = schemas * TABLES;
        bench.say(`${count} tables`);
        const renamed = await took("rename-table", "--phase", phase, "--wave", String(WAVE));
        await db.admin.unsafe("vacuum analyze");
        const times: number[] = [];
        for (let round = -1; round < bench.rounds(7, 3); round++) {
          const { ms, stdout } = await took("status", "--phase", phase);
          if (!stdout.includes(`${count} active`)) throw new Error(stdout.slice(0, 1_000));
          if (round >= 0) times.push(ms);
        }
        perTable.push(median(times) / count);
        rows.push(
          plainRow(
            `status over ${count} tables, the whole command`,
            `${spread(times)}; they were renamed in waves of ${WAVE} in ${digits(renamed.ms)} ms`,
            `${digits(median(times))} ms`,
          ),
        );
      }
      const [few, all] = perTable;
      rows.push({
        what: `growth: time a table, ${SCHEMAS * TABLES} against ${FIRST * TABLES}`,
        figures: `${digits(all)} ms against ${digits(few)} ms`,
        result: `${(all / few).toFixed(2)} ×`,
        goal: "≤ 1 ×, ± 20 %",
        met: all / few <= 1.2,
      });
    });
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
  return rows;
}

function schemaOf(index: number): string {
  return `tenant_${index}`;
}

/** Every tenth table is referred to by the nine that follow it. */
async function createTenants(db: TestDatabase): Promise<void> {
  for (let index = 0; index < SCHEMAS; index++) {
    const schema = schemaOf(index);
    await db.sql.unsafe([
      `create schema ${schema}`,
      ...Array.from({ length: TABLES }, (_, table) => {
        const other = table - table % 10;
        const key = other === table ? "" : `, other int references ${schema}.doc_${other}`;
        return `create table ${schema}.doc_${table} (id int primary key, title text${key})`;
      }),
    ].join(";")).simple();
  }
  await db.admin.unsafe("vacuum analyze");
}
