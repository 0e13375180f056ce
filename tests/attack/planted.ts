/** Objects that other roles plant under the names that our statements use: the matrix is a test of its own. */
import type { Report } from "./report.ts";

const ROOT = new URL("../../", import.meta.url);

/** Where the matrix is. */
const TESTS = "tests/integration/security";
const MATRIX = /planted.*_test\.ts$/;

/** Runs the matrix on the versions given; where this checkout has none, that is said, and nothing is counted. */
export async function attackByPlantedObjects(versions: number[], report: Report): Promise<void> {
  const files = (await Array.fromAsync(Deno.readDir(new URL(TESTS, ROOT))))
    .map(({ name }) => name).filter((name) => MATRIX.test(name)).sort();
  if (files.length === 0) {
    report.say("  NOT RUN: there is no matrix of planted objects in this checkout.");
    return;
  }
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "tests/run.ts", ...files.map((name) => `${TESTS}/${name}`)],
    cwd: ROOT,
    env: {
      PG_VERSIONS: versions.filter((version) => version !== 18).join(",") || "17",
      TEST_PG_18: versions.includes(18) ? "1" : "",
      TEST_FULL: "1",
      NO_COLOR: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) text += part;
  const { success } = await child.status;
  const [, passed = "0", failed = "0"] = /(\d+) passed, (\d+) failed/.exec(
    text.trim().split("\n").at(-1) ?? "",
  ) ?? [];
  report.held("tests of planted objects", Number(passed));
  if (!success || Number(passed) === 0) {
    report.failed("planted objects", `${failed} tests failed: ${text.slice(-2_000)}`);
  }
}
