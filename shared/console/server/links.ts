/** Prints the links that open the page. */
import process from "node:process";
import type { Console } from "./console.ts";

/** Prints a link, and at a terminal another one each time that Enter is pressed. Nothing waits for that. */
export function printLinks(
  { newLink }: Pick<Console, "newLink">,
  write: (text: string) => void,
): void {
  write(`Page       ${newLink()}`);
  if (!process.stdin.isTTY) return;
  write("           Enter prints a new link");
  process.stdin.on("data", () => write(`Page       ${newLink()}`));
  process.stdin.unref?.();
}
