import { assert, assertEquals } from "@std/assert";
import { Validator } from "@seriousme/openapi-schema-validator";
import { ANSWERS, EXAMPLES, PROBLEM_EXAMPLE } from "../../shared/contract/openapi/examples.ts";
import { FINDINGS } from "../../shared/contract/findings.ts";
import { NOTIFICATIONS } from "../../shared/contract/notifications.ts";
import { PROBLEMS } from "../../shared/contract/problems.ts";
import { REQUESTS } from "../../shared/contract/requests.ts";
import { listFunctions } from "../../shared/local/functions/function_list.ts";
import { document, misfits, schemaPointer } from "../support/documents/document.ts";

// deno-lint-ignore no-explicit-any -- a JSON document, walked by path
type Json = any;

Deno.test("the OpenAPI document is valid", async () => {
  const { valid, errors } = await new Validator().validate(document);
  assertEquals([valid, errors], [true, undefined]);
});

Deno.test("the document that is kept is the one that the contract makes", async () => {
  const kept = await Deno.readTextFile(
    new URL("../../shared/contract/openapi.json", import.meta.url),
  );
  assertEquals(JSON.parse(kept), document);
});

Deno.test("every function that is deployed is in the document, and nothing else", async () => {
  const functions = await listFunctions(new URL("../../", import.meta.url));
  assertEquals(
    Object.keys(document.paths).toSorted(),
    functions.map(({ name }) => `/${name}`).toSorted(),
  );
});

Deno.test("every problem code is listed at an endpoint, with the status that it has", () => {
  const listed = new Map<string, Set<number>>();
  for (const path of Object.values<Record<string, { responses: object }>>(document.paths)) {
    for (const { responses } of Object.values(path)) {
      for (const [status, { content }] of Object.entries(responses)) {
        const schema = content["application/problem+json"]?.schema;
        for (const code of schema?.allOf[1].properties.code.enum ?? []) {
          listed.set(code, (listed.get(code) ?? new Set()).add(Number(status)));
        }
      }
    }
  }
  assertEquals(
    Object.fromEntries([...listed].map(([code, statuses]) => [code, [...statuses]])),
    Object.fromEntries(Object.entries(PROBLEMS).map(([code, { status }]) => [code, [status]])),
  );
});

Deno.test("every example is a request that the contract takes", () => {
  assert(EXAMPLES.length > 3);
  for (const { endpoint, request } of EXAMPLES) {
    const schema = REQUESTS[endpoint as keyof typeof REQUESTS];
    assertEquals(schema.safeParse(request).error, undefined, JSON.stringify(request));
  }
});

Deno.test("every finding code is in the document, and says what it is about", () => {
  const { FindingCode, Finding } = document.components.schemas;
  assertEquals(Finding.properties.code, { $ref: "#/components/schemas/FindingCode" });
  assertEquals(
    FindingCode.oneOf.map((one: { const: string; description: string }) => [
      one.const,
      one.description,
    ]),
    Object.entries(FINDINGS),
  );
});

Deno.test("every example of an answer is one that the document lets an endpoint give", () => {
  for (const [schema, answers] of Object.entries(ANSWERS)) {
    assertEquals(document.components.schemas[schema].examples, Object.values(answers));
    for (const [title, answer] of Object.entries(answers)) {
      assertEquals(misfits(schemaPointer(schema), answer), [], `${schema}: ${title}`);
    }
  }
  assertEquals(misfits(schemaPointer("Problem"), PROBLEM_EXAMPLE), []);
  const { title, status } = PROBLEMS[PROBLEM_EXAMPLE.code];
  assertEquals([PROBLEM_EXAMPLE.title, PROBLEM_EXAMPLE.status], [title, status]);
});

Deno.test("an answer that is not what the document says is found", () => {
  const { Done: done } = ANSWERS.OperationAnswer as Record<string, Record<string, unknown>>;
  const pointer = schemaPointer("OperationAnswer");
  assertEquals(misfits(pointer, { ...done, mode: "undo" }).length, 1);
  assertEquals(misfits(pointer, { ...done, batch_id: "not-a-uuid" }).length > 0, true);
  const [finding] = PROBLEM_EXAMPLE.findings as Record<string, unknown>[];
  assertEquals(
    misfits(pointer, { ...done, findings: [{ ...finding, code: "made_up" }] }).length > 0,
    true,
  );
});

Deno.test("every endpoint has an example of a request", () => {
  assertEquals(
    [...new Set(EXAMPLES.map(({ endpoint }) => endpoint))].toSorted(),
    Object.keys(REQUESTS).toSorted(),
  );
});

Deno.test("every notification is in the document as a webhook, with its type", () => {
  const webhooks: Record<string, Json> = document.webhooks;
  const types = Object.entries(webhooks).map(([name, { post }]) => {
    const { properties } = post.requestBody.content["application/json"].schema;
    assertEquals(properties.type.const, name);
    assertEquals(post.parameters.map(({ name }: { name: string }) => name), [
      "webhook-id",
      "webhook-timestamp",
      "webhook-signature",
    ]);
    return name;
  });
  assertEquals(types, Object.keys(NOTIFICATIONS));
});
