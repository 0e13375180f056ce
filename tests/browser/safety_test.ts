/** What keeps others out of the page, tried in a real browser. */
import { assertEquals, assertMatch } from "@std/assert";
import { browserTest } from "../support/programs/browser.ts";
import { holdLock } from "../support/waiting.ts";
import { listen } from "../../shared/local/functions/http_server.ts";

browserTest(
  "a link opens one browser; without it, or with a used one, there is a page that says what to do",
  async ({ open }) => {
    const { page, url, context, newLink } = await open();
    await page.getByRole("heading", { name: "Tables" }).waitFor();
    assertMatch(page.url(), /\/tables$/);
    const [cookie] = await context.cookies();
    assertEquals([cookie.httpOnly, cookie.sameSite], [true, "Strict"]);
    assertEquals(await page.evaluate("document.cookie"), "");
    const other = await context.browser()!.newContext();
    try {
      const stranger = await other.newPage();
      await stranger.goto(url);
      await stranger.getByRole("heading", { name: "Open the link from your terminal" }).waitFor();
      const link = newLink();
      await stranger.goto(link);
      await stranger.getByRole("heading", { name: "Tables" }).waitFor();
      const third = await context.browser()!.newContext();
      const late = await third.newPage();
      assertEquals((await late.goto(link))!.status(), 401);
      await late.getByText("This link was already used").waitFor();
      await third.close();
    } finally {
      await other.close();
    }
  },
);

browserTest(
  "a page of somebody else can neither read, nor change, nor frame anything",
  async ({ open, db }) => {
    await db.sql`create table experts (id int primary key)`;
    const { page, url, context } = await open();
    await page.getByText("experts").first().waitFor();
    const frame = `<iframe src="${url}/tables"></iframe>`;
    const evil = await listen(
      { hostname: "127.0.0.1", port: 0 },
      () => new Response(frame, { headers: { "content-type": "text/html" } }),
    );
    try {
      const foreign = await context.newPage();
      await foreign.goto(`http://127.0.0.1:${evil.port}/`);
      const tried = await foreign.evaluate(async (url) => {
        const body = JSON.stringify({ old_name: "experts", new_name: "stolen" });
        const call = (init: RequestInit) =>
          fetch(`${url}/api/functions/v1/rename`, {
            method: "POST",
            body,
            credentials: "include",
            ...init,
          })
            .then((answer) => `${answer.type} ${answer.status}`, () => "refused");
        return await Promise.all([
          call({}),
          call({ mode: "no-cors" }),
          call({ mode: "no-cors", headers: { "content-type": "text/plain" } }),
          fetch(`${url}/api/functions/v1/list-migrations`, { credentials: "include" })
            .then((answer) => answer.text(), () => "refused"),
        ]);
      }, url);
      assertEquals(tried, ["refused", "refused", "refused", "refused"]);
      const [{ experts, stolen }] = await db.sql`
        select to_regclass('experts') is not null as experts, to_regclass('stolen') is not null as stolen`;
      assertEquals([experts, stolen], [true, false]);
      // The browser's own page in place of the refused frame.
      assertMatch(foreign.frames()[1].url(), /^chrome-error:/);
    } finally {
      await evil.close();
    }
  },
);

browserTest(
  "another name for this machine gets nothing, though it leads here",
  async ({ open }) => {
    const { page, url } = await open();
    await page.getByRole("heading", { name: "Tables" }).waitFor();
    const { port } = new URL(url);
    // A name that resolves to 127.0.0.1, as an attacker's does after a while.
    const answer = await page.request.get(`${url}/api/session`, {
      headers: { host: `rebound.example:${port}` },
    });
    assertEquals([answer.status(), (await answer.json()).code], [403, "foreign_origin"]);
  },
);

browserTest("the browser runs no code but the page's own files", async ({ open, db }) => {
  await db.sql.unsafe(`create table "<img src=x onerror=""document.title=1"">" (id int)`);
  const { page, faults } = await open();
  await page.getByText("<img src=x").first().waitFor();
  const ran = await page.evaluate(`(() => {
    const script = document.createElement("script");
    script.textContent = "window.ran = true";
    document.body.append(script);
    const button = document.createElement("button");
    button.setAttribute("onclick", "window.ran = true");
    document.body.append(button);
    button.click();
    return window.ran === true;
  })()`);
  assertEquals([ran, await page.title()], [false, "Tables · test project · Table renames"]);
  // The browser says that it has refused them.
  const refused = /violates .* 'script-src 'self''/;
  assertEquals(faults.splice(0).map((text) => refused.test(text)), [true, true]);
});

browserTest(
  "what a tab has asked of one project is not asked of another that is served at its address later",
  async ({ open, db }) => {
    await db.sql`create table experts (id int primary key)`;
    const { page, serveInstead, newLink, faults } = await open({ project: "staging" });
    await page.getByRole("checkbox", { name: "Choose experts", exact: true }).check();
    await page.getByRole("button", { name: "Plan the rename" }).click();
    await page.getByLabel("New name of experts").fill("people");
    await page.getByRole("button", { name: "Make the plan" }).click();
    const holder = await holdLock(db, "experts");
    await page.getByRole("button", { name: "Apply…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: /^Rename/ }).click();
    await page.getByRole("article").first().waitFor();
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => {});

    const asked: string[] = [];
    const empty = { tables: [], tables_total: 0, migrations: [], events: [], next_cursor: null };
    serveInstead({
      project: "production",
      fetch: (input) => {
        asked.push(new URL(String(input)).pathname);
        return Promise.resolve(Response.json(empty));
      },
    });
    // In the same tab, by the new link.
    await page.goto(newLink());
    await page.getByText("production").first().waitFor();
    await page.waitForLoadState("networkidle");
    assertEquals(asked.filter((path) => path.endsWith("/rename")), []);
    assertEquals(asked.some((path) => path.endsWith("/list-migrations")), true);
    await holder.release();
    // Parts of the page that the old tab was still loading are not served any more.
    const late = faults.filter((fault) => fault.includes("dynamically imported module"));
    assertEquals(faults.splice(0), late);
  },
);
