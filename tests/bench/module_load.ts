/** What a new isolate pays to load a function, and what is in its bundle. */
import { build } from "esbuild";
import { fileURLToPath } from "node:url";
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
    await using bundle = await oneFile(RENAME);
    const load = new Map<URL, number[]>([[RENAME, []], [EMPTY, []], [bundle.url, []]]);
    const whole = new Map<URL, number[]>([[RENAME, []], [EMPTY, []], [bundle.url, []]]);
    for (let round = -2; round < bench.rounds(25, 6); round++) {
      for (const module of shuffled([...load.keys()])) {
        const { importMs, processMs } = await loadOnce(module);
        // The first rounds compile: what follows finds the compiled modules, as a deployed bundle is.
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
          "import of functions/rename against an empty function",
          figures(load),
          ratio(load),
          1.3,
        ),
        plainRow(
          "the same with its own modules in one file, as a deployment bundles them",
          figures(load, bundle.url),
          `${ratio(load, bundle.url).toFixed(2)} ×`,
        ),
        plainRow("the same as a whole process", figures(whole), `${ratio(whole).toFixed(2)} ×`),
        ...await bundles(),
      ],
    };
  },
};

/** A module with all that it imports but packages, in one file; beside the other workers, so that it finds packages. */
async function oneFile(module: URL): Promise<AsyncDisposable & { url: URL }> {
  const url = new URL(`workers/${crypto.randomUUID()}.js`, import.meta.url);
  await build({
    entryPoints: [fileURLToPath(module)],
    outfile: fileURLToPath(url),
    bundle: true,
    format: "esm",
    packages: "external",
    logLevel: "error",
  });
  return { url, [Symbol.asyncDispose]: () => Deno.remove(url) };
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

/** The modules that each function loads, by what `deno info` finds. */
async function bundles(): Promise<Row[]> {
  const strays: string[] = [];
  const sizes: string[] = [];
  for (const { name, entrypoint } of await listFunctions(ROOT)) {
    const info = JSON.parse(
      await deno(["info", "--config", "deno.json", "--json", entrypoint.href]),
    ) as { modules: { specifier: string; size?: number }[] };
    const own = info.modules.filter(({ specifier }) => specifier.startsWith("file:"));
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
