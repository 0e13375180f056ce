/**
 * `npm run pictures [-- FOLDER]`: starts an embedded PostgreSQL with the tables of a shop, renames some of them, and takes
 * pictures of the page's six views: light and dark, 1280 and 360 pixels wide. They are written to FOLDER, or to a
 * temporary folder, which is printed. The two of the README are written to shared/guides/pictures.
 */
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { type Console, createConsole } from "../../shared/console/server/console.ts";
import { type Stack, startStack } from "../../shared/local/stack.ts";
import type { CampaignPhase } from "../../shared/report/campaign.ts";
import { CHROMIUM, launchChromium, NO_CHROMIUM } from "../support/programs/chromium.ts";
import { runMain } from "../support/programs/cli.ts";
import { makeShop, PROJECT_FILE } from "./example_shop.ts";
import { helpIfAsked } from "../support/runner/options.ts";

const VIEWS = ["tables", "plan", "live", "names", "campaign", "events"];
const SCHEMES = ["light", "dark"] as const;
const SIZES = { wide: { width: 1280, height: 860 }, narrow: { width: 360, height: 780 } };

/** Runs in the page. */
const scrollToTop = (element: { scrollIntoView(): void }) => element.scrollIntoView();

/** What somebody does first in a view. */
const FIRST: Record<string, (page: Page) => Promise<void>> = {
  async plan(page) {
    await page.getByRole("button", { name: "Make the plan" }).click();
    await shown(page);
    await page.getByRole("heading", { name: "The plan" }).evaluate(scrollToTop);
    await page.mouse.wheel(0, -30);
  },
  async names(page) {
    await page.getByRole("button", { name: /^Test all/ }).click();
    await page.getByText("passed", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: /customers/ }).first().click();
  },
};

const OF_README = ["plan", "names"];
const README_SIZE = { width: 1280, height: 640 };
const README_FOLDER = new URL("../../shared/guides/pictures/", import.meta.url);

/** How long a view may take to show its data, in milliseconds. */
const PATIENCE_MS = 30_000;

/** How long plots and graphs move after that, in milliseconds. */
const SETTLE_MS = 1_200;

async function main(): Promise<number> {
  helpIfAsked(import.meta.url);
  if (CHROMIUM === undefined) {
    console.error(NO_CHROMIUM);
    return 1;
  }
  const folder = Deno.args[0] ?? await Deno.makeTempDir({ prefix: "table-rename-pictures-" });
  await Deno.mkdir(folder, { recursive: true });
  await Deno.mkdir(README_FOLDER, { recursive: true });
  const dir = await Deno.makeTempDir({ prefix: "table-rename-shop-" });
  // The database server's own user has to pass through it.
  if (Deno.build.os !== "windows") await Deno.chmod(dir, 0o711);
  for (const name of ["SUPABASE_SECRET_KEYS", "SUPABASE_PUBLISHABLE_KEYS", "SUPABASE_URL"]) {
    Deno.env.delete(name);
  }
  Deno.env.set("LOG_LEVEL", "silent");
  let stack: Stack | undefined;
  let browser: Browser | undefined;
  try {
    let page: Console | undefined;
    stack = await startStack(
      { port: 0, postgresPort: 0, postgresVersion: 17, dir },
      console.error,
      ({ url, port, secretKey: key }) => {
        page = createConsole({
          url,
          port,
          key,
          project: "shop",
          readOnly: false,
          actor: "ada",
          campaign: () => phasesOf(url, key, dir),
        });
        return page.fetch;
      },
    );
    await Deno.writeTextFile(join(dir, "table-rename.json"), JSON.stringify(PROJECT_FILE));
    await makeShop(stack);
    browser = await launchChromium();
    await takePictures(await openPage(browser, page!), folder);
    console.log(folder);
    return 0;
  } finally {
    await browser?.close();
    await stack?.stop();
    await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
}

/** The phases of the project file, as the command says. */
async function phasesOf(url: string, key: string, dir: string): Promise<CampaignPhase[]> {
  const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: key };
  const { stdout, stderr } = await runMain(["status", "--json"], env, { cwd: dir });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout).phases;
}

async function openPage(browser: Browser, served: Console): Promise<Page> {
  const context = await browser.newContext({ viewport: SIZES.wide, reducedMotion: "reduce" });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  await page.goto(served.newLink());
  // The plan needs tables in the draft.
  await page.goto(new URL("/campaign", page.url()).href);
  await page.getByRole("region", { name: "orders" })
    .getByRole("button", { name: /^Plan the rest/ }).click();
  await page.waitForURL(/\/plan/);
  return page;
}

async function takePictures(page: Page, folder: string): Promise<void> {
  for (const view of VIEWS) {
    for (const scheme of SCHEMES) {
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme: scheme });
        await page.goto(new URL(`/${view}`, page.url()).href);
        await shown(page);
        await FIRST[view]?.(page);
        await shown(page);
        const picture = await page.screenshot();
        await Deno.writeFile(join(folder, `${view}_${scheme}_${size}.png`), picture);
        if (OF_README.includes(view) && scheme === "light" && size === "wide") {
          const clip = { x: 0, y: 0, ...README_SIZE };
          const part = await page.screenshot({ clip });
          await Deno.writeFile(new URL(`console_${view}.png`, README_FOLDER), part);
        }
      }
    }
  }
}

/** Waits until the view shows its data, and stands still. */
async function shown(page: Page): Promise<void> {
  await page.getByRole("heading", { level: 1 }).waitFor();
  await page.locator(".loading").first().waitFor({ state: "detached" });
  await page.waitForLoadState("networkidle");
  await page.waitForTimeout(SETTLE_MS);
}

Deno.exit(await main());
