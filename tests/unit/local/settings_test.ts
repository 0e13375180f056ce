import { assert, assertEquals, assertThrows } from "@std/assert";
import { readFunctions } from "../../../shared/local/functions/function_list.ts";
import { readSettings } from "../../../shared/local/settings.ts";

const read = (env: Record<string, string>) => readSettings((name) => env[name]);

Deno.test("without any variable: the usual ports, PostgreSQL 17, .local", () => {
  const { dir, ...rest } = read({});
  assertEquals(rest, {
    port: 54321,
    postgresVersion: 17,
    postgresPort: 54322,
    readOnly: false,
  });
  assert(dir.endsWith(".local"));
});

Deno.test("each setting has its variable, and an empty one counts as not set", () => {
  const env = {
    PORT: "0",
    PG_PORT: "6543",
    PG_VERSION: "15",
    LOCAL_DIR: "/srv/stack",
    READ_ONLY: "1",
    SUPABASE_DB_URL: "postgresql://postgres@db.example/postgres",
  };
  assertEquals(read(env), {
    port: 0,
    postgresPort: 6543,
    postgresVersion: 15,
    dir: "/srv/stack",
    readOnly: true,
    databaseUrl: env.SUPABASE_DB_URL,
  });
  const empty = Object.fromEntries(Object.keys(env).map((name) => [name, ""]));
  assertEquals(read(empty), read({}));
});

Deno.test("a setting that cannot be used is named", () => {
  for (const port of ["http", "-1", "65536", "80 ", "1e3"]) {
    assertThrows(() => read({ PORT: port }), Error, "PORT should be a port");
    assertThrows(() => read({ PG_PORT: port }), Error, "PG_PORT should be a port");
  }
  for (const version of ["16", "14", "seventeen"]) {
    assertThrows(() => read({ PG_VERSION: version }), Error, "PG_VERSION can be 15, 17, 18");
  }
});

Deno.test("functions are read from config.toml as written there", () => {
  const toml = `
project_id = "x"
[functions.rename] # the main one
entrypoint = "../functions/rename/index.ts"
verify_jwt = false

[functions."list-migrations"]
  entrypoint = '../functions/list-migrations/index.ts' # quoted the other way

[functions.plain]
verify_jwt = true

[functions.off]
enabled = false

[db]
entrypoint = "not a function's"
`;
  assertEquals(readFunctions(toml), [
    { name: "rename", entrypoint: "../functions/rename/index.ts" },
    { name: "list-migrations", entrypoint: "../functions/list-migrations/index.ts" },
    { name: "plain", entrypoint: "functions/plain/index.ts" },
  ]);
});

Deno.test("config.toml declares every function, and each entry point is in functions/", async () => {
  const root = new URL("../../../", import.meta.url);
  const declared = readFunctions(
    await Deno.readTextFile(new URL("supabase/config.toml", root)),
  );
  const folders = (await Array.fromAsync(Deno.readDir(new URL("functions/", root))))
    .filter(({ isDirectory }) => isDirectory).map(({ name }) => name);
  assertEquals(declared.map(({ name }) => name).sort(), folders.sort());
  for (const { name, entrypoint } of declared) {
    assertEquals(entrypoint, `../functions/${name}/index.ts`);
  }
});
