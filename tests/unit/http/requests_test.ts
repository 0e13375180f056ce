import { assert, assertEquals, assertLess, assertStringIncludes, assertThrows } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import {
  parseFinalizeRequest,
  parseListMigrationsQuery,
  parseRenameRequest,
  parseRollbackRequest,
  parseVerifyRequest,
} from "../../../shared/contract/parse_requests.ts";
import { MAX_RENAMES } from "../../../shared/contract/names.ts";

interface Issue {
  path: string;
  message: string;
}

const UUID = "6b0f2f0e-3a4f-4b5f-8f53-2d8e3c0f9a11";

const parsers = {
  rename: parseRenameRequest,
  rollback: parseRollbackRequest,
  finalize: parseFinalizeRequest,
  list: parseListMigrationsQuery,
  verify: parseVerifyRequest,
};

/** Parses what must be refused; gives the code and the paths of the issues. */
function refused(which: keyof typeof parsers, input: unknown): [string, ...string[]] {
  const problem = assertThrows(() => parsers[which](input), Problem, "", JSON.stringify(input));
  return [problem.code, ...(problem.fields.issues as Issue[]).map(({ path }) => path)];
}

/** As JSON.parse gives it, so that `__proto__` is a field like any other. */
const json = (text: string): unknown => JSON.parse(text);

/** A request that names its tables, not a proposal. */
const newRename = (input: unknown) => {
  const request = parseRenameRequest(input);
  assert("renames" in request);
  return request;
};

Deno.test("one rename at the top level is short for a batch of one, with every default", () => {
  assertEquals(parseRenameRequest({ old_name: "experts", new_name: "expert_profiles" }), {
    renames: [{ schema: "public", old_name: "experts", new_name: "expert_profiles" }],
    mode: "apply",
    acknowledge: [],
    lock_timeout_ms: 200,
    max_wait_ms: 30_000,
    compatibility_view: true,
    rename_indexes: false,
    count_use: false,
    record_history: "auto",
    migration_file: false,
  });
  const options = { mode: "plan", compatibility_view: false, notes: "n", lock_timeout_ms: 1 };
  assertEquals(
    parseRenameRequest({ schema: "app", old_name: "a", new_name: "b", ...options }),
    parseRenameRequest({ renames: [{ schema: "app", old_name: "a", new_name: "b" }], ...options }),
  );
});

Deno.test("a rollback has the same defaults, and no schema unless one is given", () => {
  assertEquals(parseRollbackRequest({ migration_id: UUID }), {
    migration_id: UUID,
    mode: "apply",
    acknowledge: [],
    lock_timeout_ms: 200,
    max_wait_ms: 30_000,
    carry_privileges: false,
    relocate: false,
    record_history: "auto",
    migration_file: false,
  });
  assertEquals(parseRollbackRequest({ table: "a", schema: "app" }).schema, "app");
});

Deno.test("list-migrations reads its numbers from text, and has pages of 50", () => {
  assertEquals(parseListMigrationsQuery({}), { limit: 50, include: [], quiet_for_days: 7 });
  assertEquals(parseListMigrationsQuery({ limit: "200", status: "active" }), {
    include: [],
    quiet_for_days: 7,
    limit: 200,
    status: "active",
  });
  for (const limit of ["0", "201", "-1", "1.5", "a", "", "1e9", "NaN", "Infinity"]) {
    assertEquals(refused("list", { limit }), ["invalid_request", "limit"]);
  }
});

Deno.test("a page that is a look at the database can hold 1,000 migrations", () => {
  const { include, limit } = parseListMigrationsQuery({ include: "usage,drift", limit: "1000" });
  assertEquals([include, limit], [["usage", "drift"], 1_000]);
  assertEquals(refused("list", { include: "usage", limit: "1001" }), ["invalid_request", "limit"]);
  for (const include of ["", "use", "usage,", "usage drift"]) {
    assertEquals(refused("list", { include }), ["invalid_request", "include"]);
  }
});

