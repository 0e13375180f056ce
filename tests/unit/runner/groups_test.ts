import { assertEquals } from "@std/assert";
import { withoutGroups } from "../../support/runner/groups.ts";

const passed = async (...chunks: string[]) => {
  const source = ReadableStream.from(chunks).pipeThrough(new TextEncoderStream());
  return await new Response(withoutGroups(source)).text();
};

Deno.test("a test's line begins with its name, however the output is cut and coloured", async () => {
  const group = "\x1b[0m\x1b[38;5;245m../../dev/shm/x/integration_03_test.ts => \x1b[0m";
  assertEquals(await passed(`${group}a name ... ok\n`), "a name ... ok\n");
  assertEquals(
    await passed("/dev/shm/x/unit_01_t", "est.ts => a name", " ... ok\n"),
    "a name ... ok\n",
  );
});

Deno.test("other lines, and a last one without an end, are passed on as they are", async () => {
  const text =
    "\n ERRORS \nan arrow => ./tests/unit/a_test.ts:1:2\nrunning 3 tests from ./tests/types/b_test.ts";
  assertEquals(await passed(text), text);
});
