/** What a new isolate pays to load a function, and what is in its bundle. */
import { transform } from "esbuild";
import { listFunctions } from "../../shared/local/functions/function_list.ts";
import { type Measurement, plainRow, ratioRow, type Row } from "./bench.ts";
import { digits, median, shuffled, spread } from "./statistics.ts";

const ROOT = new URL("../../", import.meta.url);
const EMPTY = new URL("workers/empty_function.ts", import.meta.url);
const RENAME = new URL("functions/rename/index.ts", ROOT);

export const moduleLoad: Measurement = {
  name: "module-load",
  title: "Module load",
  async run(bench) {
    await using compiled = await compile(RENAME);
    const load = new Map<URL, number[]>([[RENAME, []], [EMPTY, []], [compiled.url, []]]);
    const whole = new Map<URL, number[]>([[RENAME, []], [EMPTY, []], [compiled.url, []]]);
    for (let round = -2; round < bench.rounds(25, 6); round++) {
      for (const module of shuffled([...load.keys()])) {
        const { importMs, processMs } = await loadOnce(module);
        // The first rounds compile what later ones find in the cache.
        if (round < 0) continue;
        load.get(module)!.push(importMs);
        whole.get(module)!.push(processMs);
      }
    }
    const figures = (times: Map<URL, number[]>, module = RENAME) =>
      `${spread(times.get(module)!)} against ${spread(times.get(EMPTY)!)}`;
    const ratio = (times: Map<URL, number[]>, module = RENAME) =>
      median(times.get(module)!) / median(times.get(EMPTY)!);
    return {
      rows: [
        ratioRow(
          "import of functions/rename, compiled as in a deployment, against an empty function",
          figures(load, compiled.url),
          ratio(load, compiled.url),
          1.3,
        ),
        plainRow(
          "the same from TypeScript, as the local stack has it",
          figures(load),
          `${ratio(load).toFixed(2)} ×`,
        ),
        plainRow(
          "compiled, as a whole process",
          figures(whole, compiled.url),
          `${ratio(whole, compiled.url).toFixed(2)} ×`,
        ),
        ...await bundles(),
      ],
    };
  },
};

/**
 * The modules of ours that a module imports, as JavaScript, each still a module of its own: so they are in the archive
 * (eszip) that a deployment makes. Beside the other workers, so that they find packages.
 */
async function compile(module: URL): Promise<AsyncDisposable & { url: URL }> {
  const folder = new URL(`workers/${crypto.randomUUID()}/`, import.meta.url);
  for (const { specifier } of await modulesOf(module)) {
    const path = specifier.slice(ROOT.href.length);
    const { code } = await transform(await Deno.readTextFile(new URL(specifier)), { loader: "ts" });
    const to = new URL(path.replace(/\.ts$/, ".js"), folder);
    await Deno.mkdir(new URL(".", to), { recursive: true });
    await Deno.writeTextFile(
      to,
      code.replace(/(from |import |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'),
    );
  }
  return {
    url: new URL(module.href.slice(ROOT.href.length).replace(/\.ts$/, ".js"), folder),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

/** A new process imports the module and says how long that took. */
async function loadOnce(module: URL): Promise<{ importMs: number; processMs: number }> {
  const program = `const started = performance.now();
    await import(${JSON.stringify(module.href)});
    console.log(performance.now() - started);`;
  const started = performance.now();
  const output = await deno(["eval", "--config", "deno.json", program]);
  return { importMs: Number(output), processMs: performance.now() - started };
}

/** The modules of ours that a module leads to, by what `deno info` finds. */
async function modulesOf({ href }: URL): Promise<{ specifier: string; size?: number }[]> {
  const info = await deno(["info", "--config", "deno.json", "--json", href]);
  const { modules } = JSON.parse(info) as { modules: { specifier: string; size?: number }[] };
  return modules.filter(({ specifier }) =>
    specifier.startsWith(ROOT.href) && !specifier.includes("/node_modules/")
  );
}

/** What is in the bundle of each function. */
async function bundles(): Promise<Row[]> {
  const strays: string[] = [];
  const sizes: string[] = [];
  for (const { name, entrypoint } of await listFunctions(ROOT)) {
    const own = await modulesOf(entrypoint);
    strays.push(
      ...own.map(({ specifier }) => specifier.slice(ROOT.href.length))
        .filter((path) => /^(shared\/(cli|local|client)|tests)\//.test(path)),
    );
    const bytes = own.reduce((sum, { size = 0 }) => sum + size, 0);
    sizes.push(`${name} ${digits(bytes / 1024)} kB in ${own.length} modules`);
  }
  return [{
    what: "modules of shared/cli, shared/local, shared/client or tests in any function",
    figures: `own code: ${sizes.join(", ")}`,
    result: strays.length === 0 ? "none" : strays.join(", "),
    goal: "none",
    met: strays.length === 0,
  }];
}

async function deno(args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stdin: "null",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout);
}
