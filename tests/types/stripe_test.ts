/** A real schema, renamed as a whole. */
import { assertEquals, assertGreater } from "@std/assert";
import { join } from "node:path";
import { installSchema } from "../../shared/demo/schema.ts";
import { databaseTest } from "../support/servers/database.ts";
import { functionsFor } from "../support/http/functions.ts";
import {
  declareImpliedForeignKeys,
  sameAnswers,
  stripeCode,
  stripeForeignKeys,
} from "../support/corpus/stripe_code.ts";
import {
  generatedTypes,
  typeErrors,
  withTypeScriptProject,
  writeFiles,
} from "../support/programs/type_check.ts";

const PREFIX = "billing_";
const TYPES = "./types/table-aliases.ts";

databaseTest(
  "code over the whole stripe schema has the same type errors after all its tables were renamed",
  async ({ db }) => {
    const tables = await installSchema(db.sql, db.url);
    await declareImpliedForeignKeys(db.sql);
    const keys = await stripeForeignKeys(db.sql);
    assertGreater(tables.length, 20);
    assertGreater(keys.length, 8);
    await using functions = functionsFor(db.url);
    await withTypeScriptProject(async (dir) => {
      const code = stripeCode(tables, keys, TYPES);
      const before = await generatedTypes(db, functions, ["public", "stripe"]);
      await functions.rename({
        renames: tables.map((name) => ({
          schema: "stripe",
          old_name: name,
          new_name: `${PREFIX}${name}`,
        })),
      });
      const after = await generatedTypes(db, functions, ["public", "stripe"]);
      const newNames = stripeCode(
        tables.map((name) => `${PREFIX}${name}`),
        keys.map(({ name, from, to }) => ({
          name,
          from: `${PREFIX}${from}`,
          to: `${PREFIX}${to}`,
        })),
        TYPES,
      );
      for (
        const [state, types, source] of [
          ["before", before, code],
          ["after", after, code],
          ["rewritten", after, newNames],
        ] as const
      ) {
        await writeFiles(join(dir, state), { "stripe.ts": source });
        await writeFiles(join(dir, state, "types"), types);
      }

      for (const state of ["after", "rewritten"]) {
        const source = sameAnswers(tables, "./before/stripe.ts", `./${state}/stripe.ts`);
        await writeFiles(dir, { [`${state}_is_before.ts`]: source });
      }

      const errors = await typeErrors("typescript", dir);
      const of = (state: string) =>
        errors.filter(({ file }) => file === `${state}/stripe.ts`)
          .map(({ line, code }) => `${line} ${code}`);
      assertEquals(errors.filter(({ file }) => !file.endsWith("/stripe.ts")), []);
      // Four mistakes a table, and what cannot be inserted without anything.
      assertGreater(of("before").length, 4 * tables.length);
      assertEquals(of("after"), of("before"));
      assertEquals(of("rewritten"), of("before"));
    });
  },
);
