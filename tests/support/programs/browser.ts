/** The page in a real browser, before a test's own database. */
import { assertEquals } from "@std/assert";
import axe from "axe-core";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { type ConsoleOptions, createConsole } from "../../../shared/console/server/console.ts";
import { listen } from "../../../shared/local/functions/http_server.ts";
import { findFreePort } from "../../../shared/local/port.ts";
import { CHROMIUM, launchChromium, NO_CHROMIUM } from "./chromium.ts";
import { databaseTest, type TestDatabase } from "../servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../http/functions.ts";

/** How long an element of the page is waited for, in milliseconds: the machine may be busy. */
const PATIENCE_MS = 15_000;

export interface OpenPage extends AsyncDisposable {
  page: Page;
  context: BrowserContext;
  /** `http://127.0.0.1:PORT`. */
  url: string;
  /** Errors in the browser's console so far; if any is left at the end, the test fails. */
  faults: string[];
  /** Makes another link that opens the page once. */
  newLink(): string;
  /** From now on another project is served at this address, as if the command had been started again. */
  serveInstead(options: Partial<ConsoleOptions>): void;
  /** From now on calls of the page fail as if nothing answered, or work again. */
  setReachable(reachable: boolean): Promise<void>;
}

export interface BrowserTestContext {
  db: TestDatabase;
  functions: Functions;
  /** Serves the page and opens it in a browser that knows nothing of the other tests. */
  open(options?: OpenOptions): Promise<OpenPage>;
}

interface OpenOptions extends Partial<ConsoleOptions> {
  /** Path of the view. Default: `/`. */
  path?: string;
  width?: number;
  height?: number;
  scheme?: "light" | "dark";
}

let browser: Promise<Browser> | undefined;

const launched = () => browser ??= launchChromium();

/** Registers a test of the page; where there is no Chromium, it is skipped, which its name says. */
export function browserTest(
  name: string,
  body: (context: BrowserTestContext) => Promise<void>,
): void {
  const ignore = CHROMIUM === undefined ? NO_CHROMIUM : undefined;
  // The browser outlives the test, with its process and its connections.
  const options = { ignore, sanitizeOps: false, sanitizeResources: false };
  databaseTest(name, options, async ({ db }) => {
    // What a closed browser no longer waits for is no fault.
    await using functions = functionsFor(db.url, { logLevel: "silent" });
    const opened: OpenPage[] = [];
    try {
      await body({
        db,
        functions,
        open: async (options = {}) => {
          const one = await openPage(functions, options);
          opened.push(one);
          return one;
        },
      });
    } finally {
      for (const one of opened) await one[Symbol.asyncDispose]();
    }
  });
}

async function openPage(functions: Functions, options: OpenOptions): Promise<OpenPage> {
  const { path = "/", width = 1280, height = 900, scheme = "light", ...more } = options;
  let reachable = true;
  const port = await findFreePort();
  const made = (more: Partial<ConsoleOptions>) =>
    createConsole({
      url: "http://project.test",
      key: SECRET_KEY,
      readOnly: false,
      port,
      project: "test project",
      fetch: async (input, init) => {
        const { pathname, search } = new URL(String(input));
        const headers = Object.fromEntries(new Headers(init?.headers));
        return await functions.fetch(pathname.split("/").at(-1)!, {
          ...init,
          headers,
          query: search,
        });
      },
      ...more,
    });
  let served = made(more);
  const server = await listen(
    { hostname: "127.0.0.1", port },
    (request) =>
      reachable ? served.fetch(request) : Promise.reject(new Error("the network is cut")),
  );
  const context = await (await launched()).newContext({
    viewport: { width, height },
    colorScheme: scheme,
    permissions: ["clipboard-read", "clipboard-write"],
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("pageerror", ({ message }) => faults.push(message));
  page.on("console", (message) => {
    // What the network did is tested where it matters.
    if (message.type() === "error" && !message.text().startsWith("Failed to load resource")) {
      faults.push(message.text());
    }
  });
  const url = `http://127.0.0.1:${port}`;
  await page.goto(served.newLink());
  if (path !== "/") await page.goto(url + path);
  return {
    page,
    context,
    url,
    faults,
    newLink: () => served.newLink(),
    serveInstead: (options) => void (served = made(options)),
    async setReachable(value) {
      reachable = value;
      await context.setOffline(!value);
    },
    async [Symbol.asyncDispose]() {
      await context.close();
      await server.close();
      assertEquals(faults, [], "errors in the browser's console");
    },
  };
}

/** What axe-core finds wrong for people who use a keyboard or a screen reader. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  // Not as an element of the page, which its policy forbids.
  await page.evaluate(axe.source);
  const found = await page.evaluate(
    "axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })",
  ) as axe.AxeResults;
  return found.violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ html, failureSummary }) => `${html}: ${failureSummary}`).join("; ")}`
  );
}
