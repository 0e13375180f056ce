/** The list of events, through the endpoint. */
import { assert, assertEquals } from "@std/assert";
import { parseListEventsQuery } from "../../../shared/contract/parse_requests.ts";
import type { ListEventsInput } from "../../../shared/contract/requests.ts";
import { eventsPage } from "../../../shared/tracking/list_events.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

databaseTest(
  "an event says who asked for what, what came of it, and leads to its plan",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    assertEquals(await functions.events(), { events: [], next_cursor: null });
    await db.sql.unsafe("create table a (id int); create table b (id int)").simple();
    const renames = [
      { schema: "public", old_name: "a", new_name: "a_new" },
      { schema: "public", old_name: "b", new_name: "b_new" },
    ];
    const done = await functions.rename({ renames });
    await functions.refused("already_renamed", "rename", { old_name: "a", new_name: "c" });
    await functions.rollback({ migration_id: done.migrations[0].id });
    const { events: [undone, refused, made], next_cursor } = await functions.events();
    assertEquals(next_cursor, null);
    const { id, occurred_at, request_id, lock, details, ...rest } = made;
    assert(id < refused.id && refused.id < undone.id);
    assert(Date.now() - Date.parse(occurred_at) < 60_000);
    assertEquals(request_id.length, 36);
    assertEquals(details, { history: done.history });
    const { attempts, waited_ms, held_ms } = done.lock!;
    assertEquals([lock.attempts, lock.waited_ms], [attempts, waited_ms]);
    assert(lock.held_ms > 0 && lock.held_ms <= held_ms, `${lock.held_ms}, ${held_ms}`);
    assertEquals(rest, {
      operation: "rename",
      actor: "key:default",
      outcome: "succeeded",
      problem_code: null,
      batch_id: done.batch_id,
      migration_ids: done.migrations.map(({ id }) => id),
      renames,
      renames_total: 2,
      plan_hash: done.plan_hash,
    });
    assertEquals(
      [refused.outcome, refused.problem_code, refused.migration_ids, refused.renames],
      ["refused", "already_renamed", [], [{ schema: "public", old_name: "a", new_name: "c" }]],
    );
    assertEquals(
      [undone.operation, undone.renames, undone.renames_total],
      ["rollback", renames.slice(0, 1), 1],
    );
  },
);

const COUNT = 100_000;
const OFTEN = crypto.randomUUID();

/** A hundred thousand events; a few are of one migration and batch, of somebody, or refused. */
const FILL = `
  insert into table_rename.sys_table_migration_events (
    occurred_at, request_id, operation, actor, outcome, problem_code, batch_id, migration_ids)
  select timestamptz '2026-01-01Z' + (i / 3) * interval '1 minute', gen_random_uuid(),
    case when i % 5000 = 0 then 'finalize' else 'rename' end,
    case when i % 4000 = 0 then 'key:default ada' else 'key:default' end,
    case when i % 2000 = 0 then 'refused' else 'succeeded' end,
    case when i % 2000 = 0 then 'name_taken' end,
    case when i % 1000 = 0 then '${OFTEN}'::uuid else gen_random_uuid() end,
    array[case when i % 1000 = 0 then '${OFTEN}'::uuid else gen_random_uuid() end]
  from generate_series(1, ${COUNT}) i`;

const FILTERS: [ListEventsInput, number][] = [
  [{}, COUNT],
  [{ operation: "finalize" }, COUNT / 5_000],
  [{ actor: "key:default ada" }, COUNT / 4_000],
  [{ outcome: "refused" }, COUNT / 2_000],
  [{ migration_id: OFTEN }, COUNT / 1_000],
  [{ batch_id: OFTEN, outcome: "refused" }, COUNT / 2_000],
  [{ since: "2026-01-24T03:30:00+00:30" }, 1 + (COUNT - 3 * 60 * (23 * 24 + 3))],
  [{ request_id: crypto.randomUUID() }, 0],
];

databaseTest(
  "among 100,000 events each filter is exact, and its first and later pages read an index",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.admin.unsafe(FILL);
    await db.admin.unsafe("vacuum analyze table_rename.sys_table_migration_events");
    const most = 3;
    for (const [filter, count] of FILTERS) {
      const limit = Math.max(1, Math.min(200, Math.ceil(count / 2)));
      const found: number[] = [];
      let cursor: string | null = null;
      for (let page = 0; page < most; page++) {
        const query: ListEventsInput = { ...filter, limit, ...(cursor && { cursor }) };
        const { events, next_cursor } = await functions.events(query);
        found.push(...events.map(({ id }) => id));
        const text = eventsPage(parseListEventsQuery({ ...query, limit: String(limit) }));
        const [{ "QUERY PLAN": [plan] }] = await db.sql.unsafe(
          `explain (analyze, format json) ${text}`,
        );
        assert(rowsRead(plan.Plan) < 2_000, JSON.stringify([filter, plan]));
        cursor = next_cursor;
        if (cursor === null) break;
      }
      const about = JSON.stringify(filter);
      assertEquals(found.length, Math.min(count, most * limit), about);
      assertEquals(found, found.toSorted((a, b) => b - a), about);
      assertEquals(new Set(found).size, found.length, about);
      if (count <= most * limit) assertEquals(cursor, null, about);
    }
  },
);

interface Node {
  "Node Type": string;
  "Actual Rows": number;
  "Actual Loops": number;
  "Rows Removed by Filter"?: number;
  Plans?: Node[];
}

/** How many rows the scans of a plan read. */
function rowsRead(node: Node): number {
  const below = (node.Plans ?? []).reduce((sum, plan) => sum + rowsRead(plan), 0);
  if (!/Scan/.test(node["Node Type"])) return below;
  return below + node["Actual Loops"] *
      (node["Actual Rows"] + (node["Rows Removed by Filter"] ?? 0));
}

databaseTest(
  "a cursor of another list, or a query that is not one, is refused",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const foreign = btoa(JSON.stringify(["2026-01-01T00:00:00+00:00", crypto.randomUUID()]));
    for (
      const [query, path] of [
        [`?cursor=${foreign}`, "cursor"],
        [`?cursor=${btoa(JSON.stringify(["2026-01-01T00:00:00+00:00", "1 or true"]))}`, "cursor"],
        ["?since=yesterday", "since"],
        ["?operation=drop", "operation"],
        ["?outcome=done", "outcome"],
        ["?limit=201", "limit"],
        ["?batch_id=1", "batch_id"],
        ["?table=a", ""],
      ]
    ) {
      const response = await functions.fetch("list-events", { query });
      const problem = await response.json();
      assertEquals([response.status, problem.code], [400, "invalid_request"], query);
      assertEquals(problem.issues[0].path, path, query);
    }
    // Years that no timestamp has.
    for (const since of ["0000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"]) {
      assertEquals((await functions.events({ since })).events, []);
    }
  },
);
