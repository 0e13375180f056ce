/** The list of tables, in a real browser. */
import { assert, assertEquals, assertLess } from "@std/assert";
import { accessibilityFaults, browserTest } from "../support/programs/browser.ts";

/** How long the list may take to follow what is typed, in milliseconds. */
const FOLLOWS_MS = 100;

browserTest(
  "a thousand tables are listed, and filtered within 100 ms of typing",
  async ({ open, db }) => {
    await db.sql.unsafe(`do $$ begin
    for number in 1..1000 loop
      execute format('create table public.table_%s (id int)', lpad(number::text, 4, '0'));
    end loop;
  end $$`);
    const { page } = await open({ path: "/tables" });
    await page.getByText("1,000 tables").waitFor();
    const rows = page.getByRole("table", { name: "Tables" }).getByRole("row");
    // Those on the screen, with a few around them.
    assertLess(await rows.count(), 60);
    await page.getByRole("searchbox").fill("table_");
    const times: number[] = [];
    let typed = "table_";
    for (const key of "0777") {
      typed += key;
      // From the key to the first frame that shows the answer, measured where the reader sees it.
      await page.evaluate(`void (window.followed = new Promise((resolve) =>
        document.addEventListener("input", () => {
          const began = performance.now();
          const look = () => {
            const first = document.querySelector("[role=rowgroup] .name")?.textContent;
            if (first?.startsWith("${typed}")) resolve(performance.now() - began);
            else if (performance.now() > began + 5_000) resolve(Infinity);
            else requestAnimationFrame(look);
          };
          requestAnimationFrame(look);
        }, { once: true })));`);
      await page.keyboard.press(key);
      times.push(await page.evaluate("window.followed") as number);
    }
    await page.getByText("1 of 1,000 tables").waitFor();
    const middle = times.toSorted((a, b) => a - b)[1];
    assertLess(middle, FOLLOWS_MS, `milliseconds: ${times.map(Math.round)}`);
  },
);

browserTest(
  "names with markup, quotes and marks of direction are shown as they are, and chosen as they are",
  async ({ open, db }) => {
    const names = [
      "<script>alert(1)</script>",
      "say \"hi\" & 'bye'",
      "right\u202eleft",
      "a\u0000b".replace("\u0000", " "),
    ];
    for (const name of names) {
      await db.sql.unsafe(`create table "${name.replaceAll('"', '""')}" (id int)`);
    }
    const { page } = await open({ path: "/tables" });
    await page.getByText("4 tables").waitFor();
    const shown = await page.locator("[role=rowgroup] .name").allTextContents();
    assertEquals(
      shown.toSorted(),
      [names[0], names[3], "right\\u{202e}left", names[1]].toSorted(),
    );
    for (const box of await page.getByRole("rowgroup").getByRole("checkbox").all()) {
      await box.check();
    }
    const kept = JSON.parse(String(
      await page.evaluate(
        'Object.entries(sessionStorage).find(([key]) => key.endsWith(" draft"))[1]',
      ),
    ));
    assertEquals(
      kept.renames.map((one: { old_name: string }) => one.old_name).toSorted(),
      names.toSorted(),
    );
  },
);

browserTest(
  "size, rows, dependants, findings and state of a table are seen, and its details",
  async ({ open, db, functions }) => {
    await db.sql.unsafe(`
    create table orders (id int primary key, note text);
    insert into orders select n, 'x' from generate_series(1, 5000) n;
    create table customers (id int primary key);
    create view open_orders as select * from orders;
    create function late() returns bigint language sql as 'select count(*) from orders';
    analyze orders`).simple();
    await functions.rename({ old_name: "customers", new_name: "clients" });
    const { page } = await open({ path: "/tables" });
    const row = page.getByRole("row").filter({ hasText: "orders" });
    await row.getByText("5,000").waitFor();
    assert(/\d kB/.test(await row.textContent() ?? ""));
    const renamed = page.getByRole("row").filter({ hasText: "clients" });
    await renamed.getByText("active", { exact: true }).waitFor();
    await page.getByRole("searchbox").fill("customers");
    await page.getByText("1 of 2 tables").waitFor();
    await page.getByRole("searchbox").fill("");
    await row.getByRole("button", { name: "orders" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.getByText("open_orders").waitFor();
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "hidden" });
  },
);

browserTest(
  "nothing of the tables' view keeps out who uses a keyboard or a screen reader",
  async ({ open, db }) => {
    await db.sql`create table experts (id int primary key)`;
    for (const [width, scheme] of [[1280, "light"], [360, "dark"]] as const) {
      const { page } = await open({ path: "/tables", width, scheme });
      await page.getByText("experts").first().waitFor();
      await page.getByText("none").first().waitFor();
      assertEquals(await accessibilityFaults(page), [], `${width} ${scheme}`);
      await page.getByRole("button", { name: "experts" }).click();
      await page.getByRole("dialog").getByText("What depends on it").waitFor();
      assertEquals(await accessibilityFaults(page), [], `the dialog, ${width} ${scheme}`);
    }
  },
);
