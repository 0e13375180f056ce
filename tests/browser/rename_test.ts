/** Renames by the page, from the list of tables to the last finalization, in a real browser. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Page } from "playwright-core";
import { accessibilityFaults, browserTest } from "../support/programs/browser.ts";
import type { TestDatabase } from "../support/servers/database.ts";
import { holdLock } from "../support/waiting.ts";

const EXPERTS =
  "create table experts (id int primary key, name text); insert into experts values (1, 'Ada')";

const kindOf = async (db: TestDatabase, name: string): Promise<string | undefined> =>
  (await db.sql`select relkind from pg_class where oid = to_regclass(${name})`)[0]?.relkind;

/** From the list of tables to the plan of a rename. */
async function planRename(page: Page, oldName: string, newName: string): Promise<void> {
  await page.getByRole("checkbox", { name: `Choose ${oldName}`, exact: true }).check();
  await page.getByRole("button", { name: "Plan the rename" }).click();
  await page.getByLabel(`New name of ${oldName}`).fill(newName);
  await page.getByRole("button", { name: "Make the plan" }).click();
}

async function apply(page: Page): Promise<void> {
  await page.getByRole("button", { name: "Apply…" }).click();
  await page.getByRole("dialog").getByRole("button", { name: /^Rename/ }).click();
}

/** The card of the change that was started last. */
const card = (page: Page) => page.getByRole("article").first();

const done = (page: Page) => card(page).getByText("Done", { exact: true }).waitFor();

/** Opens what is known of an old name. */
async function openName(page: Page, name: string): Promise<void> {
  await page.getByRole("navigation").getByRole("link", { name: "Old names" }).click();
  await page.locator(".names-toggle").filter({ hasText: name }).click();
}

browserTest("a first rename by mouse, tested, refreshed and rolled back", async ({ open, db }) => {
  await db.sql.unsafe(EXPERTS).simple();
  const { page } = await open();
  await planRename(page, "experts", "expert_profiles");
  await page.getByRole("heading", { name: "The plan" }).waitFor();
  assertEquals(await kindOf(db, "expert_profiles"), undefined);
  await page.getByRole("button", { name: "Apply…" }).click();
  const dialog = page.getByRole("dialog");
  assertMatch(
    await dialog.innerText(),
    /test project[\s\S]*experts[\s\S]*expert_profiles[\s\S]*sha256:/,
  );
  await dialog.getByRole("button", { name: /^Rename/ }).click();
  await done(page);
  assertEquals([await kindOf(db, "experts"), await kindOf(db, "expert_profiles")], ["v", "r"]);

  await openName(page, "experts");
  await page.getByRole("button", { name: "Test it" }).click();
  await page.getByText(/passed/).first().waitFor();
  assertEquals(await accessibilityFaults(page), []);

  await db.sql`alter table expert_profiles add column email text`;
  await page.getByRole("button", { name: "Check again" }).click();
  await page.getByText(/columns/).first().waitFor();
  await page.getByRole("button", { name: "Refresh: experts" }).last().click();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Refresh" }).click();
  await done(page);
  assertEquals((await db.sql`select email from experts`).length, 1);

  await openName(page, "experts");
  await page.getByRole("button", { name: "Roll back: experts" }).last().click();
  assertEquals(await accessibilityFaults(page), []);
  await page.getByRole("button", { name: "Continue" }).click();
  assertMatch(await dialog.innerText(), /test project[\s\S]*expert_profiles/);
  await dialog.getByRole("button", { name: "Roll back" }).click();
  await done(page);
  assertEquals([await kindOf(db, "experts"), await kindOf(db, "expert_profiles")], [
    "r",
    undefined,
  ]);
});

browserTest("a first rename by keyboard alone", async ({ open, db }) => {
  await db.sql.unsafe(EXPERTS).simple();
  const { page } = await open();
  await page.getByRole("checkbox", { name: "Choose experts" }).waitFor();
  /** Tab, until the element with this name has the focus. */
  const tabTo = async (name: RegExp) => {
    for (let times = 0; times < 60; times++) {
      await page.keyboard.press("Tab");
      const focused = await page.evaluate(`(() => {
        const one = document.activeElement;
        const label = one?.labels?.[0]?.textContent;
        return one?.getAttribute("aria-label") ?? label ?? one?.textContent ?? "";
      })()`) as string;
      if (name.test(focused)) return;
    }
    throw new Error(`the keyboard does not reach ${name}`);
  };
  await tabTo(/^Choose experts$/);
  await page.keyboard.press("Space");
  await tabTo(/^Plan the rename$/);
  await page.keyboard.press("Enter");
  await page.getByLabel("New name of experts").waitFor();
  await tabTo(/^New name of experts$/);
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("people");
  await tabTo(/^Make the plan/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "The plan" }).waitFor();
  await tabTo(/^Apply…$/);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("dialog").waitFor({ state: "hidden" });
  // The keyboard is where it was.
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").waitFor();
  await tabTo(/^Rename the table$/);
  await page.keyboard.press("Enter");
  await done(page);
  assertEquals(await kindOf(db, "people"), "r");
});

