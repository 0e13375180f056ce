import { assertEquals } from "@std/assert";
import pc from "picocolors";
import { commandLine } from "../../shared/cli/command_line.ts";
import { describeStatements } from "../../shared/cli/show_statements.ts";
import { paragraph, table, wantsColors } from "../../shared/cli/terminal.ts";

const plain = { colors: pc.createColors(false), width: Infinity };

Deno.test("commands that are printed can be pasted into a shell", async () => {
  const odd = ["a", "a b", "it's", "$HOME", "", "a\nb'\\\x1b", "--x=1", "ü"];
  const line = commandLine(odd);
  assertEquals(line.includes("\n"), false);
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", line.replace("npm run cli --", "printf '%s\\0'")],
    env: { LC_ALL: "C.UTF-8" },
  }).output();
  assertEquals(new TextDecoder().decode(stdout).split("\0").slice(0, -1), odd);
});

Deno.test("colours are for terminals, unless the environment says otherwise", () => {
  const wanted = (isTerminal: boolean, env: Record<string, string> = {}) =>
    wantsColors(isTerminal, (name) => env[name]);
  assertEquals(wanted(true), true);
  assertEquals(wanted(false), false);
  assertEquals(wanted(true, { NO_COLOR: "1" }), false);
  assertEquals(wanted(true, { TERM: "dumb" }), false);
  assertEquals(wanted(false, { FORCE_COLOR: "1" }), true);
  assertEquals(wanted(true, { NO_COLOR: "1", FORCE_COLOR: "1" }), false);
});

Deno.test("statements keep their lines, and checks are one line until they are asked for", () => {
  const statements = [
    { sql: "create view v as\n  select 1", purpose: "Make it" },
    { sql: "do $check1$\nbegin\nend $check1$", purpose: "Look" },
  ];
  const shown = (verbose: boolean) =>
    describeStatements(statements, plain, { planned: true, verbose });
  const first = "Statements\n-- Make it\ncreate view v as\n  select 1;\n";
  assertEquals(shown(false), `${first}-- Look (3 lines, shown with --verbose)`);
  assertEquals(shown(true), `${first}-- Look\ndo $check1$\nbegin\nend $check1$;`);
});

Deno.test("a table fits the terminal: what is too wide goes to a further line of its row", () => {
  const rows = [["1", "", "aaaa", "bbbbbbbb"], ["22", null, "a", "b"]];
  const head = ["ID", "NONE", "LEFT", "RIGHT"];
  assertEquals(table(head, rows, plain), "  ID  LEFT  RIGHT\n  1   aaaa  bbbbbbbb\n  22  a     b");
  assertEquals(
    table(head, rows, { ...plain, width: 14 }),
    "  ID  LEFT\n      RIGHT\n  1   aaaa\n      bbbbbbbb\n  22  a\n      b",
  );
  assertEquals(
    table(["A"], [["x".repeat(30)]], { ...plain, width: 5 }),
    `  A\n  ${"x".repeat(30)}`,
  );
});

Deno.test("a paragraph is broken at spaces on a terminal, and never elsewhere", () => {
  const text = "one two three four five six seven";
  const long = `${text} `.repeat(9);
  assertEquals(paragraph(long, Infinity, 2), `  ${long}`);
  assertEquals(paragraph(text, 24, 2), "  one two three four\n  five six seven");
  assertEquals(paragraph("x".repeat(50), 24), "x".repeat(50));
});
