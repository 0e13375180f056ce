/** What `list-events` sends and shows. */
import { assertEquals } from "@std/assert";
import type { EventRecord } from "../../../shared/contract/responses.ts";
import { answered } from "../../support/programs/cli.ts";

const UUID = "6b0f2f0e-3a4f-4b5f-8f53-2d8e3c0f9a11";

const event = (more: Partial<EventRecord> = {}): EventRecord => ({
  id: 2,
  occurred_at: "2026-11-22T10:00:01.5+00:00",
  request_id: UUID,
  operation: "rename",
  actor: "key:default ada",
  outcome: "succeeded",
  problem_code: null,
  batch_id: UUID,
  migration_ids: [UUID, UUID],
  renames: [
    { schema: "shop", old_name: "orders", new_name: "sales" },
    { schema: "shop", old_name: "\u001b[31mlines", new_name: "b" },
  ],
  renames_total: 2,
  plan_hash: null,
  lock: { attempts: 1, waited_ms: 0, held_ms: 2 },
  details: {},
  ...more,
});

Deno.test("events are listed with what came of them, and how to go on", async () => {
  const page = {
    events: [
      event(),
      event({
        operation: "rollback",
        outcome: "refused",
        problem_code: "drifted",
        renames: [],
        renames_total: 0,
        details: { table: "experts" },
      }),
    ],
    next_cursor: "next",
  };
  let asked = "";
  const { stdout, code } = await answered((request) => {
    asked = new URL(request.url).search;
    return Response.json(page);
  }, ["list-events", "--made-by", "key:default ada", "--since", "2026-11-01", "--batch-id", UUID]);
  assertEquals(code, 0);
  assertEquals(
    Object.fromEntries(new URLSearchParams(asked)),
    { actor: "key:default ada", since: "2026-11-01T00:00:00.000Z", batch_id: UUID },
  );
  assertEquals(
    stdout,
    `  WHEN                  OPERATION  OUTCOME           ABOUT                           BY
  2026-11-22 10:00:01Z  rename     succeeded         shop.orders → sales and 1 more  key:default ada
  2026-11-22 10:00:01Z  rollback   refused: drifted  experts                         key:default ada

There are more:
  npm run cli -- list-events --cursor next --made-by 'key:default ada' --since 2026-11-01 --batch-id ${UUID}
`,
  );
});

Deno.test("a time is read in UTC unless it has a zone, and what is none is refused", async () => {
  const sent = async (since: string): Promise<string | number> => {
    let asked: string | null = null;
    const { code } = await answered((request) => {
      asked = new URL(request.url).searchParams.get("since");
      return Response.json({ events: [], next_cursor: null });
    }, ["list-events", "--since", since]);
    return asked ?? code;
  };
  assertEquals(await sent("2026-11-01 12:30"), "2026-11-01T12:30:00.000Z");
  assertEquals(await sent("2026-11-01T12:30:00+02:00"), "2026-11-01T10:30:00.000Z");
  for (const wrong of ["yesterday", "2026-13-01", "1", "11/01/2026"]) {
    assertEquals(await sent(wrong), 2, wrong);
  }
});