Deno.test("days of quiet go with a finalization only, and are whole days", () => {
  assertEquals(parseFinalizeRequest({ table: "a", quiet_for_days: 7 }).quiet_for_days, 7);
  assertEquals(parseFinalizeRequest({ table: "a" }).quiet_for_days, 7);
  assertEquals(parseFinalizeRequest({ table: "a", quiet_for_days: 0 }).quiet_for_days, 0);
  for (const quiet_for_days of [-1, 1.5, "7", null, 1e9]) {
    assertEquals(refused("finalize", { table: "a", quiet_for_days })[1], "quiet_for_days");
  }
  assertEquals(refused("finalize", { table: "a", migration_id: UUID })[0], "invalid_request");
  assertEquals(refused("rollback", { table: "a", quiet_for_days: 7 })[0], "invalid_request");
});

Deno.test("an unknown field is refused and named, wherever it stands", () => {
  const names = { old_name: "a", new_name: "b" };
  for (const field of ["dry_run", "oldName", "constructor", "toString", "hasOwnProperty", ""]) {
    const extra = { [field]: true };
    for (
      const [which, input] of [
        ["rename", { ...names, ...extra }],
        ["rename", { renames: [names], ...extra }],
        ["rename", { renames: [{ ...names, ...extra }] }],
        ["rollback", { migration_id: UUID, ...extra }],
        ["list", { ...extra }],
      ] as const
    ) {
      const problem = assertThrows(() => parsers[which](input), Problem);
      assertEquals(problem.code, "invalid_request");
      assertStringIncludes((problem.fields.issues as Issue[])[0].message, `"${field}"`);
    }
  }
});

Deno.test("__proto__ is an unknown field like any other, and sets no prototype", () => {
  assertEquals(
    refused("rename", json('{"old_name":"a","new_name":"b","__proto__":{"mode":"plan"}}'))[0],
    "invalid_request",
  );
  assertEquals(
    refused("rename", json('{"renames":[{"old_name":"a","new_name":"b","__proto__":1}]}'))[0],
    "invalid_request",
  );
  assertEquals(
    refused("rename", json('{"__proto__":{"old_name":"a","new_name":"b"}}'))[0],
    "invalid_request",
  );
  assertEquals(
    refused("rollback", json(`{"migration_id":"${UUID}","__proto__":{}}`))[0],
    "invalid_request",
  );
  assertEquals(refused("list", json('{"__proto__":"x"}'))[0], "invalid_request");
});

Deno.test("a value of another type is refused, whatever the field and the value", () => {
  const values = [null, true, 0, 1.5, "x", [], {}, [[]], { a: 1 }, "2024", -1, 1e300];
  const names = { old_name: "a", new_name: "b" };
  const fields: [keyof typeof parsers, Record<string, unknown>, string, unknown[]][] = [
    ["rename", names, "old_name", ["x", "2024"]],
    ["rename", names, "new_name", ["x", "2024"]],
    ["rename", names, "schema", ["x", "2024"]],
    ["rename", {}, "renames", []],
    ["rename", names, "mode", []],
    ["rename", names, "acknowledge", [[]]],
    ["rename", names, "expected_plan_hash", []],
    ["rename", names, "notes", ["x", "2024"]],
    ["rename", names, "lock_timeout_ms", []],
    ["rename", names, "max_wait_ms", [0]],
    ["rename", names, "compatibility_view", [true]],
    ["rename", names, "rename_indexes", [true, false]],
    ["rename", names, "record_history", []],
    ["rollback", {}, "migration_id", []],
    ["rollback", {}, "batch_id", []],
    ["rollback", {}, "table", ["x", "2024"]],
    ["rollback", { table: "t" }, "schema", ["x", "2024"]],
    ["rollback", { table: "t" }, "mode", []],
    ["rollback", { table: "t" }, "acknowledge", [[]]],
    ["list", {}, "status", []],
    ["list", {}, "schema", ["x", "2024"]],
    ["list", {}, "table", ["x", "2024"]],
    ["list", {}, "batch_id", []],
    ["list", {}, "cursor", ["x", "2024"]],
  ];
  for (const [which, rest, field, fine] of fields) {
    for (const value of values) {
      const input = { ...rest, [field]: value };
      if (fine.some((one) => JSON.stringify(one) === JSON.stringify(value))) parsers[which](input);
      else assertEquals(refused(which, input)[0], "invalid_request", JSON.stringify(input));
    }
  }
});

