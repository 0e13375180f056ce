import { assertEquals, assertRejects } from "@std/assert";
import { callerPath } from "../../../shared/cli/files/paths.ts";
import { fileError } from "../../../shared/cli/files/check_renames.ts";
import { UsageError } from "../../../shared/cli/exit_codes.ts";
import { RenameError } from "../../../shared/client/client.ts";
import { Problem } from "../../../shared/contract/problems.ts";
import { readRenamesFile, type RenamesFile } from "../../../shared/cli/files/renames_file.ts";

/** Reads a file with this name and content; paths in what comes back are only its name. */
async function read(name: string, content: string | Uint8Array): Promise<RenamesFile> {
  const dir = await Deno.makeTempDir({ prefix: "renames-" });
  try {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    await Deno.writeFile(`${dir}/${name}`, bytes);
    const { renames, places, faults } = await readRenamesFile(`${dir}/${name}`);
    return { renames, places: places.map((place) => place.replace(`${dir}/`, "")), faults };
  } catch (error) {
    if (error instanceof UsageError) error.message = error.message.replace(`${dir}/`, "");
    throw error;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const TWO = [{ old_name: "a", new_name: "b" }, { schema: "s", old_name: "c d", new_name: "e.f" }];

const GOOD: Record<string, [name: string, content: string, places?: string[]]> = {
  "a list": [
    "r.json",
    '[{"old_name":"a","new_name":"b"},\n\n{"schema":"s", "old_name":"c d",\n"new_name":"e.f"}]',
    ["r.json, line 1", "r.json, line 3"],
  ],
  "a request's renames": [
    "r.JSON",
    '\uFEFF{"renames":[\n{"old_name":"a","new_name":"b"},{"old_name":"c d","new_name":"e.f","schema":"s"}]}\n',
    ["r.JSON, line 2", "r.JSON, line 2"],
  ],
  "two columns without a header, the third where it is needed": [
    "r.csv",
    'a,b\r\n\r\n"c d", e.f , s\r\n',
    ["r.csv, line 1", "r.csv, line 3"],
  ],
  "columns in the order that the header says": [
    "r.csv",
    "\uFEFFSchema,New name,old-name\n,b,a\ns,e.f,c d",
    ["r.csv, line 2", "r.csv, line 3"],
  ],
  "a header of the short words": ["r.csv", "old,new,schema\na,b\nc d,e.f,s\n"],
  "semicolons, as spreadsheets write them": ["r.csv", "from;to;schema\r\na;b;\r\nc d;e.f;s\r\n"],
  "semicolons without a header": ["r.csv", '"a";b\nc d;e.f;s\n'],
  "tabs": ["r.tsv", "Schema\tTable\tNew table\n\ta\tb\ns\tc d\te.f\n"],
  "a JSON list with other words": [
    "r.json",
    '[{"from": "a", "to": "b"}, {"table": "c d", "new_table": "e.f", "schema": "s"}]',
  ],
};

for (const [what, [name, content, places]] of Object.entries(GOOD)) {
  Deno.test(`a file is read: ${what}`, async () => {
    const found = await read(name, content);
    assertEquals([found.renames, found.faults], [TWO, []]);
    if (places) assertEquals(found.places, places);
  });
}

Deno.test("a JSON object of old and new names is read, whatever the names are", async () => {
  const { renames, places } = await read(
    "r.json",
    '{\n "renames": "changes",\n "__proto__": "\\u0062\\n", "": ""\n}',
  );
  assertEquals(renames, [
    { old_name: "renames", new_name: "changes" },
    { old_name: "__proto__", new_name: "b\n" },
    { old_name: "", new_name: "" },
  ]);
  assertEquals(places, ["r.json, line 2", "r.json, line 3", "r.json, line 3"]);
});

Deno.test("one rename alone may stand in the file as in a request", async () => {
  const { renames } = await read("r.json", '{"old_name": "a", "new_name": "b"}');
  assertEquals(renames, [{ old_name: "a", new_name: "b" }]);
});

Deno.test("names in quotes keep spaces, commas, quotes and line breaks", async () => {
  const { renames, places } = await read("r.csv", '" a,""b""\nc ",d\ne,f');
  assertEquals(renames, [{ old_name: ' a,"b"\nc ', new_name: "d" }, {
    old_name: "e",
    new_name: "f",
  }]);
  assertEquals(places[1], "r.csv, line 3");
});

Deno.test("a first line that names one column only is a rename", async () => {
  const { renames } = await read("r.csv", "old_name,people\n");
  assertEquals(renames, [{ old_name: "old_name", new_name: "people" }]);
});

const BAD: Record<string, [name: string, content: string | Uint8Array, message: string]> = {
  "another kind of file": ["r.txt", "a,b", "r.txt: the name should end in .json, .csv or .tsv"],
  "bytes that are not UTF-8": [
    "r.csv",
    new Uint8Array([0x61, 0xff]),
    "r.csv: the text is not UTF-8",
  ],
  "nothing in it": ["r.csv", "\n\n", "r.csv: there are no renames in it"],
  "a header only": ["r.csv", "old_name,new_name\n", "r.csv: there are no renames in it"],
  "an unknown column": [
    "r.csv",
    "\nold,new,why\na,b,c\n",
    'r.csv, line 2: the column "why" is unknown',
  ],
  "a column twice": [
    "r.csv",
    "old,new,Old Name\n",
    'r.csv, line 1: the column "old_name" occurs twice',
  ],
  "an empty list": ["r.json", "[]", "r.json: there are no renames in it"],
  "one column": ["r.csv", "a,b\nc;d\n", "r.csv, line 2: there is one column only"],
  "four columns": ["r.csv", "a,b,s,x\n", "r.csv, line 1: there are 4 columns"],
  "no new name": ["r.csv", "a,b\n\nc,\n", "r.csv, line 3: the new name is missing"],
  "a quote that does not end": ["r.csv", 'a,b\n"c,d\n', "r.csv, line 2: not CSV: "],
  "broken JSON": [
    "r.json",
    '[\n{"old_name": a}]',
    "r.json, line 2: not JSON: column 14: expected a value, found a",
  ],
  "a JSON file that ends early": [
    "r.json",
    '[{"old_name": "a"\n',
    "line 2: not JSON: column 1: expected , or }, found the end",
  ],
  "a comma too many": [
    "r.json",
    '{"a": "b",\n}',
    "r.json, line 1: not JSON: column 10: remove this comma",
  ],
  "text behind the end": [
    "r.json",
    "[]\n[]",
    "r.json, line 2: not JSON: column 1: expected the end",
  ],
  "a raw line break in a string": ["r.json", '["a\nb"]', "a string that does not end on its line"],
  "an unknown escape": ["r.json", '{"a": "\\q"}', "an escape that JSON does not know"],
  "endless nesting": ["r.json", "[".repeat(100_000), "nested too deep"],
  "text alone": ["r.json", '"a"', "expected a list or an object"],
  "pairs": ["r.json", '[["a","b"]]', 'expected an object like {"old_name"'],
  "a misspelt field": [
    "r.json",
    '[{"old_name":"a",\n"newname":"b"}]',
    'line 2: "newname" is unknown',
  ],
  "a number as name": [
    "r.json",
    '[{"old_name":"a","new_name":7}]',
    '"new_name" should be a string',
  ],
  "no old name": ["r.json", '[{"new_name":"a"}]', "r.json, line 1: the old name is missing"],
  "a name given twice": ["r.json", '[{"old_name":"a","old_name":"b"}]', '"old_name" occurs twice'],
  "an old name given twice": [
    "r.json",
    '{"a":"b",\n"a":"c"}',
    'r.json, line 2: "a" is renamed in line 1 already',
  ],
  "something else than names": [
    "r.json",
    '{"a":{"b":"c"}}',
    'the new name of "a" should be a string',
  ],
  "options beside renames": [
    "r.json",
    '{"renames":[],\n"mode":"plan"}',
    'line 2: "mode" is not read',
  ],
};

for (const [what, [name, content, message]] of Object.entries(BAD)) {
  Deno.test(`a file is refused with its place: ${what}`, async () => {
    await assertRejects(() => readWithoutFaults(name, content), UsageError, message);
  });
}

/** Reads a file as the command does; its faults are one error. */
async function readWithoutFaults(name: string, content: string | Uint8Array): Promise<void> {
  const file = await read(name, content);
  if (file.faults.length > 0) throw await fileError(name, file, () => Promise.resolve());
}

Deno.test("the faults of a file are reported all at once, and what is in order is read", async () => {
  const csv = await read("r.csv", "a,b\nc\nd,e\n,f\ng,h,i,j\n");
  assertEquals(csv.renames.map(({ old_name }) => old_name), ["a", "d"]);
  assertEquals(csv.faults.map(({ line }) => line), [2, 4, 5]);
  const json = await read("r.json", '[{"old_name":"a","new_name":"b"},\n{"old_name":"c"},\n7]');
  assertEquals(json.renames.length, 1);
  assertEquals(json.faults.map(({ line }) => line), [2, 3]);
  const error = await fileError("r.json", json, () => {
    const issues = [{ path: "renames.0.old_name", code: "table_not_found", message: "None." }];
    const body = new Problem("table_not_found", "None.", { fields: { issues } }).toBody();
    return Promise.reject(new RenameError("table_not_found", "None.", { problem: body }));
  });
  assertEquals(
    error.message.split("\n").map((line) => /^ *(r\.json, line \d): /.exec(line)![1]),
    ["r.json, line 1", "r.json, line 2", "r.json, line 3"],
  );
});

Deno.test("a file that is not there is said to be missing, a folder not to be a file", async () => {
  await assertRejects(() => readRenamesFile("/nowhere/r.csv"), UsageError, "there is no such file");
  const dir = await Deno.makeTempDir({ suffix: ".csv" });
  await assertRejects(() => readRenamesFile(dir), UsageError, `${dir}: `);
  await Deno.remove(dir);
});

Deno.test("a large file is read at once", async () => {
  const entries = Array.from(
    { length: 20_000 },
    (_, n) => ({ old_name: `t${n}`, new_name: `u${n}` }),
  );
  const { renames, places } = await read("r.json", JSON.stringify(entries, null, 1));
  assertEquals(renames.length, 20_000);
  assertEquals(places.at(-1), "r.json, line 79998");
});

Deno.test("a relative path is meant from where npm was called", () => {
  const npm = { npm_lifecycle_event: "cli", INIT_CWD: "/home/ada" };
  const path = (path: string, env: Record<string, string>) => callerPath(path, (name) => env[name]);
  assertEquals(path("r.csv", npm), "/home/ada/r.csv");
  assertEquals(path("/tmp/r.csv", npm), "/tmp/r.csv");
  assertEquals(path("r.csv", {}), "r.csv");
  assertEquals(path("r.csv", { ...npm, npm_lifecycle_event: "test" }), "r.csv");
});
