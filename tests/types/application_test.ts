/** An application goes through the renames of its tables, and the compilers watch. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { databaseTest, type TestDatabase } from "../support/servers/database.ts";
import { type Functions, functionsFor } from "../support/http/functions.ts";
import {
  type Compiler,
  generatedTypes,
  type TypeError,
  typeErrors,
  withoutAliases,
  withTypeScriptProject,
  writeFiles,
} from "../support/programs/type_check.ts";

const APP = new URL("./app/", import.meta.url);
const RENAMED = new URL("./renamed/", import.meta.url);
const SCHEMAS = ["public", "sales"];
const COMPILERS: Compiler[] = ["typescript", "deno"];

/** The names that the application uses, and what becomes of them. */
const RENAMES: Record<string, string> = {
  experts: "expert_profiles",
  document_types: "doc_types",
  // Behind its neighbours in the alphabet now, which is how the CLI sorts relationships.
  documents: "zz_documents",
  // By way of another name.
  expert_topics: "expert_subjects",
  Invoices: "Rechnungen",
};

/** The schema, before anything is renamed. */
async function withApplication(
  db: TestDatabase,
  work: (functions: Functions, dir: string) => Promise<void>,
): Promise<void> {
  await db.sql.unsafe(await Deno.readTextFile(new URL("schema.sql", APP))).simple();
  await using functions = functionsFor(db.url);
  await withTypeScriptProject((dir) => work(functions, dir));
}

/** What the Data API cannot embed while both names are there; the types know nothing of that. */
const OF_THE_DATA_API = ["ambiguous_self_reference", "ambiguous_many_to_many"];

/** Everything that the endpoints can do to a name. */
async function renameAll(db: TestDatabase, functions: Functions): Promise<void> {
  const rename = (old_name: string, new_name: string, more = {}) =>
    functions.rename({ old_name, new_name, acknowledge: OF_THE_DATA_API, ...more });
  await rename("experts", "expert_profiles");
  await rename("document_types", "doc_types");
  await rename("documents", "zz_documents");
  await rename("expert_topics", "expert_subjects_1");
  await rename("expert_subjects_1", "expert_subjects");
  await rename("Invoices", "Rechnungen", { schema: "sales" });

  await rename("topics", "subjects");
  await functions.rollback({ table: "subjects" });
  await rename("leaflets", "flyers", { compatibility_view: false });
  await rename("letters", "messages");
  await db.sql`alter table messages add column sender text not null`;
  // As finalize leaves it.
  const { migrations: [{ id }] } = await rename("drafts", "notes");
  await db.sql`drop view drafts`;
  await db.sql`update sys_table_migrations set status = 'finalized', finalized_at = now(),
    finalized_by = 'test' where id = ${id}`;
}

/** The sources in a folder, each changed. */
async function sourcesIn(
  folder: URL,
  change: (source: string) => string = (source) => source,
): Promise<Record<string, string>> {
  const files = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name);
  const sources = files.filter((name) => name.endsWith(".ts"))
    .map(async (name) => [name, change(await Deno.readTextFile(new URL(name, folder)))]);
  return Object.fromEntries(await Promise.all(sources));
}

const withNewNames = (source: string) =>
  source.replace(
    new RegExp(String.raw`\b(${Object.keys(RENAMES).join("|")})\b`, "g"),
    (name) => RENAMES[name],
  );

const EXPECTED = "@ts-expect-error";

/** Lines with a mistake: those below the comments that say what is wrong. */
const mistakenLines = (source: string) =>
  source.split("\n").flatMap((line, index) => line.includes(EXPECTED) ? [index + 2] : []);

const described = (errors: TypeError[]) =>
  errors.map(({ file, line, code, message }) => `${file}:${line} ${code} ${message}`);

const inLines = (
  errors: TypeError[],
) => [...new Set(errors.map(({ file, line }) => `${basename(file)}:${line}`))];

databaseTest(
  "an application compiles before the renames, unchanged after them, and with the new names",
  ({ db }) =>
    withApplication(db, async (functions, dir) => {
      const before = await generatedTypes(db, functions, SCHEMAS);
      await renameAll(db, functions);
      const after = await generatedTypes(db, functions, SCHEMAS);
      const app = await sourcesIn(APP);
      for (
        const [state, types, sources] of [
          ["plain", withoutAliases(before), app],
          ["before", before, app],
          ["after", after, app],
          ["rewritten", after, await sourcesIn(APP, withNewNames)],
        ] as const
      ) {
        await writeFiles(join(dir, state, "app"), sources);
        await writeFiles(join(dir, state, "app/types"), types);
      }
      await writeFiles(join(dir, "after/renamed"), await sourcesIn(RENAMED));

      const errors = await Promise.all(COMPILERS.map((compiler) => typeErrors(compiler, dir)));
      assertEquals(errors.map(described), [[], []]);

      // What is kept for editors and npm run check; UPDATE_TYPES=1 renews it.
      const kept = new URL("types/", APP);
      if (Deno.env.get("UPDATE_TYPES")) await writeFiles(fileURLToPath(kept), after);
      const keptAliases = await Deno.readTextFile(new URL("table-aliases.ts", kept));
      assertEquals(
        after["table-aliases.ts"],
        keptAliases,
        "UPDATE_TYPES=1 npm test -- tests/types",
      );
    }),
);

databaseTest(
  "wrong code fails before the renames, after them and with the new names, each mistake on its line",
  { versions: [17] },
  ({ db }) =>
    withApplication(db, async (functions, dir) => {
      const wrong = (source: string) => source.replaceAll(EXPECTED, "");
      const before = await generatedTypes(db, functions, SCHEMAS);
      await renameAll(db, functions);
      const after = await generatedTypes(db, functions, SCHEMAS);
      for (
        const [state, types, sources] of [
          ["before", before, await sourcesIn(APP, wrong)],
          ["after", after, await sourcesIn(APP, wrong)],
          ["rewritten", after, await sourcesIn(APP, (source) => withNewNames(wrong(source)))],
          ["unaware", withoutAliases(after), await sourcesIn(APP, wrong)],
        ] as const
      ) {
        await writeFiles(join(dir, state), sources);
        await writeFiles(join(dir, state, "types"), types);
      }

      const errors = await typeErrors("typescript", dir);
      const of = (state: string) => errors.filter(({ file }) => file.startsWith(`${state}/`));
      const mistakes = mistakenLines(await Deno.readTextFile(new URL("mistakes.ts", APP)))
        .map((line) => `mistakes.ts:${line}`);
      assertGreater(mistakes.length, 20);
      for (const state of ["before", "after", "rewritten"]) {
        assertEquals(inLines(of(state)), mistakes, described(of(state)).join("\n"));
      }
      // Without the aliases correct code does not compile, and mistakes do.
      const unaware = inLines(of("unaware"));
      assert(unaware.some((place) => place.startsWith("experts.ts")), unaware.join("\n"));
      assert(mistakes.some((place) => !unaware.includes(place)), unaware.join("\n"));
    }),
);
