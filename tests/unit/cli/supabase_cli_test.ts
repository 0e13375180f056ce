import { assert, assertEquals } from "@std/assert";
import { supabaseCli } from "../../../shared/cli/supabase_cli.ts";
import { CAN_LIST_PROCESSES, listProcesses } from "../../support/programs/processes.ts";

Deno.test(
  "the database's password is in no list of processes",
  { ignore: !CAN_LIST_PROCESSES },
  async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { port } = listener.addr as Deno.NetAddr;
    const running = supabaseCli(
      ["gen", "types"],
      `postgresql://postgres:secret-word@127.0.0.1:${port}/postgres`,
    );
    const connection = await listener.accept();
    const commands = listProcesses().map(({ command }) => command);
    connection.close();
    assert(commands.some((command) => command.includes(`127.0.0.1:${port}`)), "it is not listed");
    assertEquals(commands.filter((command) => command.includes("secret-word")), []);
    const { success, stdout, stderr } = await running;
    assertEquals(success, false);
    assertEquals((stdout + stderr).includes("secret-word"), false);
  },
);
