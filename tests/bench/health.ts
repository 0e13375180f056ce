/** The health of everything that is renamed: drift and use of up to 1,000 old names, asked for at once. */
import { functionsFor } from "../support/http/functions.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { type Bench, type Measurement, plainRow, type Row } from "./bench.ts";
import { countingMessages } from "./message_count.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";
import { createTables, type Pair, pairs } from "./tables.ts";

const SIZES = [10, 100, 1_000];
const LIMIT_MS = 1_000;

/** Statements of applications that the server has recorded, of each table up to so many, by the old name. */
const STATEMENTS = 3;

const INCLUDES = ["drift", "usage", "drift,usage"] as const;

interface Figures {
  size: number;
  times: Record<(typeof INCLUDES)[number], number[]>;
  catalogMessages: number;
  used: number;
}

export const health: Measurement = {
  name: "health",
  title: "Health of all that is renamed",
  async run(bench) {
    const figures: Figures[] = [];
    for (const size of SIZES) {
      bench.say(`${size} active migrations`);
      figures.push(await bench.withDatabase((db) => measure(bench, db, size)));
    }
    return { rows: rowsOf(figures) };
  },
};

async function measure(bench: Bench, db: TestDatabase, size: number): Promise<Figures> {
  const tables = pairs(size);
  await createTables(db, tables, 1);
  await using counting = countingMessages(db.url);
  await using functions = functionsFor(counting.url);
  await functions.rename({ renames: tables });
  await db.admin.unsafe("vacuum analyze");
  await useOldNames(db, tables);
  const times: Figures["times"] = { drift: [], usage: [], "drift,usage": [] };
  let [catalogMessages, used] = [0, 0];
  for (let round = -1; round < bench.rounds(9, 3); round++) {
    for (const include of shuffled(INCLUDES)) {
      counting.reset();
      const started = performance.now();
      const { migrations } = await functions.list({ status: "active", include, limit: 1_000 });
      const took = performance.now() - started;
      if (migrations.length !== size) throw new Error(`${migrations.length} of ${size} are listed`);
      if (round >= 0) times[include].push(took);
      if (include !== "drift,usage") continue;
      catalogMessages = Math.max(catalogMessages, counting.catalogMessages);
      used = migrations.filter(({ usage }) => usage!.calls! > 0).length;
    }
  }
  return { size, times, catalogMessages, used };
}

/** What an application does that knows nothing of the rename: every second table is used. */
async function useOldNames(db: TestDatabase, tables: Pair[]): Promise<void> {
  const queries = (table: string) =>
    [
      `select id, title from public.${table} where id = 1`,
      `select count(*) from public.${table} where status = 'paid'`,
      `update public.${table} set amount = 1 where id = 0`,
    ].slice(0, STATEMENTS);
  const used = tables.filter((_, index) => index % 2 === 0);
  await db.sql.unsafe(used.flatMap(({ old_name }) => queries(old_name)).join(";")).simple();
}

function rowsOf(figures: Figures[]): Row[] {
  const perMigration = ({ size, times }: Figures) => median(times["drift,usage"]) / size;
  const [, hundred, thousand] = figures;
  const growth = perMigration(thousand) / perMigration(hundred);
  const messages = figures.map(({ catalogMessages }) => catalogMessages);
  return [
    ...figures.map(({ size, times, used }) => {
      const value = median(times["drift,usage"]);
      const row = plainRow(
        `drift and usage of ${size} active migrations, the whole request`,
        `${spread(times["drift,usage"])}; drift alone ${digits(median(times.drift))} ms, ` +
          `usage alone ${digits(median(times.usage))} ms; ${used} old names are in use`,
        `${digits(value)} ms`,
      );
      return size === 1_000 ? { ...row, goal: `< ${LIMIT_MS} ms`, met: value < LIMIT_MS } : row;
    }),
    {
      what: "growth: time a migration, 1000 against 100",
      figures: `${digits(perMigration(thousand))} ms against ${digits(perMigration(hundred))} ms`,
      result: `${growth.toFixed(2)} ×`,
      goal: "≤ 1 ×, ± 20 %",
      met: growth <= 1.2,
    },
    {
      what: "round trips that read the catalog",
      figures:
        "messages for drift, for usage, and for views that row-level security was enabled under",
      result: messages.join(" / "),
      goal: "≤ 3, at any size",
      met: messages.every((count) => count <= 3),
    },
  ];
}
