import { assert, assertEquals, assertFalse, assertRejects } from "@std/assert";
import { join } from "node:path";
import { sameButForLayout, tablesIn } from "../../../shared/cli/files/database_types.ts";
import { UsageError } from "../../../shared/cli/exit_codes.ts";
import { replaceFiles } from "../../../shared/cli/files/paths.ts";

/** As supabase gen types prints it. */
const PRINTED = `
export type Json = string | number | { [key: string]: Json | undefined } | Json[]

export type Database = {
  __InternalSupabase: { PostgrestVersion: "14" }
  "public": {
          Tables: {
            "a": {
                  Row: {
                    "Tables": string,"id"?: number | null,"{": (string)[]
                  }
                  Relationships: [
                    {
      foreignKeyName: "a_fkey"
      columns: ["id"]
    },{
      foreignKeyName: "b_fkey"
      columns: ["id"]
    }
                  ]
                },"b \\"q\\"": {
                  Row: {
                    "id": number
                  }
                }
          }
          Views: {
            "v": { Row: { "id": number } }
          }
          Functions: {
            [_ in never]: never
          }
        },"shop": {
          Tables: {
            [_ in never]: never
          }
        }
}

export const Constants = { "later": { Tables: { "no": 1 } } } as const
`;

/** The same, from a formatter. */
const FORMATTED = `export type Json =
  | string
  | number
  | { [key: string]: Json | undefined }
  | Json[];

export type Database = {
  __InternalSupabase: { PostgrestVersion: '14' };
  public: {
    Tables: {
      a: {
        Row: { Tables: string; id?: number | null; '{': string[] };
        Relationships: [
          { foreignKeyName: 'a_fkey'; columns: ['id'] },
          { foreignKeyName: 'b_fkey'; columns: ['id'] },
        ];
      };
      'b "q"': { Row: { id: number } };
    };
    Views: { v: { Row: { id: number } } };
    Functions: { [_ in never]: never };
  };
  shop: { Tables: { [_ in never]: never } };
};

export const Constants = { later: { Tables: { no: 1 } } } as const;
`;

for (const [how, source] of [["printed", PRINTED], ["formatted", FORMATTED]]) {
  Deno.test(`schemas and tables are found in types as they are ${how}`, () => {
    assertEquals(
      tablesIn(source),
      new Map([["public", new Set(["a", 'b "q"'])], ["shop", new Set()]]),
    );
  });
}

Deno.test("what has no type Database is no file of supabase gen types", () => {
  assertEquals(tablesIn(""), null);
  assertEquals(tablesIn("export interface Database { public: {} }"), null);
  assertEquals(tablesIn("export type Database = Other;"), null);
  assertEquals(tablesIn("export type Database = {\n  \n}"), new Map());
});

Deno.test("a formatter makes no file stale", () => {
  assert(sameButForLayout(PRINTED, FORMATTED));
  assert(sameButForLayout(PRINTED, PRINTED.replaceAll("\n", "\r\n")));
});

for (
  const [what, from, to] of [
    ["another column", '"id": number\n', '"id": number,"x": string\n'],
    ["another type", '"id": number\n', '"id": string\n'],
    ["null", '"id": number\n', '"id": number | null\n'],
    ["what is optional", '"id"?: number', '"id": number'],
    ["a name's case", '"shop"', '"Shop"'],
    ["where words end", '"b \\"q\\""', '"b\\"q\\""'],
    ["an array", "(string)[]", "string"],
  ]
) {
  Deno.test(`${what} makes a file stale`, () => {
    const changed = PRINTED.replace(from, to);
    assert(changed !== PRINTED);
    assertFalse(sameButForLayout(PRINTED, changed));
  });
}

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const namesIn = async (dir: string) =>
  (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name).sort();

Deno.test("files are replaced, in folders that are made, and nothing else is left there", () =>
  withFolder(async (dir) => {
    const path = join(dir, "a/b/one.ts");
    await replaceFiles([{ path, text: "1" }]);
    await replaceFiles([{ path, text: "2" }, { path: join(dir, "a/b/two.ts"), text: "3" }]);
    assertEquals(await Deno.readTextFile(path), "2");
    assertEquals(await namesIn(join(dir, "a/b")), ["one.ts", "two.ts"]);
  }));

Deno.test("where one file cannot be written, all stay as they were", () =>
  withFolder(async (dir) => {
    const path = join(dir, "one.ts");
    await Deno.writeTextFile(path, "old");
    const error = await assertRejects(
      () => replaceFiles([{ path, text: "new" }, { path: join(path, "two.ts"), text: "new" }]),
      UsageError,
      "cannot be written",
    );
    assert(error.message.includes(join(path, "two.ts")), error.message);
    assertEquals(await Deno.readTextFile(path), "old");
    assertEquals(await namesIn(dir), ["one.ts"]);
  }));

Deno.test("a link stays a link, and what it leads to is replaced", () =>
  withFolder(async (dir) => {
    await Deno.mkdir(join(dir, "real"));
    await Deno.writeTextFile(join(dir, "real/types.ts"), "old");
    await Deno.symlink(join(dir, "real/types.ts"), join(dir, "types.ts"));
    await replaceFiles([{ path: join(dir, "types.ts"), text: "new" }]);
    assert((await Deno.lstat(join(dir, "types.ts"))).isSymlink);
    assertEquals(await Deno.readTextFile(join(dir, "real/types.ts")), "new");
  }));
