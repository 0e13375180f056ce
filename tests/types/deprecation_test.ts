import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { tableAliasesFile } from "../../shared/aliases/table_aliases_file.ts";
import { withTypeScriptProject, writeFiles } from "../support/programs/type_check.ts";

const TYPES = new URL("./app/types/", import.meta.url);

/** Each line with the name that an editor should strike through in it, or none. */
const USES: [string, string | null][] = [
  ['export type A = TableAliases["experts"];', "experts"],
  ['export type B = Tables["experts"];', "experts"],
  ['export type C = Database["public"]["Tables"]["experts"]["Row"];', "experts"],
  ['export type D = DatabaseWithAliases["sales"]["Tables"]["Invoices"];', "Invoices"],
  ['export type E = Tables["expert_profiles"];', null],
  ['export type F = Database["sales"]["Tables"]["Rechnungen"];', null],
  ['export type G = Database["public"]["Tables"]["profiles"];', null],
];

/** Asks the compiler's language service, as an editor does. */
const SCRIPT = `
  import { API } from "typescript/unstable/sync";
  const api = new API({ cwd: process.cwd() });
  const snapshot = api.updateSnapshot({ openProject: process.cwd() + "/tsconfig.json" });
  const { program } = snapshot.getProjects()[0];
  const found = program.getSuggestionDiagnostics(process.cwd() + "/uses.ts");
  console.log(JSON.stringify(found.filter((one) => one.reportsDeprecated)));
  api.close();
`;

Deno.test("editors strike old names through where they are looked up in the types", () =>
  withTypeScriptProject(async (dir) => {
    const source = `import type { Database, DatabaseWithAliases, TableAliases, Tables } from ` +
      `"./types/table-aliases.ts";\n${USES.map(([line]) => line).join("\n")}\n`;
    const aliases = tableAliasesFile([
      { schema: "public", old_name: "experts", new_name: "expert_profiles" },
      { schema: "sales", old_name: "Invoices", new_name: "Rechnungen" },
    ]);
    const database = await Deno.readTextFile(new URL("database.types.ts", TYPES));
    await writeFiles(dir, { "uses.ts": source });
    await writeFiles(join(dir, "types"), {
      "database.types.ts": database,
      "table-aliases.ts": aliases,
    });
    const { success, stdout, stderr } = await new Deno.Command("node", {
      args: ["--input-type=module", "--eval", SCRIPT],
      cwd: dir,
    }).output();
    const decoder = new TextDecoder();
    assertEquals(success, true, decoder.decode(stderr));
    const found: { pos: number; text: string }[] = JSON.parse(decoder.decode(stdout));
    const lineAt = (position: number) => source.slice(0, position).split("\n").length - 2;
    assertEquals(
      found.map(({ pos, text }) => [USES[lineAt(pos)][0], text]),
      USES.flatMap(([line, name]) => name ? [[line, `'${name}' is deprecated.`]] : []),
    );
  }));
