import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { whyUnreachable } from "../../../shared/cli/database_unreachable.ts";
import { inPlaces } from "../../../shared/cli/files/places.ts";
import { olderNode } from "../../../shared/cli/node_version.ts";
import { toProblem } from "../../../shared/postgres/database_problems.ts";
import { KEY, runMain, withProject } from "../../support/programs/cli.ts";

const failed = (code: string) => Object.assign(new Error("login of ada at db.example"), { code });

Deno.test("the command says why a database cannot be used, and never with a password", () => {
  const texts = ["28P01", "3D000", "ECONNREFUSED", "ENOTFOUND", "CONNECT_TIMEOUT"].map((code) => {
    const problem = toProblem(failed(code));
    assertEquals(problem.code, "database_unavailable");
    assert(!problem.message.includes("ada"));
    const why = whyUnreachable(problem.fields.error_code, "db.example:5432/shop")!;
    assertStringIncludes(why.detail, `db.example:5432/shop (${code})`);
    return why.hint;
  });
  assertEquals(new Set(texts).size, 5);
  assertEquals(whyUnreachable("toString", "x"), undefined);
});

Deno.test("an older Node.js is refused with the version that is needed, which is that of the package", async () => {
  const { engines } = JSON.parse(await Deno.readTextFile("package.json"));
  assertEquals(engines.node, ">=20");
  assertEquals(
    olderNode("18.20.4"),
    "table-rename needs Node.js 20 or later; this is 18.20.4",
  );
  assertEquals(olderNode("20.0.0"), null);
  assertEquals(olderNode("24.21.0"), null);
});

Deno.test("a refused key is answered with the variable that holds it, and where the local one is", async () => {
  await withProject(
    () =>
      Response.json({
        ...{ type: "x", title: "No", status: 401, code: "unauthorized" },
        ...{ detail: "The credentials are not valid.", hint: "Send it in the apikey header." },
      }, { status: 401 }),
    async (url) => {
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY, LOCAL_DIR: "/tmp/kept" };
      const { code, stderr } = await runMain(["list-migrations"], env, { width: 200 });
      assertEquals(code, 3);
      assertStringIncludes(stderr, "Set SUPABASE_SECRET_KEY");
      assertStringIncludes(stderr, "/tmp/kept/keys.json");
      assert(!stderr.includes("apikey"), stderr);
    },
  );
});

Deno.test("a name that a file has twice is reported with the line of the other", () => {
  const places = ["r.csv, line 2", "r.csv, line 4"];
  assertEquals(
    inPlaces("the name is already used by renames[0]; rename in several requests", places),
    "the name is already used in line 2; rename in several requests",
  );
  assertEquals(inPlaces("used by renames[7]", places), "used by renames[7]");
});
