/** Runs the blocks of code in the documents as they stand: each before a project of its own. */
import { join } from "node:path";
import { parse as parseYaml } from "yaml";
import { NOTIFICATIONS } from "../../../shared/contract/notifications.ts";
import { parseProjectFile } from "../../../shared/cli/project/project_file.ts";
import { parseRenameRequest } from "../../../shared/contract/parse_requests.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { withProject } from "../programs/cli.ts";
import { createTestDatabase, type TestDatabase } from "../servers/database.ts";
import type { Block } from "../documents/documents.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../http/functions.ts";
import { readFlowchart } from "../documents/markdown.ts";
import { ROOT_FOLDER } from "../documents/module_graph.ts";
import { testServers } from "../servers/servers.ts";
import {
  generatedTypes,
  typeErrors,
  withTypeScriptProject,
  writeFiles,
} from "../programs/type_check.ts";

const WEBHOOK_SECRET = "ci=whsec_c2l4dGVlbiBieXRlcyBhdCBsZWFzdA==";

const NOTIFY_SECRET = "whsec_c2l4dGVlbiBieXRlcyBhdCBsZWFzdCB0b28=";

/** Characters of a failed command's output that are shown. */
const MAX_SHOWN = 1_500;

/** Parts of a checkout that no command writes to. */
const SHARED_PARTS = ["deno.json", "functions", "node_modules", "package.json", "shared", "tests"];

/** The application of the documents. */
const SCHEMA = `
  create table teams (id bigint primary key, name text);
  create table experts (
    id bigint primary key generated always as identity,
    team_id bigint references teams,
    name text not null default '',
    headline text,
    legacy_code text
  );
  create table posts (
    id bigint primary key generated always as identity,
    author_id bigint references experts,
    title text not null default ''
  );
  create table document_types (id bigint primary key, name text);`;

const RENAMES = { experts: "expert_profiles", document_types: "doc_types" };

/** Scripts that run for long, or until they are stopped. Tests of their own run them. */
const LONG = "install|ci|start|test|run (serve|check|soak|fuzz|attack|bench|bench:types|test:full)";

/**
 * What a block is run with: curl fails where the answer is a refusal, and a command may say that it is refused
 * ("# … exit code 5").
 */
const PRELUDE = `
set -euo pipefail
shopt -s inherit_errexit
npm() {
  local all="$*" long='^(${LONG})( |$)'
  if [[ "$all" =~ $long ]]; then
    local script="\${all#run }"
    grep -q "\\"\${script%% *}\\":" package.json || [[ "$1" =~ ^(install|ci)$ ]]
  else
    command npm "$@"
  fi
}
npx() {
  [ "$1" = table-rename ] || { command npx "$@"; return; }
  shift
  "${Deno.execPath()}" run -A "${join(ROOT_FOLDER, "shared/cli/main.ts")}" "$@"
}
curl() { command curl --silent --show-error --fail-with-body "$@"; }
ends_with() {
  local wanted=$1 code=0
  shift
  "$@" || code=$?
  [ "$code" = "$wanted" ] || { echo "it ends with $code" >&2; return 1; }
}
newest() {
  curl "$SUPABASE_URL/functions/v1/list-migrations?limit=1" -H "apikey: $SUPABASE_SECRET_KEY" |
    grep -o "\\"$1\\":\\"[^\\"]*" | head -n 1 | cut -d '"' -f 4
}
`;

/** What a reader puts in for the words in capitals. */
const PLACEHOLDERS: [RegExp, string][] = [
  [/\bMIGRATION_ID\b/g, "$(newest id)"],
  [/\bBATCH_ID\b/g, "$(newest batch_id)"],
  [/https:\/\/PROJECT\.supabase\.co/g, "$SUPABASE_URL"],
  [/\bsb_secret_…/g, "$SUPABASE_SECRET_KEY"],
  [/postgresql:\/\/…/g, '"$DATABASE_URL"'],
];

