import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import type { Fingerprint } from "../../../shared/facts/fingerprint.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { dumpEntries, dumpSchema } from "../../support/catalog/dump.ts";
import {
  createEverythingSchema,
  EVERYTHING_ACKNOWLEDGED,
  EVERYTHING_NEIGHBOURS,
} from "../../support/catalog/everything_schema.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { catalogState, fingerprintsOf, stateDifferences } from "../../support/catalog/state.ts";
import { createStripeSchema, STRIPE_SCHEMA } from "../../support/corpus/stripe_schema.ts";

/** Renames what `options` say, hands over, rolls back, and insists on the state before. */
async function roundTrip(
  functions: Functions,
  body: Parameters<Functions["rename"]>[0],
  between: (answer: OperationAnswer) => Promise<void> | void = () => {},
): Promise<void> {
  const renamed = await functions.rename(body);
  assert(renamed.verification?.passed, JSON.stringify(renamed.verification, null, 2));
  await between(renamed);
  const back = await functions.rollback({ batch_id: renamed.batch_id! });
  assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
}

/** The database's schema in every form there is. */
async function photograph(db: TestDatabase, schema: string) {
  const [catalog, prints] = await Promise.all([
    catalogState(db.admin),
    fingerprintsOf(db.sql, [schema]),
  ]);
  return { catalog, prints, dump: await dumpSchema(db) };
}

type Photograph = Awaited<ReturnType<typeof photograph>>;

function assertSame(before: Photograph, after: Photograph): void {
  assertEquals(stateDifferences(before.catalog, after.catalog), []);
  assertEquals(after.prints, before.prints);
  if (before.dump !== null) assertEquals(after.dump, before.dump);
}

const MARK = "renamed__";

/** What a view over a table whose row type is used has besides; tests/integration/views/row_types_test.ts is about it. */
const ROW_CAST = /compatibility_cast_[0-9a-f]+\(/;

const unmarked = (print: Fingerprint): Fingerprint =>
  JSON.parse(JSON.stringify(print).replaceAll(MARK, ""));

/**
 * The dump after renames to `renamed__<old name>` is the dump before under other names, and views besides
 * that say what the tables said about privileges, defaults and comments.
 */
function assertOnlyRenamed(before: string, after: string): void {
  const rest = dumpEntries(after).map(({ header, text }) => ({
    header,
    text: text.replace(/\n*--\n-- PostgreSQL database dump complete[^]*/, ""),
  })).filter(({ header, text }) => !ROW_CAST.test(header + text));
  const missing: string[] = [];
  for (const { header, text } of dumpEntries(before)) {
    const wanted = text.replace(/\n*--\n-- PostgreSQL database dump complete[^]*/, "");
    const renamedHere = rest.findIndex((entry) =>
      entry.text.replaceAll(MARK, "") === wanted &&
      entry.header.replaceAll(MARK, "") === header &&
      (entry.text.includes(MARK) || entry.header.includes(MARK))
    );
    const index = renamedHere >= 0
      ? renamedHere
      : rest.findIndex((entry) => entry.text === wanted && entry.header === header);
    if (index >= 0) rest.splice(index, 1);
    else missing.push(`${header}\n${text}`);
  }
  assertEquals(missing, [], "not in the dump any more");

  const of = (wanted: string, entries: { header: string; text: string }[]) =>
    entries.filter(({ header }) => header.includes(`Type: ${wanted};`));
  const views = of("VIEW", rest);
  assert(views.length > 0);
  const tablesBefore = dumpEntries(before);
  for (const { header, text } of views) {
    assert(text.includes(MARK), header);
    assert(/with \(security_invoker='?true'?\)/i.test(text), text);
  }
  for (const { header, text } of of("ACL", rest)) {
    const same = tablesBefore.some((entry) => entry.header === header && entry.text === text);
    assert(same, `the view's privileges are not the table's: ${header}\n${text}`);
  }
  for (const { text } of of("COMMENT", rest)) {
    const table = text.replace("COMMENT ON VIEW ", "COMMENT ON TABLE ");
    assert(tablesBefore.some((entry) => entry.text === table), `not the table's comment: ${text}`);
  }
  for (const { text } of of("DEFAULT", rest)) {
    const [, value] = text.match(/ SET DEFAULT ([^]*);$/) ?? [];
    assert(before.includes(`DEFAULT ${value}`), `not the table's default: ${text}`);
  }
  const others = rest.filter(({ header }) => !/Type: (VIEW|ACL|COMMENT|DEFAULT);/.test(header));
  assertEquals(others, [], "more than renames and views");
}

/** The table is not less than its name says, or the test would prove little. */
function assertHasEverything(print: Fingerprint): void {
  const text = JSON.stringify(print);
  for (
    const part of [
      ..."constraint index trigger policy rule statistics publication sequence".split(" "),
      ...["referenced by", "grant to", "column price grant to"],
    ]
  ) assert(Object.keys(print).some((object) => object.startsWith(`${part} `)), part);
  for (
    const part of [
      ...["[invalid]", "[clustered]", "[replica identity]", "[not validated]", "EXCLUDE", "CHECK"],
      ...["DEFERRABLE", "NULLS NOT DISTINCT", "identity d", "identity a", "generated s", "forced"],
      ...["with grant option", " by authenticated", "PUBLIC", "fillfactor", "enabled D", "comment"],
    ]
  ) assert(text.includes(part), part);
}

databaseTest("each real table, renamed alone and rolled back, is what it was", async ({ db }) => {
  await using functions = functionsFor(db.url);
  const tables = await createStripeSchema(db.sql);
  assert(tables.length >= 25);
  const before = await photograph(db, STRIPE_SCHEMA);
  for (const table of tables) {
    await roundTrip(
      functions,
      { schema: STRIPE_SCHEMA, old_name: table, new_name: MARK + table },
    );
    assertEquals(await fingerprintsOf(db.sql, [STRIPE_SCHEMA]), before.prints, table);
  }
  assertSame(before, await photograph(db, STRIPE_SCHEMA));
});

databaseTest(
  "all real tables, prefixed in one batch and rolled back, are what they were",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const tables = await createStripeSchema(db.sql);
    const before = await photograph(db, STRIPE_SCHEMA);
    const renames = tables.map((table) => ({
      schema: STRIPE_SCHEMA,
      old_name: table,
      new_name: MARK + table,
    }));
    await roundTrip(functions, { renames }, async (renamed) => {
      assertEquals(renamed.migrations.length, tables.length);
      const between = await photograph(db, STRIPE_SCHEMA);
      for (const table of tables) {
        const name = `${STRIPE_SCHEMA}.${table}`;
        assertEquals(between.prints[name].kind, "v");
        const now = between.prints[`${STRIPE_SCHEMA}.${MARK}${table}`];
        assertEquals(unmarked(now), before.prints[name], table);
      }
      if (before.dump !== null) assertOnlyRenamed(before.dump, between.dump!);
    });
    assertSame(before, await photograph(db, STRIPE_SCHEMA));
  },
);