Deno.test("a body that is no object is refused", () => {
  for (const input of [undefined, null, true, 0, "", "renames", [], [{}], [1, 2]]) {
    for (const which of ["rename", "rollback"] as const) {
      assertEquals(refused(which, input)[0], "invalid_request");
    }
  }
});

Deno.test("the limits of numbers and texts are kept", () => {
  const names = { old_name: "a", new_name: "b" };
  const fine = {
    lock_timeout_ms: [1, 10_000],
    max_wait_ms: [0, 120_000],
    notes: ["", "n".repeat(10_000)],
    acknowledge: [Array(100).fill("a".repeat(100))],
    expected_plan_hash: [`sha256:${"0".repeat(64)}`],
  };
  const wrong = {
    lock_timeout_ms: [0, 10_001, 1.5, -1],
    max_wait_ms: [-1, 120_001, 0.5],
    notes: ["n".repeat(10_001), "a\0b", "\ud800"],
    acknowledge: [Array(101).fill("a"), ["a".repeat(101)], [1], ["\ud800"], ["a\0"]],
    expected_plan_hash: ["", "sha256:", "0".repeat(64), `sha256:${"g".repeat(64)}`],
  };
  for (const [field, values] of Object.entries(fine)) {
    for (const value of values) parseRenameRequest({ ...names, [field]: value });
  }
  for (const [field, values] of Object.entries(wrong)) {
    for (const value of values) {
      const [code, path] = refused("rename", { ...names, [field]: value });
      assertEquals([code, path.split(".")[0]], ["invalid_request", field]);
    }
  }
});

Deno.test("a name that cannot be an identifier is invalid_identifier, and each place is named", () => {
  for (const name of ["", "a\0", "a".repeat(64), "é".repeat(32), "\udc00"]) {
    assertEquals(refused("rename", { old_name: name, new_name: "b" }), [
      "invalid_identifier",
      "renames.0.old_name",
    ]);
    assertEquals(refused("rollback", { table: name }), ["invalid_identifier", "table"]);
    assertEquals(refused("list", { schema: name }), ["invalid_identifier", "schema"]);
  }
  const renames = [
    { old_name: "a", new_name: "" },
    { old_name: "b", new_name: "c", schema: "\0" },
  ];
  assertEquals(refused("rename", { renames }), [
    "invalid_identifier",
    "renames.0.new_name",
    "renames.1.schema",
  ]);
});

Deno.test("where a name is not all that is wrong, the request is invalid", () => {
  assertEquals(refused("rename", { old_name: "", new_name: "b", mode: "x" })[0], "invalid_request");
});

Deno.test("a rollback names exactly one of migration, batch and table", () => {
  assertEquals(refused("rollback", {})[0], "invalid_request");
  assertEquals(refused("rollback", { migration_id: UUID, batch_id: UUID })[0], "invalid_request");
  assertEquals(refused("rollback", { migration_id: UUID, table: "t" })[0], "invalid_request");
  assertEquals(refused("rollback", { migration_id: UUID, schema: "s" }), [
    "invalid_request",
    "schema",
  ]);
});

Deno.test("a rename without names, or with renames and names, is refused", () => {
  assertEquals(refused("rename", {})[0], "invalid_request");
  assertEquals(refused("rename", { old_name: "a" })[0], "invalid_request");
  assertEquals(refused("rename", { renames: [] }), ["invalid_request", "renames"]);
  const both = { renames: [{ old_name: "a", new_name: "b" }], old_name: "a", new_name: "b" };
  assertEquals(refused("rename", both)[0], "invalid_request");
});

