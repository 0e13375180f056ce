/** The rules of the pool, tried in many orders of events: nobody waits for what waits for him. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import fc from "fast-check";
import {
  ConnectionSlots,
  type Lane,
  MAX_CONNECTIONS,
  NoFreeConnection,
  type Slot,
  type SlotRequest,
} from "../../../shared/postgres/connection/connection_slots.ts";

const FOREVER_MS = 2 ** 30;
const request = (lane: Lane, more: Partial<SlotRequest> = {}): SlotRequest => ({
  lane,
  waitMs: FOREVER_MS,
  ...more,
});

/** Lets everything go on that waits for nothing: promises that are settled, and those that follow from them. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 40; turn++) await Promise.resolve();
}

Deno.test("changes leave a connection to what reads and one to single messages", async () => {
  const slots = new ConnectionSlots();
  const held = [await slots.acquire(request("change")), await slots.acquire(request("change"))];
  await assertRejects(() => slots.acquire(request("change", { waitMs: 0 })), NoFreeConnection);
  held.push(await slots.acquire(request("read")));
  await assertRejects(() => slots.acquire(request("read", { waitMs: 0 })), NoFreeConnection);
  held.push(await slots.acquire(request("query")));
  await assertRejects(() => slots.acquire(request("query", { waitMs: 0 })), NoFreeConnection);
  assertEquals(slots.held, { change: 2, read: 1, query: 1 });
  for (const { release } of held) release();
  assertEquals(slots.held, { change: 0, read: 0, query: 0 });
});

/** Both slots of the changes. */
const bothChanges = (slots: ConnectionSlots) =>
  Promise.all([1, 2].map(() => slots.acquire(request("change"))));

Deno.test("slots are given in the order of the requests; every other one to a request that had none", async () => {
  const slots = new ConnectionSlots();
  const [one, two] = await bothChanges(slots);
  const order: string[] = [];
  const later = ["again 1", "again 2", "new 1", "again 3", "new 2", "new 3"].map(async (name) => {
    const slot = await slots.acquire(request("change", { first: name.startsWith("new") }));
    order.push(name);
    await settle();
    slot.release();
  });
  assert(one.isAwaited(), "a request waits that had no slot yet");
  one.release();
  await settle();
  two.release();
  await Promise.all(later);
  assertEquals(order, ["new 1", "again 1", "new 2", "again 2", "new 3", "again 3"]);
  assertEquals(slots.waiting, 0);
});

Deno.test("a slot is awaited at once by a request that had none, and by others after a while", async () => {
  const slots = new ConnectionSlots(100);
  const [one, two] = await bothChanges(slots);
  assert(!one.isAwaited());
  const again = slots.acquire(request("change"));
  assert(!one.isAwaited());
  await new Promise((resolve) => setTimeout(resolve, 120));
  assert(one.isAwaited());
  one.release();
  const three = await again;
  const fresh = slots.acquire(request("change", { first: true }));
  assert(three.isAwaited());
  three.release();
  (await fresh).release();
  two.release();
});

Deno.test("whoever waits in vain, or goes away, leaves nothing behind", async () => {
  const slots = new ConnectionSlots();
  const [one, two] = await bothChanges(slots);
  await assertRejects(() => slots.acquire(request("change", { waitMs: 5 })), NoFreeConnection);
  const gone = new AbortController();
  const waiting = slots.acquire(request("change", { signal: gone.signal }));
  gone.abort();
  await assertRejects(() => waiting, NoFreeConnection);
  await assertRejects(
    () => slots.acquire(request("read", { signal: gone.signal })),
    NoFreeConnection,
  );
  assertEquals(slots.waiting, 0);
  one.release();
  one.release();
  assertEquals(slots.held.change, 1, "a slot is released once, however often that is called");
  two.release();
});

Deno.test("a wait is reported once it lasts, and again and again", async () => {
  const slots = new ConnectionSlots();
  const [one, two] = await bothChanges(slots);
  let reports = 0;
  const waiting = slots.acquire(request("change", { waiting: () => reports++ }));
  assertEquals(reports, 0);
  await new Promise((resolve) => setTimeout(resolve, 1_400));
  assertEquals(reports, 2);
  one.release();
  (await waiting).release();
  two.release();
});

/** What of the pool differs between the design and what it replaced. */
interface Design {
  slots: { acquire: (request: SlotRequest) => Promise<Slot> };
  held: () => number;
  /** Whether what is written after a commit waits for the migration's row. */
  writeWaits: boolean;
  /** Whether a session that waits for a lock releases its slot to requests that wait for one. */
  yields: boolean;
}

/** As it was: any three of four connections are sessions, which keep them until they are done. */
function withoutLanes(): Design {
  let [sessions, all] = [0, 0];
  const waiting: { session: boolean; admit: () => void }[] = [];
  const isFree = (session: boolean) => all < MAX_CONNECTIONS && (!session || sessions < 3);
  return {
    held: () => all,
    writeWaits: true,
    yields: false,
    slots: {
      async acquire({ lane, signal }) {
        if (signal!.aborted) throw new NoFreeConnection(lane);
        const session = lane !== "query";
        while (!isFree(session)) {
          const free = Promise.withResolvers<void>();
          waiting.push({ session, admit: free.resolve });
          signal!.addEventListener("abort", () => free.resolve());
          await free.promise;
          if (signal!.aborted) throw new NoFreeConnection(lane);
        }
        all++;
        if (session) sessions++;
        const release = () => {
          all--;
          if (session) sessions--;
          const index = waiting.findIndex((one) => isFree(one.session));
          if (index >= 0) waiting.splice(index, 1)[0].admit();
        };
        return { release, isAwaited: () => false };
      },
    },
  };
}

