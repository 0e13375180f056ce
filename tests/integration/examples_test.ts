import { assertEquals } from "@std/assert";
import {
  EXAMPLE_BATCH_ID,
  EXAMPLE_MIGRATION_ID,
  EXAMPLES,
} from "../../shared/contract/examples.ts";
import { databaseTest } from "../support/database.ts";
import { answerPointer, document, misfits } from "../support/document.ts";
import { startGatewayProcess } from "../support/gateway_process.ts";

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
