import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ActiveRename, resolveAliases } from "../../shared/aliases/resolve_aliases.ts";
import { tableAliasesFile } from "../../shared/aliases/table_aliases_file.ts";

/** `a>b` with a view, `a-b` without, in schema public unless one stands before a colon. */
function renames(...texts: string[]): ActiveRename[] {
  return texts.map((text) => {
    const [, schema = "public", old_name, arrow, new_name] = /^(?:(\w+):)?(\w+)([>-])(\w+)$/.exec(
      text,
    )!;
    return {
      schema_name: schema,
      old_name,
      new_name,
      compatibility_view_created: arrow === ">",
    };
  });
}

const resolved = (...texts: string[]) =>
  resolveAliases(renames(...texts)).map(({ schema, old_name, new_name }) =>
    `${schema}.${old_name}=${new_name}`
  );

Deno.test("every old name of a table that was renamed again and again stands for its name today", () => {
  assertEquals(resolved("a>b"), ["public.a=b"]);
  assertEquals(resolved("a>b", "b>c"), ["public.a=c", "public.b=c"]);
  assertEquals(resolved("a>b", "x>y", "b>c", "c>d"), [
    "public.a=d",
    "public.b=d",
    "public.c=d",
    "public.x=y",
  ]);
});

Deno.test("a name without a compatibility view is no old name, but a link between names it is", () => {
  assertEquals(resolved("a-b"), []);
  assertEquals(resolved("a>b", "b-c"), ["public.a=c"]);
  assertEquals(resolved("a-b", "b>c"), ["public.b=c"]);
  assertEquals(resolved("a-b", "b>a"), ["public.b=a"]);
});

Deno.test("the same name in another schema is another name", () => {
  assertEquals(resolved("shop:a>b", "a>c", "shop:b>d"), ["public.a=c", "shop.a=d", "shop.b=d"]);
});

Deno.test("the order is that of the names, whatever was renamed first", () => {
  assertEquals(resolved("b>y", "Z>x", "a>z", "A:z>q"), [
    "A.z=q",
    "public.Z=x",
    "public.a=z",
    "public.b=y",
  ]);
});

Deno.test("the file has the aliases as the requirement words them, and a note for each", () => {
  const source = tableAliasesFile([
    { schema: "public", old_name: "experts", new_name: "expert_profiles" },
    { schema: "shop", old_name: "Order Items", new_name: "items" },
  ]);
  assertStringIncludes(source, "// Auto-generated file - DO NOT EDIT MANUALLY\n");
  assertStringIncludes(source, 'import type { Database } from "./database.types.ts";\n');
  assertStringIncludes(
    source,
    `export type TableAliases = {
  /** @deprecated Renamed: use "expert_profiles". */
  experts: Database["public"]["Tables"]["expert_profiles"];
};
`,
  );
  assertStringIncludes(
    source,
    `type Renames = {
  public: {
    /** @deprecated Renamed: use "expert_profiles". */
    experts: "expert_profiles";
  };
  shop: {
    /** @deprecated Renamed: use "items". */
    "Order Items": "items";
  };
};
`,
  );
});

Deno.test("without any renames the file is there all the same", () => {
  const source = tableAliasesFile([]);
  assertStringIncludes(source, "export type TableAliases = Record<never, never>;\n");
  assertStringIncludes(source, "export type DatabaseWithAliases = ");
});

Deno.test("no name can break out of its string or comment", () => {
  const hostile = '*/ }; "; import "evil"; /* \n `${x}` \\';
  const source = tableAliasesFile([
    { schema: hostile, old_name: hostile, new_name: hostile },
    { schema: "public", old_name: hostile, new_name: hostile },
    { schema: "public", old_name: "__proto__", new_name: "constructor" },
  ]);
  const quoted = JSON.stringify(hostile);
  assertStringIncludes(source, `\n  ${quoted}: {\n`);
  assertStringIncludes(source, `Database["public"]["Tables"][${quoted}];\n`);
  const code = source.replace(/\/\*[^]*?\*\/|\/\/.*|"(?:[^"\\\n]|\\.)*"/g, "");
  assertEquals(code.match(/evil|\*\/|`/), null, code);
});

Deno.test("the same aliases give the same file, byte for byte", () => {
  const aliases = resolveAliases(renames("a>b", "b>c", "shop:x>y"));
  assertEquals(tableAliasesFile(aliases), tableAliasesFile(structuredClone(aliases)));
});
