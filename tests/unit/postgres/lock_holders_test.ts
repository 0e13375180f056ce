import { assert, assertEquals, assertFalse } from "@std/assert";
import { type LockHolder, QueueRules } from "../../../shared/postgres/locks/lock_holders.ts";

const holder = (transaction: string, ageMs: number | null): LockHolder => ({
  transaction,
  ageMs,
  hidden: ageMs === null,
  row: {},
});

/** Runs `work` with a clock that it moves. */
function withClock(work: (advance: (ms: number) => void) => void): void {
  let now = 1_000;
  Object.defineProperty(performance, "now", { value: () => now, configurable: true });
  try {
    work((ms) => now += ms);
  } finally {
    delete (performance as { now?: unknown }).now;
  }
}

const inTheWay = (rules: QueueRules, ...holders: LockHolder[]) =>
  rules.inTheWay(holders).map(({ transaction }) => transaction);

Deno.test("a transaction is in the way once it has lasted for more than 50 ms", () => {
  const rules = new QueueRules(200);
  assertEquals(inTheWay(rules, holder("a", 50), holder("c", 0)), []);
  assertFalse(rules.hasWaited);
  assertEquals(inTheWay(rules, holder("a", 50), holder("b", 51), holder("c", 0)), ["b"]);
  assert(rules.hasWaited);
});

/** How long attempts may wait that all fail, each after a look at the holders. */
function timeouts(count: number, ...holders: LockHolder[]): number[] {
  const rules = new QueueRules(200);
  return Array.from({ length: count }, () => {
    rules.inTheWay(holders);
    const { timeoutMs } = rules;
    rules.failed();
    return timeoutMs;
  });
}

Deno.test("attempts wait for 25 ms at first, the fifth for 100 ms, and none longer than the lock timeout", () => {
  assertEquals(timeouts(8, holder("a", 50)), [25, 35, 50, 71, 100, 141, 200, 200]);
  assertEquals(new QueueRules(5).timeoutMs, 5);
});

Deno.test("where transactions last for a few milliseconds a failed attempt was not too short: one of four grows", () => {
  assertEquals(timeouts(9, holder("a", 3)), [25, 25, 25, 25, 35, 35, 35, 35, 50]);
  assertEquals(timeouts(5, holder("a", 3), holder("b", 9)), [25, 35, 50, 50, 71]);
});

Deno.test("who was not queued behind does not make the attempts longer", () => {
  const rules = new QueueRules(200);
  inTheWay(rules, holder("a dump", 600_000));
  inTheWay(rules, holder("hidden", null));
  for (let attempt = 0; attempt < 3; attempt++) {
    inTheWay(rules, holder("a", 2));
    assertEquals(rules.timeoutMs, 25);
    rules.failed();
  }
});

Deno.test("behind one transaction the times do not grow, however long it lasts", () => {
  const rules = new QueueRules(200);
  for (let age = 60; age < 60_000; age += 50) {
    assertEquals(inTheWay(rules, holder("a", age), holder(`short ${age}`, 1)), ["a"]);
  }
  assertEquals(rules.timeoutMs, 25);
  assertEquals(inTheWay(rules), []);
});

Deno.test("where transactions that last for 150 ms follow each other, one is queued for in the end", () => {
  const rules = new QueueRules(200);
  let looks = 0;
  for (let time = 0;; time += 50) {
    // One begins every 75 ms, so that one of two is always older than 50 ms.
    const present = [0, 1, 2].map((back) => Math.floor(time / 75) - back)
      .map((number) => holder(String(number), time - number * 75))
      .filter(({ ageMs }) => ageMs! < 150);
    looks++;
    if (inTheWay(rules, ...present).length === 0) break;
    assert(looks < 50);
  }
  assert(rules.timeoutMs > 50 && rules.timeoutMs <= 200);
});

Deno.test("a transaction whose age is hidden is in the way unless it came since the last look", () =>
  withClock((advance) => {
    const rules = new QueueRules(200);
    assertEquals(inTheWay(rules, holder("a", null)), ["a"]);
    advance(10);
    assertEquals(inTheWay(rules, holder("a", null), holder("b", null)), ["a"]);
    advance(10);
    assertEquals(inTheWay(rules, holder("b", null)), []);
    advance(50);
    assertEquals(inTheWay(rules, holder("b", null)), ["b"]);
    assertFalse(rules.holdersVisible);
    assert(new QueueRules(200).holdersVisible);
  }));

Deno.test("holders in the way are reported at once, and then four times a second", () =>
  withClock((advance) => {
    const rules = new QueueRules(200);
    const reports = Array.from({ length: 21 }, () => {
      const report = rules.isTimeToReport();
      advance(50);
      return report;
    });
    assertEquals(reports.flatMap((report, index) => report ? index * 50 : []), [
      0,
      250,
      500,
      750,
      1_000,
    ]);
  }));

Deno.test("looks follow each other after 10 ms, and later after 50", () => {
  const rules = new QueueRules(200);
  assertEquals(Array.from({ length: 5 }, () => rules.nextLookMs()), [10, 20, 40, 50, 50]);
});
