/** What holds for all views: reading only, a lost connection, and use without mouse or eyes. */
import { assertEquals, assertMatch } from "@std/assert";
import { accessibilityFaults, browserTest } from "../support/programs/browser.ts";
import { holdLock } from "../support/waiting.ts";

const EXPERTS = "create table experts (id int primary key, name text)";

browserTest(
  "a lost connection is shown, and a change goes on when it is back, once",
  async ({ open, db }) => {
    await db.sql.unsafe(EXPERTS);
    const { page, setReachable, faults } = await open();
    const holder = await holdLock(db, "experts");
    await page.getByRole("checkbox", { name: "Choose experts" }).check();
    await page.getByRole("button", { name: "Plan the rename" }).click();
    await page.getByLabel("New name of experts").fill("people");
    await page.getByRole("button", { name: "Make the plan" }).click();
    await page.getByRole("button", { name: "Apply…" }).click();
    await page.getByRole("dialog").getByRole("button", { name: /^Rename/ }).click();
    const card = page.getByRole("article").first();
    await card.getByRole("row").filter({ hasText: String(holder.pid) }).waitFor();
    await setReachable(false);
    await page.getByText(/does not answer/).first().waitFor();
    await holder.release();
    await setReachable(true);
    await card.getByText("Done", { exact: true }).waitFor({ timeout: 40_000 });
    await page.getByText(/does not answer/).first().waitFor({ state: "hidden" });
    const renames = await db.sql`
    select from table_rename.sys_table_migration_events where operation = 'rename' and outcome = 'succeeded'`;
    assertEquals(renames.length, 1);
    // The browser reports each call that got no answer.
    faults.splice(0);
  },
);

browserTest(
  "read only: everything is seen, nothing can be pressed, and the server refuses what is sent all the same",
  async ({ open, db, functions }) => {
    await db.sql.unsafe(`${EXPERTS}; create table teams (id int)`).simple();
    await functions.rename({ old_name: "experts", new_name: "people" });
    const { page } = await open({ readOnly: true, path: "/names" });
    await page.getByText("read-only").first().waitFor();
    await page.locator(".names-toggle").click();
    assertEquals(await page.getByRole("button", { name: /^Test it/ }).isDisabled(), true);
    await page.getByRole("button", { name: "Roll back: experts" }).last().click();
    await page.getByRole("button", { name: "Continue" }).click();
    const rollBack = page.getByRole("dialog").getByRole("button", {
      name: "Roll back",
      exact: true,
    });
    assertEquals(await rollBack.isDisabled(), true);
    const refused = await page.evaluate(async () => {
      const answer = await fetch("/api/functions/v1/rollback", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ table: "people" }),
      });
      return [answer.status, (await answer.json()).code];
    });
    assertEquals(refused, [403, "read_only"]);
    assertEquals((await functions.list()).migrations[0].status, "active");
  },
);

browserTest(
  "what a tab has kept and cannot be read does not leave the page blank",
  async ({ open, db }) => {
    await db.sql.unsafe(EXPERTS);
    const { page, faults } = await open({ path: "/tables" });
    await page.getByRole("checkbox", { name: "Choose experts" }).check();
    await page.evaluate(`for (const key of Object.keys(sessionStorage)) {
    const kept = JSON.parse(sessionStorage.getItem(key));
    if (kept?.renames) sessionStorage.setItem(key, JSON.stringify({ ...kept, renames: 5 }));
  }`);
    await page.reload();
    await page.getByRole("heading", { name: "The page has a fault" }).waitFor();
    await page.getByRole("button", { name: "Start over" }).click();
    await page.getByRole("checkbox", { name: "Choose experts" }).waitFor();
    assertEquals(faults.splice(0).length > 0, true);
  },
);

for (
  const [width, scheme] of [[1280, "light"], [360, "dark"], [2560, "dark"], [360, "light"]] as const
) {
  browserTest(
    `no view keeps out who uses a keyboard or a screen reader, ${width} px wide and ${scheme}`,
    async ({ open, db, functions }) => {
      await db.sql.unsafe(`${EXPERTS}; create table teams (id int); create table clubs (id int);
      create view members as select * from experts;
      create function late() returns bigint language sql as 'select count(*) from teams'`).simple();
      await functions.rename({ old_name: "experts", new_name: "people" });
      await functions.rename({ old_name: "clubs", new_name: "societies", mode: "propose" });
      const { page } = await open({ width, scheme });
      const head = (name: string) => page.getByRole("heading", { level: 1, name }).waitFor();
      const check = async (where: string) => {
        assertEquals(await accessibilityFaults(page), [], where);
        const sizes = await page.evaluate(
          "[document.documentElement.scrollWidth, document.documentElement.clientWidth]",
        ) as number[];
        assertEquals(sizes[0] <= sizes[1], true, `${where} is wider than the screen: ${sizes}`);
      };
      await head("Tables");
      await page.getByRole("checkbox", { name: "Choose teams" }).check();
      await check("Tables");
      const views = page.getByRole("navigation", { name: "Views" });
      await views.getByRole("link", { name: "Plan" }).click();
      await page.getByLabel("New name of teams").fill("crews");
      await page.getByRole("button", { name: "Make the plan" }).click();
      await page.getByRole("heading", { name: "The plan" }).waitFor();
      await page.getByText("late()").first().waitFor();
      await check("Plan");
      for (const name of ["Live", "Old names", "Campaign", "Events"]) {
        await views.getByRole("link", { name, exact: true }).click();
        await head(name);
        await page.getByText(name === "Live" ? /held/ : /experts/).first().waitFor();
        await check(name);
      }
      await page.goBack();
      await head("Campaign");
      assertMatch(await page.title(), /^Campaign · /);
    },
  );
}
