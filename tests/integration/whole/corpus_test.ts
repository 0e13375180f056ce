import { assert, assertEquals, assertGreater } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { qualified } from "../../../shared/sql/quoting.ts";
import { EXPECTED, SHOWN_ELSEWHERE, UNSEEN } from "../../corpus/expected.ts";
import {
  buildsOn,
  BUILT_SCHEMA,
  CORPUS_SCHEMAS,
  type CorpusTable,
  corpusTables,
  createCorpus,
  renameOf,
} from "../../support/corpus/corpus.ts";
import {
  type Outcomes,
  prepareProbes,
  rowsByRole,
  runProbes,
} from "../../support/corpus/corpus_probes.ts";
import { descriptionDifferences } from "../../support/catalog/comparable_dump.ts";
import {
  descriptionWithNewNames,
  dumpWithNewNames,
  moveRoutines,
} from "../../support/corpus/corpus_new_names.ts";
import {
  assertAlike,
  assertSame,
  assertSameDump,
  type Photograph,
  photograph,
  restore,
} from "../../support/corpus/corpus_state.ts";
import {
  createTestDatabase,
  databaseTest,
  type TestDatabase,
} from "../../support/servers/database.ts";
import { testServers } from "../../support/servers/servers.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { sampled } from "../../support/runner/sampled.ts";

/** Every table alone with everything, which takes minutes. */
const FULL = sampled(true, false);

const spelled = ({ schema, name }: CorpusTable) => `${schema}.${name}`;

/** The codes of all findings that renames of the tables have. */
async function codesOf(functions: Functions, tables: CorpusTable[]): Promise<string[]> {
  const { findings } = await functions.rename({ renames: tables.map(renameOf), mode: "plan" });
  return [...new Set(findings.map(({ code }) => code))];
}

/** Probes that answered otherwise than before, with what they answered. */
function changed(before: Outcomes, now: Outcomes): Record<string, string> {
  // A message names the table by the name that it has; what counts is the kind of failure.
  const kind = (outcome: string) => (outcome.startsWith("ok ") ? outcome : outcome.slice(0, 5));
  return Object.fromEntries(
    Object.entries(now).filter(([name, outcome]) => kind(outcome) !== kind(before[name])),
  );
}

databaseTest(
  "each table of the corpus, renamed alone, breaks what the findings say and nothing else",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createCorpus(db);
    await prepareProbes(db);
    const all = await corpusTables(db);
    // Those of stripe-sync-engine have a test of their own, of each alone.
    const tables = all.filter(({ schema }) => schema !== CORPUS_SCHEMAS.stripe);
    assertGreater(tables.length, 40);
    const codes = await codesOf(functions, tables);
    const before = await photograph(db);
    const works = await runProbes(db);
    const wrong: string[] = [];
    const roundTrip = async (renamed: CorpusTable[], between = () => Promise.resolve()) => {
      const renames = renamed.map(renameOf);
      const { batch_id, findings, verification } = await functions.rename({
        renames,
        acknowledge: codes,
      });
      assert(verification?.passed, JSON.stringify(verification, null, 2));
      await between();
      const back = await functions.rollback({ batch_id: batch_id! });
      assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
      return findings;
    };
    for (const [place, table] of tables.entries()) {
      // Of those that break nothing every sixth, another one on each version.
      if (!FULL && !(spelled(table) in EXPECTED) && place % 6 !== db.version % 6) continue;
      const { breaks = {}, changes = {}, findings = {} } = EXPECTED[spelled(table)] ?? {};
      const reported = await roundTrip([table], async () => {
        if (!(spelled(table) in EXPECTED)) return;
        const noticed = changed(works, await runProbes(db));
        const expected = Object.keys({ ...breaks, ...changes }).sort();
        if (Object.keys(noticed).sort().join() === expected.join()) return;
        wrong.push(`${spelled(table)}: ${JSON.stringify(noticed)}, not ${expected}`);
      });
      // About the new names, which these tests make up, and not about what a rename breaks.
      const found = reported.filter(({ code }) => code !== "name_needs_quotes");
      wrong.push(...findingFaults(table, found, Object.keys(findings)));
      wrong.push(...silence(table, found, "breaking", breaks));
      wrong.push(...silence(table, found, "warning", changes));
    }
    // The others at once: nothing notices any of them.
    const unnoticed = all.filter((table) => !(spelled(table) in EXPECTED));
    assertGreater(unnoticed.length, 40);
    await roundTrip(unnoticed, async () => {
      assertEquals(changed(works, await runProbes(db)), {});
    });
    assertEquals(wrong, []);
    assertEquals(changed(works, await runProbes(db)), {});
    assertSame(before, await photograph(db));
  },
);

/** What the findings are not, and should be. */
function findingFaults(table: CorpusTable, found: Finding[], expected: string[]): string[] {
  const codes = [...new Set(found.map(({ code }) => code))].sort();
  if (codes.join() === expected.toSorted().join()) return [];
  return [`${spelled(table)}: findings ${codes}, not ${expected}`];
}

