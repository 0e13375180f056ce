/** `console` and `serve`: the page before a project, as a user starts it. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { listen } from "../../../shared/local/functions/http_server.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";

/** Starts a command, and gives what it printed once that has a link. */
async function started(args: string[], env: Record<string, string>, cwd?: string) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", join(ROOT_FOLDER, "shared/cli/main.ts"), ...args],
    env: { NO_COLOR: "1", ...env },
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const [out, err] = [child.stdout, child.stderr].map((stream) =>
    stream.pipeThrough(new TextDecoderStream()).getReader()
  );
  let said = "";
  while (!/Page +\S+token=/.test(said)) {
    const { value, done } = await out.read();
    if (done) throw new Error(`${said}${(await err.read()).value}`);
    said += value;
  }
  const [, link] = /Page +(\S+)/.exec(said)!;
  return {
    said,
    link,
    /** Ends it, and gives its exit code and what it wrote as an error. */
    async stop() {
      child.kill("SIGTERM");
      const { code } = await child.status;
      let errors = "";
      for (let part = await err.read(); !part.done; part = await err.read()) errors += part.value;
      await out.cancel();
      return { code, errors };
    },
  };
}

async function signIn(link: string) {
  const opened = await fetch(link, { redirect: "manual" });
  await opened.body?.cancel();
  const cookie = opened.headers.get("set-cookie")!.split(";")[0];
  const { origin } = new URL(link);
  return async (path: string, init: RequestInit = {}) => {
    const response = await fetch(origin + path, {
      ...init,
      headers: { cookie, origin, "content-type": "application/json", ...init.headers },
    });
    return { status: response.status, body: await response.json() };
  };
}

databaseTest(
  "console shows a project with deployed functions, with its phases, and keeps its key",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key)`;
    const project = await listen({ hostname: "127.0.0.1", port: 0 }, async (request) => {
      const { pathname, search } = new URL(request.url);
      const { method, headers } = request;
      const body = method === "GET" ? undefined : await request.text();
      return await functions.fetch(pathname.split("/").at(-1)!, {
        ...{ method, body, query: search },
        headers: Object.fromEntries(headers),
      });
    });
    const dir = await Deno.makeTempDir();
    const phases = [{ name: "people", renames: [{ from: "experts", to: "profiles" }] }];
    await Deno.writeTextFile(join(dir, "table-rename.json"), JSON.stringify({ phases }));
    const env = {
      SUPABASE_URL: `http://127.0.0.1:${project.port}`,
      SUPABASE_SECRET_KEY: SECRET_KEY,
    };
    const page = await started(["console", "--port", "0", "--read-only"], env, dir);
    try {
      const call = await signIn(page.link);
      assertEquals((await call("/api/session")).body, {
        project: `127.0.0.1:${project.port}`,
        url: env.SUPABASE_URL,
        readOnly: true,
        hasPhases: true,
      });
      const [phase] = (await call("/api/campaign")).body;
      assertEquals([phase.name, phase.tables[0].state], ["people", "not_begun"]);
      const change = { old_name: "experts", new_name: "profiles" };
      const post = (body: unknown) =>
        call("/api/functions/v1/rename", { method: "POST", body: JSON.stringify(body) });
      assertEquals((await post({ ...change, mode: "plan" })).status, 200);
      assertEquals((await post(change)).body.code, "read_only");
      assert(!page.said.includes(SECRET_KEY), page.said);
    } finally {
      const { code, errors } = await page.stop();
      assertEquals([code, errors], [0, ""]);
      await project.close();
      await Deno.remove(dir, { recursive: true });
    }
  },
);

databaseTest(
  "a page that others can reach is warned of, and still opens by its link alone",
  async ({ db }) => {
    const page = await started(
      ["serve", "--db-url", db.url, "--port", "0", "--host", "0.0.0.0"],
      { LOCAL_DIR: await Deno.makeTempDir(), SUPABASE_SECRET_KEYS: "" },
    );
    const { port } = new URL(page.link);
    try {
      assertEquals((await fetch(`http://127.0.0.1:${port}/tables`)).status, 401);
    } finally {
      const { code, errors } = await page.stop();
      assertEquals(code, 0);
      assertMatch(errors, /Warning: the page listens on 0\.0\.0\.0, without encryption/);
    }
  },
);