function withLanes(): Design {
  // No time passes here: a slot that may be released after a while may be released at once.
  const slots = new ConnectionSlots(0);
  const held = () => Object.values(slots.held).reduce((sum, count) => sum + count);
  return { slots, held, writeWaits: false, yields: true };
}

/** One caller: a table, what is done to it, and whether a client keeps it locked for ever. */
interface Caller {
  kind: "change" | "read" | "query";
  table: number;
  /** Whether a client of the database keeps a lock on the table: then the change waits as long as it may. */
  blocked: boolean;
}

/** Most steps until everybody who is not blocked has an answer: many times what they take. */
const MOST_STEPS = 2_000;

/**
 * Lets callers run, in the order that `scheduler` decides; nobody's budget ends, so that no timeout hides
 * a deadlock. Answers whether all came to their end who wait for no client of the database.
 */
async function run(
  scheduler: fc.Scheduler,
  callers: Caller[],
  { slots, held, writeWaits, yields }: Design,
): Promise<boolean> {
  const end = new AbortController();
  const step = async (label: string) => {
    if (end.signal.aborted) throw new NoFreeConnection("query");
    await scheduler.schedule(Promise.resolve(), label);
    if (end.signal.aborted) throw new NoFreeConnection("query");
  };
  const take = (lane: Lane, first = false) =>
    slots.acquire({ lane, first, waitMs: FOREVER_MS, signal: end.signal });
  /** Rows of migrations, by table: whose transaction has locked them. */
  const rows = new Map<number, Caller>();
  const query = async () => {
    const { release } = await take("query");
    try {
      await step("query");
    } finally {
      release();
    }
  };

  /** One session of a change; false where it ends before the change is made. */
  const attempt = async (caller: Caller, first: boolean): Promise<boolean> => {
    const { release, isAwaited } = await take("change", first);
    try {
      await step("begin");
      // Another request's lock: waited for, at most for one piece of time where that has an end.
      while (rows.has(caller.table)) {
        await query();
        await step("wait for the row");
        if (yields && rows.has(caller.table)) return false;
      }
      rows.set(caller.table, caller);
      await step("prepare");
      for (;;) {
        await step("critical section");
        // Who is in the way is asked beside the wait for the lock, and awaited.
        await query();
        if (!caller.blocked) return true;
        if (yields && isAwaited()) return false;
        await step("sleep");
      }
    } finally {
      if (rows.get(caller.table) === caller) rows.delete(caller.table);
      release();
    }
  };

  const read = async () => {
    const { release } = await take("read");
    try {
      await step("read");
      await query();
    } finally {
      release();
    }
  };

  const write = async (table: number) => {
    const { release } = await take("query");
    try {
      do await step("write"); while (writeWaits && rows.has(table));
    } finally {
      release();
    }
  };

  const answered = new Set<Caller>();
  const all = callers.map(async (caller) => {
    try {
      if (caller.kind === "query") await query();
      else if (caller.kind === "read") await read();
      else {
        let first = true;
        while (!(await attempt(caller, first))) {
          first = false;
          await step("back off");
        }
        await read();
        await write(caller.table);
      }
      answered.add(caller);
    } catch (error) {
      if (!(error instanceof NoFreeConnection)) throw error;
    }
  });
  // Who wants a table that a blocked change has reserved for itself may have to wait for it.
  const reserved = new Set(callers.filter(({ blocked }) => blocked).map(({ table }) => table));
  const unblocked = callers.filter(({ kind, blocked, table }) =>
    kind !== "change" || (!blocked && !reserved.has(table))
  );
  const done = () => unblocked.every((caller) => answered.has(caller));
  for (let steps = 0; steps < MOST_STEPS && !done(); steps++) {
    await settle();
    assert(held() <= MAX_CONNECTIONS, "more connections than there may be");
    if (done() || scheduler.count() === 0) break;
    await scheduler.waitOne();
  }
  const result = done();
  end.abort();
  await settle();
  while (scheduler.count() > 0) {
    await scheduler.waitOne();
    await settle();
  }
  await Promise.all(all);
  assertEquals(held(), 0, "connections that nobody gave back");
  return result;
}

const callers = fc.array(
  fc.record<Caller>({
    kind: fc.constantFrom("change", "change", "change", "read", "query"),
    table: fc.nat({ max: 4 }),
    blocked: fc.boolean(),
  }).map((caller) => caller.kind === "change" ? caller : { ...caller, blocked: false }),
  { minLength: 4, maxLength: 12 },
);

const found = async (design: () => Design, numRuns: number): Promise<boolean> => {
  const { failed, errorInstance } = await fc.check(
    fc.asyncProperty(fc.scheduler(), callers, async (scheduler, callers) => {
      if (!(await run(scheduler, callers, design()))) throw new Deadlock();
    }),
    { numRuns, endOnFailure: true },
  );
  if (failed && !(errorInstance instanceof Deadlock)) throw errorInstance;
  return failed;
};

class Deadlock extends Error {}

Deno.test("whatever the order of events, everybody whom no client blocks has an answer", async () => {
  assert(!(await found(withLanes, 400)), "somebody waits for ever");
});

Deno.test("the model finds what happens where any part of the design is missing", async () => {
  const lacking: Record<string, () => Design> = {
    "no lanes": withoutLanes,
    "no lanes, but writes that wait for nobody": () => ({ ...withoutLanes(), writeWaits: false }),
    "a write after the commit waits for a row": () => ({ ...withLanes(), writeWaits: true }),
    "nobody releases a slot": () => ({ ...withLanes(), yields: false }),
  };
  for (const [name, design] of Object.entries(lacking)) {
    assert(await found(design, 400), `${name}: nothing was found`);
  }
});
