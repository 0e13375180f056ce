/**
 * `npm run bench:types`: what the aliases cost the compiler. The same code over all tables of the
 * stripe-sync-engine's schema is checked against the plain database.types.ts before the renames and
 * against table-aliases.ts after them, in turns, and the medians are compared. Goal: at most 1.3.
 *
 * ROUNDS    how often each is checked, by default 9
 */
import { join } from "node:path";
import { installSchema } from "../../shared/demo/schema.ts";
import { createTestDatabase } from "../support/servers/database.ts";
import { functionsFor } from "../support/http/functions.ts";
import { prepareTemplates, startTestServer } from "../support/servers/prepare.ts";
import {
  declareImpliedForeignKeys,
  stripeCode,
  stripeForeignKeys,
} from "../support/corpus/stripe_code.ts";
import {
  type Compiler,
  type GeneratedTypes,
  generatedTypes,
  typeErrors,
  withoutAliases,
  withTypeScriptProject,
  writeFiles,
} from "../support/programs/type_check.ts";
import { parseOptions } from "../support/runner/options.ts";

parseOptions(import.meta.url, {});

const GOAL = 1.3;
const ROUNDS = Number(Deno.env.get("ROUNDS") ?? 9);

interface Subject {
  name: string;
  code: string;
  types: GeneratedTypes;
}

/** The code with the types before the renames, and with those after them. */
async function makeSubjects(): Promise<Subject[]> {
  const dir = await Deno.makeTempDir({ prefix: "rename-bench-" });
  await Deno.chmod(dir, 0o711);
  const server = await startTestServer(17, join(dir, "postgres"));
  try {
    const db = await createTestDatabase(await prepareTemplates(server));
    const tables = await installSchema(db.sql, db.url);
    await declareImpliedForeignKeys(db.sql);
    const keys = await stripeForeignKeys(db.sql);
    const code = stripeCode(tables, keys, "./types/table-aliases.ts", false);
    await using functions = functionsFor(db.url);
    const before = await generatedTypes(db, functions, ["public", "stripe"]);
    const renames = tables.map((name) => ({
      schema: "stripe",
      old_name: name,
      new_name: `billing_${name}`,
    }));
    await functions.rename({ renames });
    const after = await generatedTypes(db, functions, ["public", "stripe"]);
    console.log(`${tables.length} tables, ${keys.length} foreign keys, ${code.length} characters`);
    await db.close();
    return [
      { name: "plain types", code, types: withoutAliases(before) },
      { name: "with aliases", code, types: after },
    ];
  } finally {
    await server.stop("immediate");
    await Deno.remove(dir, { recursive: true });
  }
}

/** Milliseconds of one check from the start of the compiler to its end; nothing is cached. */
async function checkOnce(compiler: Compiler, subject: Subject, round: number): Promise<number> {
  let milliseconds = 0;
  await withTypeScriptProject(async (dir) => {
    await writeFiles(dir, { "stripe.ts": `${subject.code}// ${crypto.randomUUID()} ${round}\n` });
    await writeFiles(join(dir, "types"), subject.types);
    const started = performance.now();
    const errors = await typeErrors(compiler, dir);
    milliseconds = performance.now() - started;
    if (errors.length > 0) throw new Error(`${subject.name}: ${errors[0].message}`);
  });
  return milliseconds;
}

function median(values: number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

if (import.meta.main) {
  const subjects = await makeSubjects();
  for (const compiler of ["typescript", "deno"] satisfies Compiler[]) {
    const times = subjects.map((): number[] => []);
    for (let round = 0; round <= ROUNDS; round++) {
      // Whoever goes second finds warmer files: the order changes each round.
      const order = round % 2 ? [0, 1] : [1, 0];
      for (const index of order) {
        const milliseconds = await checkOnce(compiler, subjects[index], round);
        // The first round is for warming up.
        if (round > 0) times[index].push(milliseconds);
      }
    }
    const medians = times.map(median);
    const ratio = medians[1] / medians[0];
    subjects.forEach(({ name }, index) =>
      console.log(`${compiler.padEnd(10)}  ${name.padEnd(12)}  ${medians[index].toFixed(0)} ms`)
    );
    console.log(
      `${compiler.padEnd(10)}  ratio         ${ratio.toFixed(2)} (goal: at most ${GOAL}) ` +
        (ratio <= GOAL ? "reached" : "MISSED"),
    );
  }
}
