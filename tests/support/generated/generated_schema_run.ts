/** Runs so many random stories on one database; a fault is made as small as it gets, and reported with its seed. */
import fc from "fast-check";
import { prepareProbes } from "../corpus/corpus_probes.ts";
import type { TestDatabase } from "../servers/database.ts";
import { functionsFor } from "../http/functions.ts";
import { type Story, story } from "./generated_schema.ts";
import { schemaSql } from "./generated_schema_sql.ts";
import { runStory } from "./generated_schema_story.ts";

export interface StoriesOptions {
  /** What the stories are made from: the same seed makes the same ones. */
  seed: number;
  count: number;
  /** Called with how many have been run so far. Default: not at all. */
  progress?: (done: number) => void;
  /** How long a story that fails may be made smaller, in milliseconds. Default: a minute. */
  shrinkMs?: number;
}

/**
 * Runs the stories.
 *
 * @throws {Error} at the first fault, with the seed, the smallest story that has it, and the SQL of its schema
 */
export async function runStories(db: TestDatabase, options: StoriesOptions): Promise<void> {
  await using functions = functionsFor(db.url);
  await prepareProbes(db);
  // Nobody uses these schemas, and to look through what all tests of the server have sent takes most of the time.
  await db.admin`drop extension if exists pg_stat_statements`;
  const { shrinkMs = 60_000 } = options;
  let done = 0;
  let failedAt: number | null = null;
  const details = await fc.check(
    fc.asyncProperty(story, async (one) => {
      // Smaller stories are tried for a while only.
      if (failedAt !== null && performance.now() - failedAt > shrinkMs) return;
      try {
        await runStory({ db, functions }, one);
      } catch (error) {
        failedAt ??= performance.now();
        throw error;
      }
      if (failedAt === null) options.progress?.(++done);
    }),
    { seed: options.seed, numRuns: options.count },
  );
  if (!details.failed) return;
  const [smallest] = details.counterexample!;
  const cause = details.errorInstance as Error;
  throw new Error(
    `story ${details.numRuns} of seed ${options.seed} on PostgreSQL ${db.version}: ${cause.message}\n` +
      `Again: npm run fuzz -- --seed ${options.seed} --count ${details.numRuns}\n\n${
        asText(smallest)
      }`,
    { cause },
  );
}

/** The story for a person to read: the schema's SQL, and what happens to it. */
function asText({ schema, ...happens }: Story): string {
  const sql = schemaSql(schema, "generated").split("\n").filter((line) => line.trim() !== "");
  return `${sql.join("\n")}\n\n${JSON.stringify(happens, null, 1)}`;
}