Deno.test("a batch may use each name once, in each schema", () => {
  const batch = (...renames: [string, string, string?][]) => ({
    renames: renames.map(([old_name, new_name, schema]) => ({ old_name, new_name, schema })),
  });
  parseRenameRequest(batch(["a", "b"], ["a", "b", "app"], ["A", "B"], ["c", "d"]));
  assertEquals(refused("rename", batch(["a", "a"])), ["invalid_request", "renames.0.new_name"]);
  assertEquals(refused("rename", batch(["a", "b"], ["a", "c"])), [
    "invalid_request",
    "renames.1.old_name",
  ]);
  assertEquals(refused("rename", batch(["a", "b"], ["c", "b"])), [
    "invalid_request",
    "renames.1.new_name",
  ]);
  // A chain or a swap: one after the other, never in one batch.
  assertEquals(refused("rename", batch(["a", "b"], ["b", "c"]))[0], "invalid_request");
  assertEquals(refused("rename", batch(["a", "b"], ["b", "a"])).length, 3);
});

Deno.test("names that only look alike are different names", () => {
  const names = ["__proto__", "constructor", "e\u0301", "é", '"a"', "a", "A"];
  const { renames } = newRename({
    renames: names.map((name) => ({ old_name: name, new_name: `${name}2` })),
  });
  assertEquals(renames.map(({ old_name }) => old_name), names);
});

Deno.test("a batch of 1,000 renames is read, one of 1,001 is refused", () => {
  const batch = (length: number) => ({
    renames: Array.from({ length }, (_, n) => ({ old_name: `a${n}`, new_name: `b${n}` })),
  });
  assertEquals(newRename(batch(MAX_RENAMES)).renames.length, 1_000);
  assertEquals(refused("rename", batch(MAX_RENAMES + 1)), ["invalid_request", "renames"]);
});

Deno.test("however much is wrong with a body, the answer stays small", () => {
  const long = "x".repeat(100_000);
  const hostile: unknown[] = [
    { renames: Array(500_000).fill(0) },
    { renames: Array(1_000).fill({}) },
    { renames: Array(1_000).fill({ old_name: "", new_name: "" }) },
    { acknowledge: Array(500_000).fill(0), old_name: "a", new_name: "b" },
    Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`field_${n}`, n])),
    { [long]: 1 },
    { old_name: long, new_name: long, mode: long, record_history: long },
    { renames: [{ old_name: "a", new_name: "b", [long]: { [long]: long } }] },
  ];
  for (const input of hostile) {
    const problem = assertThrows(() => parseRenameRequest(input), Problem);
    const issues = problem.fields.issues as Issue[];
    assert(issues.length > 0 && issues.length <= 20);
    assertLess(JSON.stringify(problem.toBody()).length, 20_000);
  }
});

Deno.test("a proposal is applied by its batch, with nothing that would make it another one", () => {
  assertEquals(parseRenameRequest({ batch_id: UUID }), {
    batch_id: UUID,
    mode: "apply",
    acknowledge: [],
    record_history: "auto",
    lock_timeout_ms: 200,
    max_wait_ms: 30_000,
  });
  assertEquals(refused("rename", { batch_id: UUID, schema: "app" }), ["invalid_request", ""]);
  assertEquals(refused("rename", { batch_id: UUID, mode: "propose" })[1], "mode");
  assertEquals(newRename({ old_name: "a", new_name: "b", mode: "propose" }).mode, "propose");
});

Deno.test("only a rename can be proposed, and what is not there yet is refused, never ignored", () => {
  assertEquals(refused("rollback", { table: "a", mode: "propose" })[1], "mode");
});

Deno.test("claims are as deep as a token's may be, and what no stack could hold is refused", () => {
  const nested = (depth: number) =>
    JSON.parse(`{"a":${"[".repeat(depth)}${"]".repeat(depth)}}`) as Record<string, unknown>;
  const claims = [{ role: "anon", ...nested(20) }];
  assertEquals(parseVerifyRequest({ migration_id: UUID, claims }).claims, claims);
  for (const depth of [33, 100_000]) {
    const problem = assertThrows(
      () => parseVerifyRequest({ migration_id: UUID, claims: [nested(depth)] }),
      Problem,
    );
    assertEquals(problem.code, "invalid_request");
    assertStringIncludes(problem.message, "claims.0");
  }
});