databaseTest(
  "a table with everything on it, renamed and rolled back, is what it was",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createEverythingSchema(db);
    const before = await photograph(db, "app");
    assertHasEverything(before.prints["app.items"]);
    const body = {
      schema: "app",
      old_name: "items",
      new_name: `${MARK}items`,
      acknowledge: EVERYTHING_ACKNOWLEDGED,
    };
    await roundTrip(functions, body, async () => {
      const between = await photograph(db, "app");
      assertEquals(unmarked(between.prints[`app.${MARK}items`]), before.prints["app.items"]);
      assertNotEquals(between.prints["app.items"], before.prints["app.items"]);
      if (before.dump !== null) assertOnlyRenamed(before.dump, between.dump!);
    });
    assertSame(before, await photograph(db, "app"));
    await roundTrip(functions, {
      ...body,
      compatibility_view: false,
      acknowledge: [...EVERYTHING_ACKNOWLEDGED, "old_name_gone"],
    });
    assertSame(before, await photograph(db, "app"));
  },
);

databaseTest(
  "its partitions, children, neighbours and odd names are what they were",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createEverythingSchema(db);
    const before = await photograph(db, "app");
    const rename = (table: string) => ({
      schema: "app",
      old_name: table,
      new_name: MARK + table,
    });
    // Functions on the parent's rows do not take the child's by its old name.
    const acknowledge = [...EVERYTHING_ACKNOWLEDGED, "row_type_functions"];
    for (const table of EVERYTHING_NEIGHBOURS) {
      await roundTrip(functions, { ...rename(table), acknowledge });
      assertEquals(await fingerprintsOf(db.sql, ["app"]), before.prints, table);
    }
    const renames = ["items", "kinds", ...EVERYTHING_NEIGHBOURS].map(rename);
    await roundTrip(functions, { renames, acknowledge }, async () => {
      if (before.dump !== null) assertOnlyRenamed(before.dump, (await dumpSchema(db))!);
    });
    assertSame(before, await photograph(db, "app"));
  },
);
