/** Names of renamed tables in constants that one file exports and another one uses. */
import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { dirname, join } from "node:path/posix";
import { edited } from "../../../shared/source/edits.ts";
import { usesInAll } from "../../../shared/source/find_uses.ts";
import { loadParser } from "../../../shared/source/modules/module.ts";
import { WantedNames } from "../../../shared/source/uses.ts";
import { RENAMES, reversed } from "../../support/documents/source.ts";

const PARSER = await loadParser();

type Files = Record<string, string>;

function renamed(files: Files, renames = RENAMES) {
  const list = Object.entries(files).map(([path, text]) => ({ path, text }));
  const resolve = (from: string, specifier: string) => {
    const path = specifier.startsWith("@/")
      ? specifier.slice(2)
      : specifier.startsWith(".")
      ? join(dirname(from), specifier)
      : null;
    if (path === ".") return "index.ts";
    return [path, `${path}.ts`, `${path}/index.ts`].find((one) => one !== null && one in files) ??
      null;
  };
  const options = { wanted: new WantedNames(renames), parser: PARSER };
  const uses = usesInAll(list, options, resolve);
  return {
    files: Object.fromEntries(
      list.map(({ path, text }, index) => [path, edited(text, uses[index])]),
    ) as Files,
    reasons: uses.flat().flatMap(({ reason }) => reason ?? []),
  };
}

