import { assertEquals } from "@std/assert";
import {
  applyRequest,
  type ChangeTarget,
  changeTitle,
  DEFAULT_OPTIONS,
  planRequest,
  refusalOf,
  sharedBatches,
  tablesOf,
  targetsOf,
  unitsOf,
  wordToType,
} from "../../../shared/console/page/changes/change.ts";
import type { Finding, OperationAnswer } from "../../../shared/contract/responses.ts";

const target = (id: string, batch_id: string): ChangeTarget => ({
  id,
  batch_id,
  schema_name: "public",
  old_name: id,
  new_name: `${id}_new`,
});

const A = target("a", "1");
const B = target("b", "1");
const C = target("c", "2");

const plan = (more: Partial<OperationAnswer> = {}): OperationAnswer => ({
  batch_id: null,
  mode: "plan",
  plan_hash: "sha256:1",
  migrations: [],
  statements: [],
  findings: [],
  lock: null,
  verification: null,
  ...more,
});

const breaking = (code: Finding["code"]): Finding => ({
  code,
  severity: "breaking",
  object: "a",
  message: "",
  remedy: "",
});

Deno.test("a whole batch is one request, a part of one is several", () => {
  const selections = (targets: ChangeTarget[], open: string[]) =>
    unitsOf("rollback", targets, new Map([["1", open]])).map(({ selection }) => selection);
  assertEquals(selections([A, B, C], ["a", "b"]), [{ batch_id: "1" }, { migration_id: "c" }]);
  assertEquals(selections([A, B], ["a", "b", "x"]), [{ migration_id: "a" }, { migration_id: "b" }]);
  assertEquals(selections([A], ["a"]), [{ migration_id: "a" }]);
  assertEquals(sharedBatches("rollback", [A, B, C]), ["1"]);
});

Deno.test("a refresh is of one rename, whatever its batch", () => {
  const units = unitsOf("refresh", [A, B], new Map([["1", ["a", "b"]]]));
  assertEquals(units.map(({ selection }) => selection), [
    { migration_id: "a" },
    { migration_id: "b" },
  ]);
  assertEquals(sharedBatches("refresh", [A, B]), []);
});

Deno.test("an apply sends the plan's hash, and of the ticked codes those that the plan has", () => {
  const unit = { targets: [A], selection: { migration_id: "a" } };
  const options = { ...DEFAULT_OPTIONS, rewrite_texts: true, quiet_for_days: 3 };
  const found = plan({ findings: [breaking("old_name_in_use"), breaking("old_name_in_use")] });
  const accepted = new Set(["old_name_in_use", "copy"]);
  assertEquals(applyRequest("finalize", unit, options, found, accepted), {
    migration_id: "a",
    rewrite_texts: true,
    quiet_for_days: 3,
    expected_plan_hash: "sha256:1",
    acknowledge: ["old_name_in_use"],
  });
  assertEquals(applyRequest("rollback", unit, options, plan(), accepted), {
    migration_id: "a",
    expected_plan_hash: "sha256:1",
  });
  assertEquals(planRequest("refresh", unit, DEFAULT_OPTIONS), { migration_id: "a", mode: "plan" });
});

Deno.test("a refusal that a tick takes away does not stop the change, any other does", () => {
  const refused = (code: "old_name_in_use" | "drifted") => ({ code, detail: "" });
  const findings = [breaking("old_name_in_use")];
  assertEquals(
    refusalOf(plan({ findings, would_be_refused: refused("old_name_in_use") })),
    undefined,
  );
  assertEquals(
    refusalOf(plan({ findings, would_be_refused: refused("drifted") })),
    refused("drifted"),
  );
  assertEquals(refusalOf(plan()), undefined);
});

Deno.test("what cannot be undone is confirmed by the old name or, of several, by their number", () => {
  assertEquals(wordToType("finalize", [A]), "a");
  assertEquals(wordToType("finalize", [A, B]), "2");
  assertEquals(wordToType("rollback", [A]), null);
});

Deno.test("a title shows characters that cannot be seen, and an operation leads back to its renames", () => {
  const hostile = { ...A, old_name: "a\u202eb" };
  assertEquals(changeTitle("rollback", [hostile]), "Roll back a\\u{202e}b → a_new");
  assertEquals(changeTitle("finalize", [A, B]), "Finalize 2 renames");
  assertEquals(targetsOf(tablesOf([A, C])), [A, C]);
  assertEquals(targetsOf([{ schema: "public", old_name: "a", new_name: "b" }]), []);
});
