import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";
import { headOf } from "../../support/runner/options.ts";

const PROGRAMS = [
  "tests/run.ts",
  "tests/load/soak.ts",
  "tests/load/fuzz.ts",
  "tests/attack/main.ts",
  "tests/bench/main.ts",
  "tests/bench/types.ts",
  "tests/browser/pictures.ts",
];

Deno.test("the help of a program is the comment at the head of its file", () => {
  assertEquals(
    headOf("/**\n * `a`: does it.\n *\n * --b   more\n */\ncode();"),
    "`a`: does it.\n\n--b   more",
  );
  assertEquals(headOf("/** One line. */"), "One line.");
});

for (const program of PROGRAMS) {
  Deno.test(`${program} --help says how it is called and does nothing; an unknown option is refused`, async () => {
    const run = async (option: string) => {
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "-A", "--no-check", program, option],
        cwd: ROOT_FOLDER,
      }).output();
      const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      return { code, stdout: decode(stdout), stderr: decode(stderr) };
    };
    const help = await run("--help");
    assertEquals(help.code, 0);
    assertEquals(help.stdout.trim(), headOf(await Deno.readTextFile(join(ROOT_FOLDER, program))));
    // One leaves others to `deno test`, the other has no options.
    if (program === "tests/run.ts" || program.endsWith("pictures.ts")) return;
    const unknown = await run("--unheard-of");
    assertEquals(unknown.code, 2);
    assertMatch(unknown.stderr, /--unheard-of[\s\S]*--help/);
  });
}
