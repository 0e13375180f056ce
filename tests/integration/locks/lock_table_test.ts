/** A batch that needs more locks than the server has room for is refused in words that help. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertRecordAgrees, catalogState } from "../../support/catalog/catalog_state.ts";
import { withFragileServer } from "../../support/servers/fragile_server.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { quietly } from "../../support/quietly.ts";
import { post } from "../../support/http/requests.ts";
import { testServers } from "../../support/servers/servers.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const TABLES = 1_000;

for (const { version } of testServers()) {
  slowTest(
    `[pg${version}] a batch too large for max_locks_per_transaction changes nothing and says what to raise`,
    () =>
      quietly(() => {
        const settings = { max_locks_per_transaction: "10", max_connections: "20" };
        return withFragileServer(version, settings, async ({ db }) => {
          await using functions = functionsFor(db.url);
          // Created one by one: creating takes locks, too.
          for (let number = 0; number < TABLES; number++) {
            await db.sql.unsafe(`create table t${number} (id int)`);
          }
          const before = await catalogState(db.sql);
          const renames = (count: number) =>
            Array.from({ length: count }, (_, number) => ({
              old_name: `t${number}`,
              new_name: `renamed${number}`,
            }));
          const { status, body } = await post(functions, "rename", { renames: renames(TABLES) });
          assertEquals([status, body.code], [503, "database_unavailable"], JSON.stringify(body));
          assertStringIncludes(body.hint, "max_locks_per_transaction");
          assertEquals(await catalogState(db.sql), before);
          await assertRecordAgrees(db.sql, 0);
          assertEquals((await post(functions, "rename", { renames: renames(20) })).status, 200);
        });
      }),
  );
}
