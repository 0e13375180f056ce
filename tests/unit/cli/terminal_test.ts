import { assertEquals } from "@std/assert";
import pc from "picocolors";
import { commandLine } from "../../../shared/cli/arguments/command_line.ts";
import { optionWords } from "../../../shared/cli/arguments/option_words.ts";
import { printed } from "../../../shared/cli/terminal/print.ts";
import { wantsColors } from "../../../shared/cli/terminal/terminal.ts";
import { type Block, documentOf, table } from "../../../shared/report/document/document.ts";

const shown = (
  block: Block | null,
  width = Infinity,
  how: { verbose?: boolean; sql?: boolean } = {},
) => printed(documentOf([[block]]), { colors: pc.createColors(false), width, ...how });

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

Deno.test("statements are shown if they are asked for, and checks with everything else", () => {
  const statements = [
    { sql: "create view v as\n  select 1", purpose: "Make it", isCheck: false },
    { sql: "do $check1$\nbegin\nend $check1$", purpose: "Look", isCheck: true },
  ];
  const all = (how: { verbose?: boolean; sql?: boolean }) =>
    shown({ is: "statements", statements, planned: true }, Infinity, how);
  const first = "Statements\n-- Make it\ncreate view v as\n  select 1;";
  assertEquals(all({}), "");
  assertEquals(all({ sql: true }), first);
  assertEquals(all({ verbose: true }), `${first}\n-- Look\ndo $check1$\nbegin\nend $check1$;`);
});

Deno.test("a table fits the terminal: what is too wide goes to a further line of its row", () => {
  const rows = [["1", "", "aaaa", "bbbbbbbb"], ["22", null, "a", "b"]];
  const head = ["ID", "NONE", "LEFT", "RIGHT"];
  const inColumns = (width?: number) => shown(table(head, rows), width);
  assertEquals(inColumns(), "  ID  LEFT  RIGHT\n  1   aaaa  bbbbbbbb\n  22  a     b");
  assertEquals(
    inColumns(14),
    "  ID  LEFT\n      RIGHT\n  1   aaaa\n      bbbbbbbb\n  22  a\n      b",
  );
  assertEquals(
    shown(table(["A"], [["x".repeat(30)]]), 5),
    `  A\n  ${"x".repeat(30)}`,
  );
});

Deno.test("a paragraph is broken at spaces on a terminal, and never elsewhere", () => {
  const text = "one two three four five six seven";
  const long = `${text} `.repeat(9);
  const inParagraph = (text: string, width?: number) => shown({ is: "text", text }, width);
  assertEquals(inParagraph(long), long);
  assertEquals(inParagraph(text, 22), "one two three four\nfive six seven");
  assertEquals(inParagraph("x".repeat(50), 24), "x".repeat(50));
});

Deno.test("what endpoints say of fields, commands say of options", () => {
  const words = {
    'To end it all the same, send "acknowledge": ["old_name_in_use"].':
      "To end it all the same, add --acknowledge old_name_in_use.",
    'roll back {"migration_id": "m-1", "acknowledge": ["table_missing"]}.':
      "roll back --migration-id m-1 --acknowledge table_missing.",
    'send "quiet_for_days": 0, "compatibility_view": false or "relocate": true':
      "add --quiet-for-days 0, --no-view or --relocate",
    "Try again with a longer max_wait_ms.": "Try again with a longer --max-wait.",
    'send "record_history": "never"': "add --no-history",
    'made with "compatibility_view": true': 'made with "compatibility_view": true',
    '"renames.3.new_name" is not valid: too long': "The new name is not valid: too long",
    'There is no table "public"."max_wait_ms".': 'There is no table "public"."max_wait_ms".',
    'the setting {"a": 1} of "acknowledge"': 'the setting {"a": 1} of "acknowledge"',
  };
  for (const [text, expected] of Object.entries(words)) assertEquals(optionWords(text), expected);
});
