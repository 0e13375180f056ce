import { assertEquals } from "@std/assert";
import { Database } from "../../../shared/postgres/connection/database.ts";
import { flushLog } from "../../../shared/postgres/flush_log.ts";

Deno.test("a change whose log cannot be written ahead goes on", async () => {
  const nowhere = new Database("postgresql://postgres:secret@127.0.0.1:1/postgres");
  assertEquals(await flushLog(nowhere), undefined);
});