/** What no finding of this severity mentions, and what one mentions though nothing of the kind happens. */
function silence(
  table: CorpusTable,
  found: Finding[],
  severity: Finding["severity"],
  happens: Record<string, string>,
): string[] {
  const reported = found.filter((finding) =>
    finding.severity === severity && !SHOWN_ELSEWHERE.has(finding.code)
  ).map(({ object, message }) => `${object} ${message}`);
  const names = Object.entries(happens).filter(([probe]) => !UNSEEN.has(probe))
    .map(([, reason]) => reason.split(" ")[0]);
  return [
    ...names.filter((name) => !reported.some((text) => text.includes(name)))
      .map((name) => `${spelled(table)}: silence about ${name}`),
    ...reported.filter((text) => !names.some((name) => text.includes(name)))
      .map((text) => `${spelled(table)}: a false alarm: ${text}`),
  ];
}

/** The corpus, and where to build on it; what clients have sent is looked at by other tests. */
async function prepareToBuild(db: TestDatabase): Promise<void> {
  await createCorpus(db);
  await db.sql`create schema ${db.sql(BUILT_SCHEMA)}`;
  await prepareProbes(db);
  await db.admin`drop extension pg_stat_statements`;
}

/** By version: the corpus with everything built on its tables, which were never renamed. */
const neverRenamed = new Map<number, Promise<Photograph>>();

function builtWithoutRenames(version: number): Promise<Photograph> {
  const made = neverRenamed.get(version) ?? (async () => {
    const db = await createTestDatabase(testServers().find((one) => one.version === version)!);
    try {
      await prepareToBuild(db);
      await run(db, await buildsOn(db, await corpusTables(db)));
      return await photograph(db);
    } finally {
      await db.close();
    }
  })();
  neverRenamed.set(version, made);
  return made;
}

const run = async (db: TestDatabase, statements: string[]) => {
  for (const sql of statements) await db.sql.unsafe(sql).simple();
};

databaseTest(
  "all tables of the corpus, prefixed in one batch, are read as before; what is built on the old names stays when they are rolled back",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await prepareToBuild(db);
    const tables = await corpusTables(db);
    const codes = await codesOf(functions, tables);
    const names = tables.map(({ schema, name }) => qualified(schema, name));
    const newNames = tables.map(renameOf).map((one) => qualified(one.schema, one.new_name));
    const rows = await rowsByRole(db, names);

    const renamed = await functions.rename({ renames: tables.map(renameOf), acknowledge: codes });
    assert(renamed.verification?.passed, JSON.stringify(renamed.verification, null, 2));
    const now = await rowsByRole(db, [...names, ...newNames]);
    for (const [n, name] of names.entries()) {
      assertEquals(now[newNames[n]], rows[name], newNames[n]);
      // Column by column granted, under row-level security: a finding says that it cannot be read.
      if (name !== '"public"."api_keys"') assertEquals(now[name], rows[name], name);
    }
    await run(db, await buildsOn(db, tables));
    const back = await functions.rollback({
      batch_id: renamed.batch_id!,
      acknowledge: ["reads_as_owner"],
    });
    assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    assertAlike(await builtWithoutRenames(db.version), await photograph(db));
    assertEquals(await rowsByRole(db, names), rows);
  },
);

databaseTest(
  "what is built on each table's old name while it is renamed stays when it is rolled back",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await prepareToBuild(db);
    const tables = await corpusTables(db);
    const codes = await codesOf(functions, tables);
    const builds = await buildsOn(db, tables);
    let alone = 0;
    for (const [place, table] of tables.entries()) {
      // Of the many, every eighth, another one on each version.
      const chosen = FULL || place % 8 === db.version % 8;
      if (!chosen) {
        await run(db, [builds[place]]);
        continue;
      }
      alone++;
      const renamed = await functions.rename({ ...renameOf(table), acknowledge: codes });
      await run(db, [builds[place]]);
      const back = await functions.rollback({
        batch_id: renamed.batch_id!,
        acknowledge: ["reads_as_owner"],
      });
      assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
    }
    assertGreater(alone, 7);
    assertAlike(await builtWithoutRenames(db.version), await photograph(db));
  },
);

databaseTest(
  "all tables of the corpus, finalized, are what they would be had they been made with the new names",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await prepareToBuild(db);
    const tables = await corpusTables(db);
    const codes = await codesOf(functions, tables);
    const renames = tables.map(renameOf);
    const { batch_id } = await functions.rename({ renames, acknowledge: codes });
    await run(db, await buildsOn(db, tables));
    const before = await photograph(db);
    const { findings } = await functions.refused("old_name_in_use", "finalize", {
      batch_id,
      acknowledge: ["reads_as_owner"],
    }) as unknown as { findings: Finding[] };
    assertSame(before, await photograph(db));
    assert(findings.some(({ object }) => object.includes("archive_project")), "texts name them");

    assertGreater(await moveRoutines(db.sql, renames), 30);
    const done = await functions.finalize({
      batch_id: batch_id!,
      acknowledge: ["reads_as_owner", "old_name_in_use"],
    });
    assert(done.verification?.passed, JSON.stringify(done.verification, null, 2));
    const [was, now] = [await builtWithoutRenames(db.version), await photograph(db)];
    const wanted = descriptionWithNewNames(was.description, renames);
    assertEquals(descriptionDifferences(wanted, now.description), []);
    if (was.dump === null || now.dump === null) return;
    assertSameDump(await restore(db, dumpWithNewNames(was.dump, renames)), now.dump);
  },
);
