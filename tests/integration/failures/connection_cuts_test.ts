/**
 * The connection between function and database breaks before or after any one message: what is found
 * then is wholly before or wholly after, and the answer, the record and the events say which.
 */
import { assert, assertEquals } from "@std/assert";
import {
  afterCriticalSection,
  cutOnce,
  isCriticalSection,
  type Proxied,
  proxied,
} from "../../support/servers/broken_connections.ts";
import type { ProxyMessage, Verdict } from "../../support/servers/cutting_proxy.ts";
import { createTestDatabase } from "../../support/servers/database.ts";
import type { Side } from "../../support/servers/protocol_messages.ts";
import { quietly } from "../../support/quietly.ts";
import { type TestServer, testServers } from "../../support/servers/servers.ts";
import { sampled, slowTest } from "../../support/runner/sampled.ts";

/** Databases that are worked on at the same time; each message is one's. */
const LANES = 3;

/** A cut before a message of the server is, for both ends, a cut after the one before that. */
const CUTS: [Verdict, Side][] = [["cut", "client"], ["cut after", "client"], [
  "cut after",
  "server",
]];

const OPERATIONS = ["rename", "rollback"] as const;

/**
 * Each version has every fourth message of the client, every 24th of the server's, which are many, and most
 * of them rows; another one on each.
 */
const STRIDES: Record<Side, number> = sampled(
  { client: 1, server: 1 },
  { client: 4, server: 24 },
);

type Work = (proxied: Proxied, lane: number) => Promise<void>;

for (const [index, server] of testServers().entries()) {
  const test = (name: string, work: Work, lanes = 1) =>
    slowTest(`[pg${server.version}] ${name}`, () => quietly(() => inLanes(server, lanes, work)));

  for (const [verdict, side] of CUTS) {
    const where = `${verdict === "cut" ? "before" : "after"} any message of the ${side}`;
    const stride = STRIDES[side];
    const offset = Math.floor((index * stride) / testServers().length);

    test(
      `a rename or rollback cut off ${where} is done wholly or not at all, and says which`,
      async ({ proxy, operations }, lane) => {
        for (let number = (lane * stride) + 1 + offset;; number += LANES * stride) {
          for (const operation of OPERATIONS) {
            proxy.reset();
            proxy.judge = cutOnce(verdict, (message) => isNumber(message, side, number));
            await operations.attempt();
            if (proxy.cuts === 0) assert(number > proxy.counts[side], "a message was left out");
            else await operations.secondTry(operation);
          }
          if (proxy.cuts === 0) break;
        }
      },
    );

    test(
      `one cut off ${where} while it connects is done wholly or not at all, and says which`,
      async ({ proxy, operations, functions }, lane) => {
        for (let number = (lane * stride) + 1 + offset;; number += LANES * stride) {
          await functions[Symbol.asyncDispose]();
          proxy.reset();
          const cut = cutOnce(verdict, (message) => isNumber(message, side, number));
          let began = false;
          proxy.judge = (message) => {
            if (message.from === "client" && message.text.startsWith("begin isolation")) {
              began = true;
            }
            return began ? "forward" : cut(message);
          };
          const { next } = operations;
          await operations.attempt();
          if (proxy.cuts === 0) break;
          await operations.secondTry(next);
        }
      },
    );
  }

  for (const operation of OPERATIONS) {
    test(`a ${operation} is not made where its last message never arrives`, async ({ proxy, operations }) => {
      if (operations.next !== operation) await operations.attempt();
      proxy.judge = cutOnce("cut", isCriticalSection);
      assertEquals((await operations.attempt()).body.code, "database_unavailable");
      await operations.secondTry(operation);
    });

    test(`a ${operation} whose answer is lost is answered 200 with the figures that were recorded`, async ({ proxy, operations }) => {
      if (operations.next !== operation) await operations.attempt();
      proxy.judge = loseAnswer(proxy, 0);
      const { status, body, requestId } = await operations.attempt();
      assertEquals([status, proxy.cuts], [200, 1]);
      const [event] = await operations.db.sql`
        select lock_attempts as attempts, lock_waited_ms as waited_ms, lock_held_ms as held_ms
        from table_rename.sys_table_migration_events where request_id = ${requestId}`;
      assertEquals(body.lock, { ...event });
      assert(body.verification.passed, JSON.stringify(body.verification));
      await operations.secondTry(operation);
    });

    test(`a ${operation} whose answer is lost is answered 200 though the next connections break, too`, async ({ proxy, operations }) => {
      if (operations.next !== operation) await operations.attempt();
      proxy.judge = loseAnswer(proxy, 3);
      assertEquals((await operations.attempt()).status, 200);
      assertEquals(proxy.cuts, 4);
      await operations.secondTry(operation);
    });
  }
}

async function inLanes(server: TestServer, length: number, work: Work): Promise<void> {
  const lanes = Array.from({ length }, async (_, lane) => {
    const db = await createTestDatabase(server);
    try {
      await using through = await proxied(db);
      await work(through, lane);
    } finally {
      await db.close();
    }
  });
  const failed = (await Promise.allSettled(lanes)).find(({ status }) => status === "rejected");
  if (failed) throw (failed as PromiseRejectedResult).reason;
}

const isNumber = (message: ProxyMessage, side: Side, number: number) =>
  message.from === side && message.number === number;

/** Cuts just before the answer to the critical section, and then `more` questions in a row. */
function loseAnswer(proxy: Proxied["proxy"], more: number): Proxied["proxy"]["judge"] {
  const isAfter = afterCriticalSection();
  let lost = false;
  return (message) => {
    const after = isAfter(message);
    if (!lost && after && message.from === "server") {
      lost = true;
      return "cut";
    }
    const again = lost && message.from === "client" && message.type === "Q" && proxy.cuts <= more;
    return again ? "cut" : "forward";
  };
}
