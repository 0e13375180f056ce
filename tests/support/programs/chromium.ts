/** The Chromium of this machine, for tests and pictures of the page. */
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const PLACES = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Its path; undefined where there is none. */
export const CHROMIUM = Deno.env.get("CHROMIUM") ?? PLACES.find((path) => existsSync(path));

export const NO_CHROMIUM = "no Chromium on this machine: apt-get install chromium, or set CHROMIUM";

export const launchChromium = (): Promise<Browser> =>
  chromium.launch({
    executablePath: CHROMIUM,
    // It may run as root, where Chromium has no sandbox.
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
