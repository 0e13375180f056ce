/** The endpoints in a process of their own, as the platform runs them. Says its port on standard output. */
import { forgetDatabase } from "../../../shared/postgres/connection/database.ts";
import rename from "../../../functions/rename/index.ts";
import rollback from "../../../functions/rollback/index.ts";

const server = Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: () => {} },
  async (request) => {
    // A request of the benchmark's: the next call finds no open connection, as in a new isolate.
    const { pathname } = new URL(request.url);
    if (pathname === "/disconnect") {
      await forgetDatabase(Deno.env.get("SUPABASE_DB_URL")!);
      return new Response(null, { status: 204 });
    }
    return await (pathname === "/rollback" ? rollback : rename).fetch(request);
  },
);
console.log(server.addr.port);
