import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { run } from "../../support/programs/cli.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { SECRET_KEY } from "../../support/http/functions.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import { withTypeScriptProject } from "../../support/programs/type_check.ts";

/** A program of somebody who uses the client; in Deno with no more around it than a browser has. */
const PROGRAM = `
import { createRenameClient, RenameError } from "./shared/client/client.js";
const [url, key, table] = globalThis.Deno?.args ?? process.argv.slice(2);
if (globalThis.Deno) for (const name of ["Deno", "process", "Buffer", "global"]) delete globalThis[name];
const client = createRenameClient({ url, key, actor: "tests" });
const rename = client.follow("rename", { old_name: table, new_name: "new_" + table }, {
  idempotencyKey: table,
});
const phases = [];
for await (const { phase } of rename) phases.push(phase);
const { migrations: [migration] } = await rename.answer;
const again = await client.rename({ old_name: table, new_name: "new_" + table }, {
  idempotencyKey: table,
});
const refused = await client.rename({ old_name: "nothing", new_name: "b" }).catch((error) => error);
const { aliases } = await client.tableAliases();
const { tables } = await client.analyze({ table });
console.log(JSON.stringify({
  phases: phases.length > 0,
  by: migration.migrated_by,
  same: again.migrations[0].id === migration.id,
  refused: [refused instanceof RenameError, refused.code, refused.status],
  aliases: aliases.map(({ old_name }) => old_name),
  tables: tables.map(({ table }) => table),
}));
`;

databaseTest(
  "the client runs in Node and as in a browser, on nothing but fetch",
  async ({ db }) => {
    await using gateway = await startGatewayProcess(db.url);
    await withTypeScriptProject(async (dir) => {
      const tsc = join(ROOT_FOLDER, "node_modules", "typescript", "bin", "tsc");
      const compiled = await run("node", [
        ...[tsc, "--ignoreConfig", "--skipLibCheck", "--strict", "--target", "es2022"],
        ...["--module", "nodenext", "--rewriteRelativeImportExtensions", "--types", ""],
        ...["--lib", "es2024,esnext,dom,dom.iterable,dom.asynciterable"],
        ...["--rootDir", ROOT_FOLDER, "--outDir", dir],
        join(ROOT_FOLDER, "shared", "client", "client.ts"),
      ], { env: {} });
      assertEquals(compiled.code, 0, compiled.stdout + compiled.stderr);
      const program = join(dir, "program.js");
      await Deno.writeTextFile(program, PROGRAM);
      const runtimes: [string, string[], table: string][] = [
        ["node", [], "experts"],
        [Deno.execPath(), ["run", "-A"], "teams"],
      ];
      for (const [runtime, args, table] of runtimes) {
        await db.sql`create table ${db.sql(table)} (id int primary key)`;
        const ended = await run(runtime, [...args, program, gateway.url, SECRET_KEY, table], {
          env: {},
        });
        assertEquals(ended.code, 0, ended.stderr);
        const { aliases, ...rest } = JSON.parse(ended.stdout);
        assertEquals(aliases.includes(table), true);
        assertEquals(rest, {
          phases: true,
          by: "key:default tests",
          same: true,
          refused: [true, "table_not_found", 404],
          tables: [`new_${table}`],
        });
      }
    });
  },
);
