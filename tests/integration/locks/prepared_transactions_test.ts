/** Transactions that are prepared for two-phase commit hold their locks without a session. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Blocker } from "../../../shared/contract/responses.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { ownServers } from "../../support/servers/own_servers.ts";

const servers = ownServers([15, 17, 18], { max_prepared_transactions: "5" });

servers.test(
  "a prepared transaction in the way is named by its identifier, with how to end it",
  async ({ db }) => {
    // Or the database could not be dropped.
    await using _ended = {
      [Symbol.asyncDispose]: async () => {
        for (const { gid } of await db.sql`select gid from pg_prepared_xacts`) {
          await db.sql.unsafe(`rollback prepared '${gid.replaceAll("'", "''")}'`);
        }
      },
    };
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int primary key, name text)`;
    const gid = "mover's 1";
    const client = db.connect({ max: 1 });
    const prepare = (statement: string) =>
      client.unsafe(`begin; ${statement}; prepare transaction 'mover''s 1'`).simple();
    const refused = async (name: string, body: unknown) => {
      const problem = await functions.refused("lock_not_acquired", name, body);
      const blockers = problem.blockers as Blocker[];
      assertEquals(blockers.map((one) => [one.pid, one.gid, one.role, one.state]), [
        [0, gid, "postgres", "prepared"],
      ]);
      assert(blockers[0].age_ms! >= 0 && blockers[0].since !== null);
      assertStringIncludes(problem.hint!, "COMMIT PREPARED 'mover''s 1'");
      assertStringIncludes(problem.hint!, "ROLLBACK PREPARED 'mover''s 1'");
      return problem;
    };
    const rename = { old_name: "experts", new_name: "expert_profiles", max_wait_ms: 300 };
    // In the way of the last message alone, and of the first lock already.
    for (const statement of ["insert into experts values (1, 'a')", "lock table experts"]) {
      await prepare(statement);
      // No longer a short transaction.
      await new Promise((resolve) => setTimeout(resolve, 80));
      const { attempts } = await refused("rename", rename);
      assertEquals(attempts === 0, statement.startsWith("insert"));
      await refused("rename", { ...rename, lock_timeout_ms: 20, max_wait_ms: 0 });
      await db.sql.unsafe("rollback prepared 'mover''s 1'");
    }
    // Who has a session has no such identifier.
    const holder = await db.sql.reserve();
    await holder`begin`;
    await holder`lock table experts`;
    const problem = await functions.refused("lock_not_acquired", "rename", rename);
    const [blocker] = problem.blockers as Blocker[];
    assert(blocker.pid > 0 && !("gid" in blocker), JSON.stringify(blocker));
    assert(!problem.hint!.includes("PREPARED"));
    await holder`rollback`;
    holder.release();
    const { migrations: [{ id }] } = await functions.rename(rename);
    await prepare("lock table expert_profiles");
    await refused("verify", { migration_id: id, max_ms: 100 });
    await refused("rollback", { migration_id: id, max_wait_ms: 300 });
    await db.sql.unsafe("commit prepared 'mover''s 1'");
    await functions.rollback({ migration_id: id });
  },
);
