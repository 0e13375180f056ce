/** Every endpoint once, in an order in which each has something to do. */
import { assert, assertEquals } from "@std/assert";
import type { Functions } from "./http/functions.ts";

export interface Cycle {
  schema: string;
  old_name: string;
  new_name: string;
}

/** Calls every endpoint, the plans and refusals too; fails where one does not do its work. */
export async function wholeCycle(
  functions: Functions,
  { schema, old_name, new_name }: Cycle,
): Promise<void> {
  const table = { schema, old_name, new_name };
  const post = (name: string, body: unknown, headers: Record<string, string> = {}) =>
    functions.fetch(name, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    });
  await functions.analyze(`schema=${schema}&table=${old_name}`);
  await functions.analyze(`schema=${schema}`);
  const plan = await functions.rename({ ...table, mode: "plan", migration_file: true });
  await functions.rename({ ...table, mode: "propose" });
  await functions.rollback({ schema, table: old_name });
  const proposed = await functions.rename({ ...table, mode: "propose", rename_indexes: true });
  const { migrations: [{ id }] } = await functions.rename({ batch_id: proposed.batch_id! });
  await functions.rollback({ migration_id: id, mode: "plan" });
  await functions.rollback({ migration_id: id });
  const key = { "idempotency-key": crypto.randomUUID() };
  const body = { ...table, count_use: true, expected_plan_hash: undefined };
  const [first, again] = [await post("rename", body, key), await post("rename", body, key)];
  const answer = await first.json();
  assert(first.status === 200, JSON.stringify(answer));
  assertEquals((await again.json()).batch_id, answer.batch_id);
  const migration_id = answer.migrations[0].id;
  await functions.refused("already_renamed", "rename", table);
  await functions.verify({ migration_id, claims: [{ role: "authenticated", sub: "x" }] });
  await functions.refresh({ migration_id, mode: "plan" });
  await functions.refresh({ migration_id });
  await functions.list({ include: "usage,drift" });
  await functions.fetch("table-aliases");
  assertEquals((await functions.finalize({ migration_id, mode: "plan" })).mode, plan.mode);
  const finalized = await post("finalize", {
    migration_id,
    quiet_for_days: 0,
    acknowledge: ["old_name_in_use"],
  });
  assert(finalized.status === 200, await finalized.text());
  await functions.refused("table_not_found", "rename", { ...table, old_name: "nobody" });
}