/** The script of a block. */
function scriptOf(text: string): string {
  const script = PLACEHOLDERS.reduce((made, [word, value]) => made.replace(word, value), text);
  return PRELUDE + script.replace(/^(.*\S) +# .*\bexit code (\d+)$/gm, "ends_with $2 $1");
}

/** The first command of a script; in the group, if it is about a rename that was made before. */
const FIRST_COMMAND =
  /rename-table|functions\/v1\/rename|(test-view-|list-migrations|rollback-|finalize-|refresh-|generate-types)/;

interface Project {
  db: TestDatabase;
  functions: Functions;
  env: Record<string, string>;
  /** A checkout of this repository to run commands in. */
  dir: string;
}

/**
 * Makes a project with the application of the documents, for `work`.
 *
 * @param renamed Whether its table experts is renamed already.
 */
async function inProject(
  renamed: boolean,
  work: (project: Project) => Promise<void>,
): Promise<void> {
  const db = await createTestDatabase(testServers().at(-1)!);
  const dir = await Deno.makeTempDir({ prefix: "rename-documents-" });
  try {
    await using functions = functionsFor(db.url, {
      webhooks: readWebhookSecrets(WEBHOOK_SECRET),
    });
    await db.sql.unsafe(SCHEMA).simple();
    if (renamed) {
      await functions.rename({ old_name: "experts", new_name: RENAMES.experts });
    }
    await Promise.all(
      SHARED_PARTS.map((name) => Deno.symlink(join(ROOT_FOLDER, name), join(dir, name))),
    );
    await Deno.mkdir(join(dir, "supabase"));
    await Deno.writeTextFile(join(dir, "supabase/config.toml"), 'project_id = "documents"\n');
    await Deno.writeTextFile(join(dir, "renames.json"), JSON.stringify(RENAMES));
    await withProject(async (request) => {
      const { pathname, search } = new URL(request.url);
      return functions.fetch(pathname.replace("/functions/v1/", ""), {
        method: request.method,
        headers: { apikey: "", ...Object.fromEntries(request.headers) },
        query: search,
        ...(request.method === "POST" && { body: await request.text() }),
      });
    }, (url) => {
      const env = {
        SUPABASE_URL: url,
        SUPABASE_SECRET_KEY: SECRET_KEY,
        DATABASE_URL: db.url,
        SECRET: WEBHOOK_SECRET,
        RENAME_NOTIFY_SECRET: NOTIFY_SECRET,
        NO_COLOR: "1",
      };
      return work({ db, functions, env, dir });
    });
  } finally {
    await db.close();
    await Deno.remove(dir, { recursive: true });
  }
}

async function runProgram(program: string, args: string[], { env, dir }: Project): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command(program, {
    args,
    cwd: dir,
    env,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  const output = decoder.decode(stdout) + decoder.decode(stderr);
  if (code !== 0 || /^event: problem/m.test(output)) {
    throw new Error(`it ends with ${code}:\n${output.slice(-MAX_SHOWN)}`);
  }
}

/** The phases of the guide. */
const PHASES = [
  { name: "people", renames: [{ from: "experts", to: RENAMES.experts }] },
  { name: "documents", match: "^document_(.*)$", to: "doc_$1" },
];

const runScript = (script: string) =>
  inProject(FIRST_COMMAND.exec(script)?.[1] !== undefined, async (project) => {
    if (script.includes("--phase")) {
      const text = JSON.stringify({ phases: PHASES });
      await Deno.writeTextFile(join(project.dir, "table-rename.json"), text);
    }
    await runProgram("bash", ["-c", scriptOf(script)], project);
  });

/** A body that is sent, a notification, or a project file. */
function parseBody(text: string): void {
  const body = JSON.parse(text);
  if ("$schema" in body) return void parseProjectFile(text, "the document");
  if (body.type in NOTIFICATIONS) {
    NOTIFICATIONS[body.type as keyof typeof NOTIFICATIONS].parse(body);
  } else parseRenameRequest(body);
}

/** Each step of a GitHub workflow, with what stands in place of its expressions. */
async function runSteps(text: string): Promise<void> {
  for (const { run } of parseYaml(text)) await runScript(run);
}

/** Sends a signed and a forged notification to the receiver of a snippet. */
const SENDER = `
import { Webhook } from "standardwebhooks";
import { POST } from "./snippet.ts";
const body = '{ "type": "migration.applied" }';
const now = new Date();
const signature = new Webhook(process.env.RENAME_NOTIFY_SECRET).sign("msg_1", now, body);
for (const [sent, expected] of [[signature, 204], [signature.replace(/.=*$/, ""), 401]]) {
  const headers = {
    "webhook-id": "msg_1",
    "webhook-timestamp": String(Math.floor(now.getTime() / 1000)),
    "webhook-signature": sent,
  };
  const { status } = await POST(new Request("http://localhost", { method: "POST", headers, body }));
  if (status !== expected) throw new Error(\`\${status} instead of \${expected}\`);
}
`;

/** A snippet that imports the client from its source: the package itself is not built here. */
const fromSources = (text: string) =>
  text.replace('"zero-downtime-table-rename"', '"./shared/client/client.ts"');

/** Runs a snippet, unless it is about the Data API, which is not here. */
async function runTypeScript(written: string): Promise<void> {
  const text = fromSources(written);
  if (/\.from\("/.test(text)) return;
  await inProject(false, async (project) => {
    const receives = /^export async function POST\b/m.test(text);
    const files = { "snippet.ts": text, ...(receives && { "sender.ts": SENDER }) };
    await writeFiles(project.dir, files);
    const main = receives ? "sender.ts" : "snippet.ts";
    await runProgram(Deno.execPath(), ["run", "-A", "--no-check", main], project);
  });
}

/** How a block of each language is run; one that is not here fails. */
const RUN: Record<string, (text: string) => Promise<void> | void> = {
  sh: runScript,
  sql: (text) => inProject(false, async ({ db }) => void await db.sql.unsafe(text)),
  ts: runTypeScript,
  json: parseBody,
  yaml: runSteps,
  mermaid: async (text) => void await readFlowchart(text),
  // Pictures, and what programs print.
  text: () => {},
};

/** What went wrong with a block, or null. */
export async function failureOf({ place, language, text }: Block): Promise<string | null> {
  try {
    if (!(language in RUN)) throw new Error(`nobody knows how to run "${language}"`);
    await RUN[language](text);
    return null;
  } catch (error) {
    return `${place}: ${(error as Error).message}`;
  }
}

/** Errors of the compiler in the snippets, as their readers' own compiler finds them. */
export async function typeErrorsIn(blocks: Block[]): Promise<string[]> {
  const snippets = blocks.filter(({ language }) => language === "ts");
  const found: string[] = [];
  await inProject(
    true,
    async ({ db, functions }) =>
      await withTypeScriptProject(async (dir) => {
        await writeFiles(
          join(dir, "supabase/types"),
          await generatedTypes(db, functions, ["public"]),
        );
        await Deno.symlink(join(ROOT_FOLDER, "shared"), join(dir, "shared"));
        const config = JSON.parse(await Deno.readTextFile(join(dir, "tsconfig.json")));
        Object.assign(config.compilerOptions, {
          types: ["node"],
          target: "es2024",
          noUnusedLocals: false,
        });
        const files = snippets.map(({ text }, index) => [`snippet${index}.ts`, fromSources(text)]);
        await writeFiles(dir, {
          ...Object.fromEntries(files),
          "tsconfig.json": JSON.stringify({ ...config, include: ["snippet*.ts"] }),
        });
        for (const { file, line, message } of await typeErrors("typescript", dir)) {
          const snippet = snippets[Number(/\d+/.exec(file)?.[0])];
          found.push(`${snippet?.place ?? file} +${line - 1}: ${message}`);
        }
      }),
  );
  return found;
}