/** Exactly these files change: each `"old"` of a line that ends with `//!` becomes `"new"`. */
function changed(files: Files): void {
  const expected = Object.fromEntries(
    Object.entries(files).map(([path, text]) => [
      path,
      text.split("\n").map((line) =>
        line.endsWith("//!") ? line.replace(/old(?=["'\`])/, "new") : line
      )
        .join("\n"),
    ]),
  );
  const there = renamed(files);
  assertEquals(there, { files: expected, reasons: [] });
  for (const [path, text] of Object.entries(there.files)) {
    const module = PARSER.parse(path.endsWith(".vue") ? "" : text, { jsx: false });
    assertEquals(module?.errors, 0, path);
  }
  assertEquals(renamed(there.files, reversed(RENAMES)), { files, reasons: [] });
}

/** Nothing is changed, and the reasons are these. */
function left(files: Files, ...reasons: string[]): void {
  assertEquals(renamed(files), { files, reasons });
}

const USE = `await supabase.from(TABLE).select();`;
const client = (file = "./client") => `import { supabase } from "${file}";`;

Deno.test("an exported constant that other files use as a table's name alone is changed where it is declared", () => {
  changed({
    "tables.ts": `export const TABLE = "old"; //!`,
    "app.ts": `${client()} import { TABLE } from "./tables"; ${USE}`,
    "other.ts": `${client()} import { TABLE as T } from "./tables.ts"; supabase.from(T).delete();`,
  });
  changed({
    "tables.ts": `const TABLE = 'old'; //!\nexport default TABLE;`,
    "app.ts": `${client()} import NAME from "./tables"; supabase.from(NAME).select();`,
  });
  changed({
    "tables.ts": `export default "old"; //!`,
    "app.ts": `${client()} import NAME from "./tables"; supabase.from(NAME).select();`,
  });
  changed({
    "db/tables.ts": `export const TABLE = "old"; //!\nexport const OTHER = "else";`,
    "app.ts":
      `${client()} import * as t from "@/db/tables"; supabase.from(t.TABLE).select(); t.OTHER;`,
  });
  changed({
    "tables.ts": `const TABLE = "old"; //!\nexport { TABLE as EXPERTS };`,
    "index.ts": `export * from "./tables";\nexport { EXPERTS as PEOPLE } from "./tables";`,
    "a.ts": `${client()} import { PEOPLE } from "./index"; supabase.from(PEOPLE).select();`,
    "b.ts": `${client()} import { EXPERTS } from "."; supabase.from(EXPERTS).select();`,
  });
  changed({
    "tables.ts": `export const TABLE = "old"; //!`,
    "index.ts": `import { TABLE } from "./tables";\nexport { TABLE };`,
    "a.vue":
      `<script setup>\n${client()} import { TABLE } from "./index"; ${USE}\n</script>\n<b>x</b>`,
  });
});

Deno.test("a member of an exported object or enum is followed, too, and a table's other places", () => {
  changed({
    "tables.ts": `export const TABLES = {\n  experts: "old", //!\n  teams: "teams",\n} as const;`,
    "app.ts":
      `${client()} import { TABLES } from "./tables"; supabase.from(TABLES.experts).select();`,
    "b.ts": `import { TABLES } from "./tables"; console.log(TABLES.teams);`,
  });
  changed({
    "tables.ts": `export enum T {\n  Experts = "old", //!\n}`,
    "app.ts": `${client()} import { T } from "./tables"; supabase.from(T.Experts).select();`,
  });
  changed({
    "tables.ts": `export const TABLES = [\n  "old", //!\n  "teams",\n] as const;`,
    "app.ts": `${client()} import { TABLES } from "./tables";
for (const one of TABLES) await supabase.from(one).select();`,
  });
  changed({
    "tables.ts": `export const TABLE = "old"; //!`,
    "app.ts": `${client()} import { TABLE } from "./tables";
supabase.channel("x").on("postgres_changes", { event: "*", schema: "public", table: TABLE }, f);`,
  });
});

Deno.test("a constant that is used for anything else is left, with the file that does", () => {
  const declared = { "tables.ts": `export const TABLE = "old";` };
  const used = { "app.ts": `${client()} import { TABLE } from "./tables"; ${USE}` };
  const inB = "TABLE is used for something else in b.ts, too";
  const uses = [
    [`import { TABLE } from "./tables"; console.log(TABLE);`, inB],
    [`import { TABLE as T } from "./tables"; document.getElementById(T);`, inB],
    [`import * as t from "./tables"; console.log(t.TABLE);`, inB],
    [`import * as t from "./tables"; console.log(t);`, inB],
    [`export * as t from "./tables";`, inB],
    [`const t = await import("./tables");`, "TABLE is exported, and b.ts imports it as it runs"],
    [`const t = require("./tables");`, "TABLE is exported, and b.ts imports it as it runs"],
    [
      `import { TABLE } from "~/unknown/tables"; console.log(TABLE);`,
      "TABLE is exported, and b.ts has an import that may be of it",
    ],
    [`import { TABLE } from "./tables"; export const KEY = TABLE;`, inB],
  ];
  for (const [text, reason] of uses) left({ ...declared, ...used, "b.ts": text }, reason);
  left(
    {
      ...declared,
      ...used,
      "index.ts": `export * from "./tables";`,
      "b.ts": `import { TABLE } from "./index"; console.log(TABLE);`,
    },
    inB,
  );
  left(
    {
      ...declared,
      ...used,
      "c.vue": `<script setup>import { TABLE } from "./tables";</script><b>{{ TABLE }}</b>`,
    },
    "TABLE is used for something else in c.vue, too",
  );
  left(
    { "tables.ts": `${declared["tables.ts"]} console.log(TABLE);`, ...used },
    "TABLE is used for something else, too",
  );
  left(
    { "app.ts": `${client()} export const TABLE = "old"; ${USE}` },
    "TABLE is exported, and no file that was read imports it",
  );
  left(
    {
      "tables.ts": `export const TABLES = { experts: "old" };`,
      "app.ts":
        `${client()} import { TABLES } from "./tables"; supabase.from(TABLES.experts).select();`,
      "b.ts": `import { TABLES } from "./tables"; Object.values(TABLES);`,
    },
    "TABLES is used for something else in b.ts, too",
  );
});

Deno.test("modules that import each other, and themselves, are read to the end", () => {
  changed({
    "a.ts": `export * from "./b";\nexport * from "./a";\nexport const TABLE = "old"; //!`,
    "b.ts": `export * from "./a";`,
    "app.ts": `${client()} import { TABLE } from "./b"; ${USE}`,
  });
});

/** Ways to declare a name, to export it, to import it and to use it, which can be combined. */
const DECLARED = {
  constant: { text: `const T = "old"; //!`, use: (name: string) => name },
  object: { text: `const T = { a: "old" } as const; //!`, use: (name: string) => `${name}.a` },
  enum: { text: `enum T { A = "old" } //!`, use: (name: string) => `${name}.A` },
};
const EXPORTED: Record<string, (text: string) => { text: string; name: string }> = {
  inline: (text) => ({ text: `export ${text}`, name: "T" }),
  list: (text) => ({ text: `${text}\nexport { T };`, name: "T" }),
  renamed: (text) => ({ text: `${text}\nexport { T as U };`, name: "U" }),
};
const PASSED_ON: Record<string, (name: string) => { text: string; name: string } | null> = {
  directly: () => null,
  all: (name) => ({ text: `export * from "./tables";`, name }),
  named: (name) => ({ text: `export { ${name} as V } from "./tables";`, name: "V" }),
  imported: (name) => ({ text: `import { ${name} } from "./tables";\nexport { ${name} };`, name }),
};
const IMPORTED: Record<string, (name: string, from: string) => { text: string; local: string }> = {
  named: (name, from) => ({ text: `import { ${name} } from "${from}";`, local: name }),
  renamed: (name, from) => ({ text: `import { ${name} as W } from "${from}";`, local: "W" }),
  namespace: (name, from) => ({ text: `import * as all from "${from}";`, local: `all.${name}` }),
};
const USED: Record<string, { text: (name: string) => string; isTable: boolean }> = {
  from: { text: (name) => `supabase.from(${name}).select();`, isTable: true },
  loop: { text: (name) => `for (const t of [${name}]) supabase.from(t).delete();`, isTable: true },
  choice: { text: (name) => `supabase.from(x ? ${name} : "b").select();`, isTable: true },
  printed: { text: (name) => `console.log(${name});`, isTable: false },
  kept: { text: (name) => `export const kept = ${name};`, isTable: false },
};

const oneOf = <T>(of: Record<string, T>) => fc.constantFrom(...Object.keys(of));

Deno.test("however a name is declared, exported, passed on and imported, it is changed if all its uses are tables", () => {
  const importers = fc.array(
    fc.record({ as: oneOf(IMPORTED), used: fc.array(oneOf(USED), { minLength: 1, maxLength: 3 }) }),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(
      oneOf(DECLARED),
      oneOf(EXPORTED),
      oneOf(PASSED_ON),
      importers,
      (declared, exported, passed, importers) => {
        const { text, use } = DECLARED[declared as keyof typeof DECLARED];
        const table = EXPORTED[exported](text);
        const index = PASSED_ON[passed](table.name);
        const files: Files = { "tables.ts": table.text, ...(index && { "index.ts": index.text }) };
        for (const [i, { as, used }] of importers.entries()) {
          const name = index?.name ?? table.name;
          const imported = IMPORTED[as](name, index ? "./index" : "./tables");
          const uses = used.map((one, n) => {
            const value = use(imported.local);
            return USED[one].text(value).replace("kept", `kept${n}`);
          });
          files[`app${i}.ts`] = [client(), imported.text, ...uses].join("\n");
        }
        if (importers.every(({ used }) => used.every((one) => USED[one].isTable))) changed(files);
        else assertEquals(renamed(files).files, files);
      },
    ),
    { numRuns: 300 },
  );
});
