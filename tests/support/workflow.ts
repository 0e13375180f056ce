/** The workflow that renames tables by pull requests, its steps run here: bash, curl and jq are the real ones. */
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT_FOLDER } from "./documents/module_graph.ts";
import { SECRET_KEY } from "./http/functions.ts";

export interface Step {
  id: string;
  name: string;
  if?: string;
  env?: Record<string, string | number>;
  run: string;
}

// deno-lint-ignore no-explicit-any -- a YAML document, walked by path
export type Workflow = any;

const FILE = join(ROOT_FOLDER, ".github", "workflows", "rename-tables.yml");

export const workflowText = await Deno.readTextFile(FILE);
export const workflow: Workflow = parse(workflowText, { strict: true, uniqueKeys: true });
export const job: Workflow = workflow.jobs["rename-tables"];

/** Whether the programs are there that the runners of GitHub have. */
export const hasPrograms = (await Promise.all(
  ["bash", "curl", "jq"].map((program) =>
    new Deno.Command(program, { args: ["--version"], stdout: "null", stderr: "null" }).output()
      .then(({ success }) => success, () => false)
  ),
)).every(Boolean);

export interface PullRequest extends AsyncDisposable {
  /** Where the stand-in for gh has its state. */
  dir: string;
  /** Gives the pull request this content of a file, as a commit would. */
  commit(path: string, content: string): Promise<void>;
  /** Closes it without a merge. */
  close(): Promise<void>;
  /** Has this commit approved. */
  approve(commit: string): void;
  /** Runs the steps of an event; `code` is that of the last one. */
  run(step: "plan" | "propose" | "apply" | "withdraw"): Promise<{ code: number; output: string }>;
  comments(): Promise<string[]>;
  calls(): Promise<string[]>;
}

/** Number 7 of acme/shop, at a project of this URL. */
export async function pullRequest(url: string): Promise<PullRequest> {
  const dir = await Deno.makeTempDir({ prefix: "rename-workflow-" });
  const path = (name: string) => join(dir, name);
  const write = (name: string, value: unknown) =>
    Deno.writeTextFile(path(name), JSON.stringify(value));
  await Deno.mkdir(path("blobs"));
  await Deno.mkdir(path("bin"));
  await Deno.mkdir(path("runner"));
  await Deno.symlink(join(ROOT_FOLDER, "tests", "support", "programs", "gh.sh"), path("bin/gh"));
  await Deno.writeTextFile(path("calls"), "");
  await write("comments.json", []);
  await write("pull.json", { head: { sha: "commit-1" }, state: "open", merged: false });
  const files = new Map<string, string>();
  let reviewed = "commit-1";
  let runs = 0;
  /** What GitHub puts in place of each expression. */
  const values = (): Record<string, string> => ({
    "github.token": "token",
    "github.repository": "acme/shop",
    "github.event.pull_request.number": "7",
    "github.event.review.commit_id": reviewed,
    "github.actor": "ada",
    "github.run_id": "4711",
    "github.run_attempt": String(runs),
    "vars.SUPABASE_URL": url,
    "secrets.SUPABASE_SECRET_KEY": SECRET_KEY,
  });
  const filled = (env: Record<string, string | number>) =>
    Object.fromEntries(
      Object.entries(env).map(([name, text]) => [
        name,
        String(text).replace(/\$\{\{ (.+?) \}\}/g, (_, expression) => {
          const value = values()[expression];
          if (value === undefined) throw new Error(`nothing is known of ${expression}`);
          return value;
        }),
      ]),
    );
  const bash = async (step: Step) => {
    const { code, stdout, stderr } = await new Deno.Command("bash", {
      // As GitHub runs a step with `shell: bash`.
      args: ["--noprofile", "--norc", "-eo", "pipefail", "-c", step.run],
      clearEnv: true,
      env: {
        PATH: `${path("bin")}:${Deno.env.get("PATH")}`,
        RUNNER_TEMP: path("runner"),
        GH_STATE: dir,
        ...filled({ ...job.env, ...step.env }),
        // Nobody sleeps here.
        PAUSE: "0",
      },
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, output: text(stdout) + text(stderr) };
  };
  const step = (id: string): Step => job.steps.find((one: Step) => one.id === id)!;
  return {
    dir,
    async commit(name, content) {
      const digest = await crypto.subtle.digest("SHA-1", new TextEncoder().encode(content));
      const sha = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0"))
        .join("");
      files.set(name, sha);
      await Deno.writeTextFile(path(`blobs/${sha}`), content);
      await write(
        "files.json",
        [...files].map(([filename, sha]) => ({ filename, sha, status: "added" })),
      );
    },
    close: () => write("pull.json", { head: { sha: "commit-1" }, state: "closed", merged: false }),
    approve(commit) {
      reviewed = commit;
    },
    async run(id) {
      runs++;
      const tools = await bash(step("tools"));
      if (tools.code !== 0) return tools;
      return await bash(step(id));
    },
    async comments() {
      const comments: { body: string }[] = JSON.parse(
        await Deno.readTextFile(path("comments.json")),
      );
      return comments.map(({ body }) => body);
    },
    calls: async () => (await Deno.readTextFile(path("calls"))).trim().split("\n"),
    [Symbol.asyncDispose]: () => Deno.remove(dir, { recursive: true }),
  };
}
