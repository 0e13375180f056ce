import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { createRenameClient } from "../../../shared/client/client.ts";
import { runMain, withProject } from "../../support/programs/cli.ts";
import { databaseTest } from "../../support/servers/database.ts";
import {
  createEverythingSchema,
  EVERYTHING_ACKNOWLEDGED,
} from "../../support/catalog/everything_schema.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { readFlowchart, readMarkdown } from "../../support/documents/markdown.ts";

const ITEMS = { schema: "app", old_name: "items", new_name: "things" };

const asked = async (
  functions: Functions,
  name: string,
  body: unknown,
  headers: Record<string, string> = {},
) => {
  const response = await functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "text/markdown", ...headers },
    body: JSON.stringify(body),
  });
  return {
    status: response.status,
    type: response.headers.get("content-type"),
    replayed: response.headers.get("idempotency-replayed"),
    text: await response.text(),
  };
};

databaseTest(
  "a plan is available as Markdown, and can be applied from what it contains",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await createEverythingSchema(db);
    const planned = await asked(functions, "rename", { ...ITEMS, mode: "plan" });
    assertEquals([planned.status, planned.type], [200, "text/markdown; charset=utf-8"]);
    const read = readMarkdown(planned.text);
    const graph = await readFlowchart(
      read.blocks.find(({ language }) => language === "mermaid")!.text,
    );
    const labels = [...graph.nodes.values()].map(({ label }) => label);
    assert(labels.includes("table app.items\nto be things"), labels.join("\n\n"));
    // The views follow the table, so nothing of them is drawn.
    assertEquals(labels.some((label) => label.includes("items_on_view")), false);
    assertEquals(
      graph.edges.filter(({ label }) => label === "breaks").map(({ from }) =>
        graph.nodes.get(from)!.label
      ),
      ["publication\nsupabase_realtime"],
    );

    // Without an acknowledgement it is refused, in Markdown as well.
    const refused = await asked(functions, "rename", ITEMS);
    assertEquals([refused.status, refused.type], [409, "text/markdown; charset=utf-8"]);
    for (const code of EVERYTHING_ACKNOWLEDGED) {
      assertStringIncludes(refused.text, `- **breaking** \`${code}\``);
    }
    const fields = JSON.parse(read.blocks.find(({ language }) => language === "json")!.text);
    const key = { "idempotency-key": "k" };
    const applied = await asked(functions, "rename", { ...ITEMS, ...fields }, key);
    assertEquals(applied.status, 200, applied.text);
    assertStringIncludes(applied.text, "## Renamed 1 table");
    assertStringIncludes(applied.text, fields.expected_plan_hash);
    // An answer that is given again is the same, in whichever form it is asked for.
    const again = await asked(functions, "rename", { ...ITEMS, ...fields }, key);
    assertEquals([again.replayed, again.text], ["true", applied.text]);

    const way = JSON.parse(
      readMarkdown(applied.text).blocks.find(({ language }) => language === "json")!.text,
    );
    const back = await asked(functions, "rollback", { ...way, mode: "plan" });
    assertStringIncludes(back.text, "## Plan: rollback of the rename of 1 table");
  },
);

databaseTest(
  "what is built on the view is drawn as repointed when the view goes",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    await functions.rename({ old_name: "experts", new_name: "expert_profiles" });
    await db.sql`create view expert_ids as select id from experts`;
    for (const operation of ["rollback", "finalize"]) {
      const body = { table: "experts", mode: "plan", acknowledge: ["old_name_in_use"] };
      const { text } = await asked(functions, operation, body);
      const { nodes, edges } = await readFlowchart(
        readMarkdown(text).blocks.find(({ language }) => language === "mermaid")!.text,
      );
      assertEquals(
        edges.filter(({ label }) => label === "repointed").map(({ from }) =>
          nodes.get(from)!.label
        ),
        ["view public.expert_ids"],
      );
    }
  },
);

databaseTest("the commands print plans and refusals as Markdown", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await createEverythingSchema(db);
  await withProject(async (request) => {
    const { pathname, search } = new URL(request.url);
    return functions.fetch(pathname.replace("/functions/v1/", ""), {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      query: search,
      ...(request.method === "POST" && { body: await request.text() }),
    });
  }, async (url) => {
    const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: SECRET_KEY };
    const command = ["rename-table", "items", "things", "--schema", "app", "--markdown"];
    const planned = await runMain([...command, "--plan"], env);
    assertEquals([planned.code, planned.stderr], [5, ""]);
    const shell = readMarkdown(planned.stdout).blocks.find(({ language }) => language === "sh")!;
    assertMatch(shell.text, /^npm run cli -- rename-table --acknowledge \S+ --expected-plan-hash /);
    assert(!/--plan |--plan$|--markdown/.test(shell.text), shell.text);

    const refused = await runMain([...command, "--quiet"], env);
    assertEquals([refused.code, refused.stderr], [5, ""]);
    assertStringIncludes(refused.stdout, "## Not done: Something would break");

    const applied = await runMain(shell.text.replace("npm run cli -- ", "").split(" "), env);
    assertEquals(applied.code, 0, applied.stderr);
    const both = await runMain(["rollback-rename", "items", "--json", "--markdown"], env);
    assertEquals(both.code, 2);

    // The client has problems as errors, also where it asks for Markdown.
    const client = createRenameClient({ url, key: SECRET_KEY });
    const error = await client.verifyReport({ migration_id: crypto.randomUUID() })
      .catch((error) => error);
    assertEquals(error.code, "migration_not_found");
  });
});
