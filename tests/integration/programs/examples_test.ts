import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import {
  EXAMPLE_BATCH_ID,
  EXAMPLE_MIGRATION_ID,
  EXAMPLES,
} from "../../../shared/contract/openapi/examples.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { answerPointer, document, misfits } from "../../support/documents/document.ts";
import { type Block, readDocuments } from "../../support/documents/documents.ts";
import { startGatewayProcess } from "../../support/programs/gateway_process.ts";
import { failureOf, typeErrorsIn } from "../../support/catalog/run_blocks.ts";
import { hasPrograms } from "../../support/workflow.ts";

/** How many blocks of the documents are run at the same time. */
const AT_ONCE = 4;

databaseTest("every example is answered as the OpenAPI document says", async ({ db }) => {
  await db.sql.unsafe(`
    create table teams (id int primary key, name text);
    create table experts (id int primary key, name text not null, team_id int references teams);
    create table document_types (id int primary key, name text);
    create view expert_names as select name from experts;
    insert into teams values (1, 'one');
    insert into experts values (1, 'ada', 1);`);
  await using gateway = await startGatewayProcess(db.url);
  const ids = new Map<string, string>();
  const real = (value: unknown) =>
    JSON.parse(
      [...ids].reduce((json, [id, own]) => json.replaceAll(id, own), JSON.stringify(value)),
    );
  for (const { endpoint, title, request, status = 200 } of EXAMPLES) {
    const path = `/${endpoint}`;
    const method = "post" in document.paths[path] ? "POST" : "GET";
    const body = real(request);
    const response = method === "POST"
      ? await gateway.fetch(endpoint, body)
      : await gateway.fetch(`${endpoint}?${new URLSearchParams(body)}`, undefined, {
        method,
        headers: { accept: "application/json" },
      });
    const answer = await response.json();
    assertEquals(response.status, status, `${title}: ${JSON.stringify(answer)}`);
    const type = response.headers.get("content-type")!.split(";")[0];
    assertEquals(misfits(answerPointer(path, method, status, type), answer), [], title);
    // What later examples are about.
    if (answer.migrations?.[0]?.old_name === "experts" && answer.mode === "apply") {
      ids.set(EXAMPLE_MIGRATION_ID, answer.migrations[0].id);
    }
    if (answer.mode === "propose") ids.set(EXAMPLE_BATCH_ID, answer.batch_id);
  }
  assertEquals(ids.size, 2);
});

/** What went wrong with the blocks, a few at a time. */
async function failuresOf(blocks: Block[]): Promise<string[]> {
  const left = [...blocks];
  const failures: (string | null)[] = [];
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    for (let block = left.shift(); block; block = left.shift()) {
      failures.push(await failureOf(block));
    }
  }));
  return failures.filter((failure) => failure !== null).sort();
}

databaseTest(
  "every command and snippet in the documents runs as it stands",
  { ignore: hasPrograms ? false : "bash, curl and jq are not all here" },
  async () => {
    const blocks = (await readDocuments()).flatMap((one) => one.blocks);
    const run = blocks.filter(({ notRun }) => notRun === undefined);
    const left = blocks.filter(({ notRun }) => notRun !== undefined);
    console.log(
      `${run.length} blocks are run; not run: ` +
        left.map(({ place, notRun }) => `${place} (${notRun})`).join(", "),
    );
    const [failures, errors] = await Promise.all([failuresOf(run), typeErrorsIn(run)]);
    assertEquals([...failures, ...errors], []);
  },
);

databaseTest("a command or snippet that no longer works is found", async () => {
  const finds = async (language: string, text: string, message: string) =>
    assertStringIncludes(
      await failureOf({ place: "x.md:1", language, text }) ?? "nothing",
      message,
    );
  const rename = "npm run cli -- rename-table experts expert_profiles";
  await Promise.all([
    finds("sh", `${rename} --without-a-doubt\ntrue`, "unknown option"),
    finds("sh", `${rename}   # exit code 5`, "it ends with 0"),
    finds("sh", "npm run soke", "Missing script"),
    finds("sql", "select nothing", "does not exist"),
    finds("json", '{ "renames": [] }', "is not valid"),
    finds("ts", 'import "./nowhere.ts";', "nowhere.ts"),
    finds("ts", "export async function POST() { return new Response(); }", "200 instead of 204"),
    finds("bash", "true", "nobody knows how"),
    typeErrorsIn([{ place: "x.md:1", language: "ts", text: "\nconst n: number = '';" }])
      .then(([error]) => assertMatch(error, /^x\.md:1 \+1: .*not assignable/)),
  ]);
});
