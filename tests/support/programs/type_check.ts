/** Type-checks TypeScript as its users do: with npm's typescript, and with Deno's own. */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { supabaseCli } from "../../../shared/cli/supabase_cli.ts";
import type { TestDatabase } from "../servers/database.ts";
import type { Functions } from "../http/functions.ts";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

export type Compiler = "typescript" | "deno";

export interface TypeError {
  /** Relative to the folder that was checked. */
  file: string;
  line: number;
  /** Such as TS2322. */
  code: string;
  message: string;
}

/** Runs `work` in a temporary folder from which imports find the packages of this repository. */
export async function withTypeScriptProject(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "rename-types-" }));
  try {
    await Deno.symlink(join(ROOT, "node_modules"), join(dir, "node_modules"), { type: "dir" });
    const write = (name: string, content: unknown) =>
      Deno.writeTextFile(join(dir, name), JSON.stringify(content));
    const strict = { strict: true, noUnusedLocals: true, noImplicitOverride: true };
    await write("package.json", {
      type: "module",
      dependencies: { "@supabase/supabase-js": "*" },
    });
    await write("deno.json", { nodeModulesDir: "manual", compilerOptions: strict });
    await write("tsconfig.json", {
      compilerOptions: {
        ...strict,
        target: "es2022",
        module: "preserve",
        types: [],
        noEmit: true,
        skipLibCheck: true,
        allowImportingTsExtensions: true,
      },
      include: ["**/*.ts"],
    });
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The errors in all TypeScript of a project's folder, by file and line. */
export async function typeErrors(compiler: Compiler, dir: string): Promise<TypeError[]> {
  const { success, output } = compiler === "deno" ? await runDeno(dir) : await runTypeScript(dir);
  const errors = (compiler === "deno" ? errorsOfDeno : errorsOfTypeScript)(output, dir);
  if (success !== (errors.length === 0)) {
    throw new Error(`${compiler} said what is not understood here:\n${output}`);
  }
  return errors.sort((a, b) => a.file < b.file ? -1 : a.file > b.file ? 1 : a.line - b.line);
}

function runTypeScript(dir: string) {
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  return run("node", [tsc, "--project", dir, "--pretty", "false"], dir);
}

function runDeno(dir: string) {
  return run(Deno.execPath(), ["check", "--quiet", "."], dir);
}

async function run(program: string, args: string[], cwd: string) {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { success, output: decoder.decode(stdout) + decoder.decode(stderr) };
}

function errorsOfTypeScript(output: string): TypeError[] {
  return [...output.matchAll(/^(\S[^\n]*?)\((\d+),\d+\): error (TS\d+): (.*)$/gm)]
    .map(([, file, line, code, message]) => ({ file, line: Number(line), code, message }));
}

function errorsOfDeno(output: string, dir: string): TypeError[] {
  const found = output.matchAll(/^(TS\d+) \[ERROR\]: ([^]*?)^ *at (file:\/\/\S+?):(\d+):\d+$/gm);
  return [...found].map(([, code, text, url, line]) => ({
    file: relative(dir, fileURLToPath(url)),
    line: Number(line),
    code,
    message: text.split("\n")[0],
  }));
}

/** The two files of generate-types. */
export interface GeneratedTypes {
  "database.types.ts": string;
  "table-aliases.ts": string;
}

/** What generate-types writes for the database as it is now. */
export async function generatedTypes(
  db: TestDatabase,
  functions: Functions,
  schemas: string[],
): Promise<GeneratedTypes> {
  const args = ["gen", "types", "--lang", "typescript", `--schema=${schemas.join(",")}`];
  const [types, aliases] = await Promise.all([
    supabaseCli(args, db.url),
    functions.fetch("table-aliases"),
  ]);
  if (!types.success) throw new Error(types.stderr);
  if (!aliases.ok) throw new Error(await aliases.text());
  return { "database.types.ts": types.stdout, "table-aliases.ts": await aliases.text() };
}

/** The types as an application has them that knows nothing of aliases. */
export function withoutAliases(types: GeneratedTypes): GeneratedTypes {
  return { ...types, "table-aliases.ts": 'export type * from "./database.types.ts";\n' };
}

export async function writeFiles(dir: string, files: object): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(dir, name), text);
}