browserTest(
  "who is in the way is shown while a change waits, and that it is done once they have gone",
  async ({ open, db }) => {
    await db.sql.unsafe(EXPERTS).simple();
    const { page } = await open();
    const holder = await holdLock(db, "experts");
    await planRename(page, "experts", "people");
    await apply(page);
    const row = card(page).getByRole("row").filter({ hasText: String(holder.pid) });
    await row.waitFor();
    assertMatch(await row.innerText(), /postgres/);
    assertEquals(await accessibilityFaults(page), []);
    await holder.release();
    await done(page);
    await card(page).getByText("Was blocked by").waitFor();
  },
);

browserTest("a change that waits is cancelled, and nothing has changed", async ({ open, db }) => {
  await db.sql.unsafe(EXPERTS).simple();
  const { page } = await open();
  const holder = await holdLock(db, "experts");
  await planRename(page, "experts", "people");
  await apply(page);
  await card(page).getByRole("row").filter({ hasText: String(holder.pid) }).waitFor();
  await card(page).getByRole("button", { name: "Cancel" }).click();
  await card(page).getByText(/Cancelled/i).first().waitFor();
  await holder.release();
  assertEquals([await kindOf(db, "experts"), await kindOf(db, "people")], ["r", undefined]);
});

browserTest(
  "what breaks has to be accepted, each kind by a tick, before it can be applied",
  async ({ open, db }) => {
    await db.sql.unsafe(`${EXPERTS};
    create function wipe() returns void language plpgsql as 'begin truncate experts; end'`)
      .simple();
    const { page } = await open();
    await planRename(page, "experts", "people");
    await page.getByRole("heading", { name: "What breaks" }).waitFor();
    await page.getByRole("button", { name: "Apply…" }).click();
    const dialog = page.getByRole("dialog");
    const rename = dialog.getByRole("button", { name: /^Rename/ });
    assertEquals(await rename.isDisabled(), true);
    await dialog.getByLabel(/I accept this/).check();
    await rename.click();
    await done(page);
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "people")], ["v", "r"]);
  },
);

browserTest(
  "what one proposes, another reviews and applies, and exactly that",
  async ({ open, db, functions }) => {
    await db.sql.unsafe(EXPERTS).simple();
    await functions.fetch("rename", {
      method: "POST",
      headers: { "content-type": "application/json", "x-actor": "grace" },
      body: JSON.stringify({ old_name: "experts", new_name: "people", mode: "propose" }),
    });
    const { page } = await open({ path: "/plan", actor: "ada" });
    await page.getByText(/grace/).first().waitFor();
    await page.getByRole("link", { name: /Review/ }).click();
    await page.getByRole("button", { name: /^Apply/ }).first().click();
    await page.getByRole("dialog").getByRole("button", { name: /^(Apply|Rename)/ }).click();
    await done(page);
    const [{ requested_by, migrated_by, status }] = (await functions.list()).migrations;
    assertEquals([requested_by, migrated_by, status], [
      "key:default grace",
      "key:default ada",
      "active",
    ]);
  },
);

browserTest(
  "to finalize is refused while the old name is in use, and done when its name was typed",
  async ({ open, db, functions }) => {
    await db.sql.unsafe(EXPERTS).simple();
    await functions.rename({ old_name: "experts", new_name: "people" });
    await db
      .sql`create function old() returns bigint language sql as 'select count(*) from experts'`;
    const { page } = await open({ path: "/names" });
    await page.getByText("Still in use").last().waitFor();
    await page.locator(".names-toggle").click();
    await page.getByRole("button", { name: "Finalize: experts" }).last().click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText(/old_name_in_use|old_name_mentioned/).first().waitFor();
    assertEquals(await dialog.getByRole("button", { name: "Continue" }).isDisabled(), true);
    assertEquals(await accessibilityFaults(page), []);
    await page.keyboard.press("Escape");
    await db.sql`drop function old()`;

    await page.getByRole("button", { name: "Finalize: experts" }).last().click();
    await dialog.getByLabel(/days/i).fill("0");
    await dialog.getByRole("button", { name: "Continue" }).click();
    const finalize = dialog.getByRole("button", { name: "Finalize" });
    assertEquals(await finalize.isDisabled(), true);
    await dialog.getByLabel(/Type the old name/).fill("expert");
    assertEquals(await finalize.isDisabled(), true);
    await dialog.getByLabel(/Type the old name/).fill("experts");
    await finalize.click();
    await done(page);
    assertEquals([await kindOf(db, "experts"), await kindOf(db, "people")], [undefined, "r"]);
  },
);
