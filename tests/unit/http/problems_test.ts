import { assert, assertEquals, assertFalse, assertMatch } from "@std/assert";
import { Problem, type ProblemCode, PROBLEMS } from "../../../shared/contract/problems.ts";

/** The table of DESIGN section 4, and `not_active`, which the status machine of section 2 needs. */
const STATUSES: Record<number, string> = {
  400: "invalid_json body_incomplete invalid_request invalid_identifier",
  401: "unauthorized",
  403: "forbidden protected_schema not_table_owner extension_owned",
  404: "table_not_found migration_not_found",
  405: "method_not_allowed",
  408: "body_too_slow",
  413: "body_too_large",
  415: "unsupported_media_type",
  409: "name_taken already_renamed breaking_findings dependants_cannot_follow plan_changed " +
    "old_name_in_use drifted request_in_progress not_active",
  422: "unsupported_relation unsupported_server too_many_locks idempotency_key_reused",
  423: "lock_not_acquired",
  500: "internal",
  503: "busy database_unavailable",
  504: "deadline_exceeded",
};

Deno.test("every problem code has the status that the contract says, and there is no other code", () => {
  const wanted = Object.fromEntries(
    Object.entries(STATUSES).flatMap(([status, codes]) =>
      codes.split(" ").map((code) => [code, Number(status)])
    ),
  );
  const actual = Object.fromEntries(
    Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]),
  );
  assertEquals(sorted(actual), sorted(wanted));
});

Deno.test("every problem is a document of RFC 9457 with type, title, status, detail and code", () => {
  for (const code of Object.keys(PROBLEMS) as ProblemCode[]) {
    const body = new Problem(code, "What happened.", { hint: "What to do." }).toBody();
    assertEquals(Object.keys(body).sort(), ["code", "detail", "hint", "status", "title", "type"]);
    // RFC 9457, 3.1.1: a URI reference; ours cannot be looked up, so it is a URN.
    assertMatch(body.type, /^urn:table-rename:problem:[a-z_]+$/);
    assert(URL.canParse(body.type));
    assertEquals(body.type.split(":").at(-1), code);
    assertEquals(body.status, PROBLEMS[code].status);
    assertEquals(body.title, PROBLEMS[code].title);
    assertEquals(body.detail, "What happened.");
  }
});

Deno.test("titles are unique and do not vary with the occurrence", () => {
  const titles = Object.values(PROBLEMS).map(({ title }) => title);
  assertEquals(new Set(titles).size, titles.length);
});

Deno.test("fields of the case never override the standard members, and an absent hint is left out", () => {
  const body = new Problem("name_taken", "d", {
    fields: { status: 200, code: "x", type: "y", title: "z", detail: "w", taken_by: "a view" },
  }).toBody();
  assertEquals(body.status, 409);
  assertEquals(body.code, "name_taken");
  assertEquals(body.title, PROBLEMS.name_taken.title);
  assertEquals(body.detail, "d");
  assertEquals(body.type, "urn:table-rename:problem:name_taken");
  assertEquals(body.taken_by, "a view");
  assertFalse("hint" in body);
});

Deno.test("what led to a problem is kept for the log and never in the document", () => {
  const cause = new Error("password authentication failed for user x");
  const problem = new Problem("internal", "d", { cause });
  assertEquals(problem.cause, cause);
  assertFalse(JSON.stringify(problem.toBody()).includes("password"));
});

const sorted = (record: Record<string, number>) =>
  Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1));
