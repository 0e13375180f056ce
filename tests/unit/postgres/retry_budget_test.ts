import { assert, assertEquals, assertFalse, assertLess } from "@std/assert";
import { RetryBudget, sleep } from "../../../shared/postgres/limits.ts";

/** Runs `work` with a clock that only sleeping moves, and with `random` for chance; gives the sleeps. */
async function withClock(
  random: () => number,
  work: (clock: { advance(ms: number): void }) => Promise<void>,
): Promise<number[]> {
  const { setTimeout, performance } = globalThis;
  const chance = Math.random;
  const sleeps: number[] = [];
  let now = 1_000;
  try {
    Math.random = random;
    Object.defineProperty(performance, "now", { value: () => now, configurable: true });
    globalThis.setTimeout = ((wake: () => void, ms: number) => {
      sleeps.push(ms);
      now += ms;
      queueMicrotask(wake);
      return 0;
    }) as unknown as typeof setTimeout;
    await work({ advance: (ms) => now += ms });
  } finally {
    Math.random = chance;
    globalThis.setTimeout = setTimeout;
    delete (performance as { now?: unknown }).now;
  }
  return sleeps;
}

const NEARLY_ONE = 1 - Number.EPSILON;

Deno.test("each sleep is bounded by twice the one before, up to a second", async () => {
  const longest = await withClock(() => NEARLY_ONE, async () => {
    const budget = new RetryBudget(120_000);
    for (let n = 0; n < 12; n++) assert(await budget.pause());
  });
  assertEquals(longest.map(Math.round), [26, 51, 101, 201, 401, 801, ...Array(6).fill(1_001)]);
});

Deno.test("sleeps are random down to nothing, so that competitors part", async () => {
  const shortest = await withClock(() => 0, async () => {
    const budget = new RetryBudget(120_000);
    for (let n = 0; n < 5; n++) assert(await budget.pause());
  });
  assertEquals(shortest, [1, 1, 1, 1, 1]);
});

Deno.test("after a thousand failures a sleep is still at most a second", async () => {
  const sleeps = await withClock(() => NEARLY_ONE, async () => {
    const budget = new RetryBudget(1e9);
    for (let n = 0; n < 1_100; n++) assert(await budget.pause());
  });
  assertLess(Math.max(...sleeps), 1_001.1);
});

Deno.test("no sleep goes beyond the longest wait; then it is over at once", async () => {
  const sleeps = await withClock(() => 0.5, async () => {
    const budget = new RetryBudget(100);
    while (await budget.pause());
    assert(budget.elapsedMs <= 100);
    assert(budget.remainingMs >= 0);
    assertEquals(budget.failures, sleepsUntilOver + 1);
  });
  assertEquals(sleeps.length, sleepsUntilOver);
  assert(sleeps.reduce((sum, ms) => sum + ms, 0) < 100);
});
/** 13.5 and 26 ms fit into 100 ms with 51 more; 101 do not. */
const sleepsUntilOver = 3;

Deno.test("with no budget there is one try", async () => {
  const sleeps = await withClock(() => 0, async () => {
    const budget = new RetryBudget(0);
    assertFalse(await budget.pause());
    assertEquals(budget.failures, 1);
  });
  assertEquals(sleeps, []);
});

Deno.test("work counts as time too, and what is left is never less than nothing", async () => {
  await withClock(() => 0, async ({ advance }) => {
    const budget = new RetryBudget(50);
    assertEquals(budget.remainingMs, 50);
    advance(20);
    assertEquals([budget.elapsedMs, budget.remainingMs], [20, 30]);
    advance(1_000);
    assertEquals(budget.remainingMs, 0);
    assertFalse(await budget.pause());
  });
});

Deno.test("a sleep whose signal was given before it began is none", async () => {
  const gone = new AbortController();
  gone.abort();
  const started = performance.now();
  await sleep(60_000, gone.signal);
  assert(performance.now() - started < 1_000);
});
