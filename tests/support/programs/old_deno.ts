/** The Deno whose API the hosted Edge Functions have, fetched through npx. */
import { ROOT_FOLDER } from "../documents/module_graph.ts";

/** What Supabase's runtime emulates. */
export const HOSTED_DENO = "2.1.4";

/** How deployed code is resolved: by the import map of the deployment, packages as installed here. */
export const AS_DEPLOYED = [
  "--no-lock",
  "--node-modules-dir=manual",
  "--import-map=functions/deno.json",
];

export interface Output {
  success: boolean;
  stdout: string;
  stderr: string;
}

let executable: Promise<string> | undefined;

/**
 * Runs that Deno in the root folder.
 *
 * @param input What it reads from its standard input.
 * @throws {Error} It is not here and cannot be fetched.
 */
export async function oldDeno(
  args: string[],
  { input = "", env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Output> {
  executable ??= fetchExecutable();
  return await run(await executable, args, input, { NO_COLOR: "1", ...env });
}

async function fetchExecutable(): Promise<string> {
  const npx = Deno.build.os === "windows" ? "npx.cmd" : "npx";
  const args = ["--yes", `deno@${HOSTED_DENO}`, "eval", "--no-lock"];
  const script = "console.log(JSON.stringify([Deno.version.deno, Deno.execPath()]))";
  let output: Output;
  try {
    output = await run(npx, [...args, script], "", { NO_COLOR: "1" });
  } catch (cause) {
    throw new Error(
      `${npx} cannot be started; deployed code is checked under Deno ${HOSTED_DENO}`,
      {
        cause,
      },
    );
  }
  const [version, path] = output.success ? JSON.parse(output.stdout) : [];
  if (version !== HOSTED_DENO) {
    throw new Error(
      `Deno ${HOSTED_DENO}, under which deployed code is checked, is not available: ` +
        `"${npx} --yes deno@${HOSTED_DENO}" needs the npm registry.\n${output.stderr}`,
    );
  }
  return path;
}

async function run(
  command: string,
  args: string[],
  input: string,
  env: Record<string, string>,
): Promise<Output> {
  const child = new Deno.Command(command, {
    args,
    env,
    cwd: ROOT_FOLDER,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  const written = writer.write(new TextEncoder().encode(input))
    .then(() => writer.close()).catch(() => {});
  const { success, stdout, stderr } = await child.output();
  await written;
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { success, stdout: decode(stdout), stderr: decode(stderr) };
}
