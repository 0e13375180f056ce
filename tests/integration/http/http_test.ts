/** What every endpoint does with a request, whatever it is about. */
import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";
import { handle } from "../../../shared/http/endpoint.ts";
import { closedPort, countConnections } from "../../support/servers/counting_listener.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { loggedBy } from "../../support/http/silent_log.ts";

const METHODS: Record<string, string> = {
  rename: "POST",
  rollback: "POST",
  "list-migrations": "GET",
};

const NAMES = { old_name: "experts", new_name: "expert_profiles" };
const UUID = "6b0f2f0e-3a4f-4b5f-8f53-2d8e3c0f9a11";

/** A well-formed request to each endpoint. */
const CALLS: Record<string, RequestInit> = {
  rename: post(NAMES),
  rollback: post({ migration_id: UUID }),
  "list-migrations": {},
};

function post(body: unknown, headers: Record<string, string> = {}): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  };
}

/** The problem that a request gets; fails unless it is a well-formed one with this code. */
async function problem(
  functions: Functions,
  code: string,
  name: string,
  init: RequestInit & { query?: string } = {},
) {
  const response = await functions.fetch(name, init);
  const body = await response.json();
  assertEquals(body.code, code, JSON.stringify(body));
  assertEquals(body.status, response.status);
  assertEquals(response.headers.get("content-type"), "application/problem+json; charset=utf-8");
  assertEquals(response.headers.get("cache-control"), "no-store");
  assertMatch(response.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  return { response, body };
}

/** Endpoints whose database would be noticed if it were asked. */
async function withoutDatabase(work: (functions: Functions) => Promise<void>): Promise<void> {
  using listener = countConnections();
  await using functions = functionsFor(listener.url);
  await work(functions);
  assertEquals(listener.connections, 0, "the database was asked");
}

Deno.test("another method than the endpoint's is 405, and the answer says which is allowed", () =>
  withoutDatabase(async (functions) => {
    for (const [name, allowed] of Object.entries(METHODS)) {
      for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]) {
        if (method === allowed) continue;
        const { response } = await problem(functions, "method_not_allowed", name, { method });
        assertEquals(response.status, 405);
        assertEquals(response.headers.get("allow"), allowed);
      }
    }
  }));

Deno.test("a body that is no JSON, too large or of another type is refused at every endpoint that takes one", () =>
  withoutDatabase(async (functions) => {
    for (const name of ["rename", "rollback"]) {
      const headers = { "content-type": "text/plain" };
      await problem(functions, "unsupported_media_type", name, {
        method: "POST",
        headers,
        body: "{}",
      });
      await problem(functions, "body_too_large", name, post(" ".repeat(2 * 1_048_576)));
      await problem(functions, "invalid_json", name, post("{"));
      await problem(functions, "invalid_json", name, post(""));
      await problem(functions, "invalid_request", name, post([]));
    }
  }));

Deno.test("an event stream where there is none, and a key that cannot be one, are refused clearly, not ignored", () =>
  withoutDatabase(async (functions) => {
    for (const name of Object.keys(METHODS)) {
      const stream = { accept: "application/json;q=0.5, text/event-stream" };
      const streams = name === "list-migrations" ? [stream] : [];
      const keys = name === "list-migrations" ? ["k", ""] : ["", "a b", "x".repeat(256)];
      for (const headers of [...streams, ...keys.map((key) => ({ "idempotency-key": key }))]) {
        const init = { ...CALLS[name], headers: { ...CALLS[name].headers, ...headers } };
        const { body } = await problem(functions, "invalid_request", name, init);
        assertEquals(body.issues[0].path, Object.keys(headers)[0]);
        assertMatch(body.detail, /no meaning|1 to 255 visible|has no event stream/);
      }
    }
  }));

Deno.test("an unknown query parameter, or one given twice, is refused", () =>
  withoutDatabase(async (functions) => {
    const queries = ["?stauts=active", "?__proto__=x", "?constructor=x", "?limit=1&limit=2", "?=x"];
    for (const query of queries) {
      await problem(functions, "invalid_request", "list-migrations", { query });
    }
  }));

Deno.test("an option in the query of a POST is refused, since ignoring it would apply what was only to be planned", () =>
  withoutDatabase(async (functions) => {
    for (const name of ["rename", "rollback"]) {
      const { body } = await problem(functions, "invalid_request", name, {
        ...CALLS[name],
        query: "?mode=plan",
      });
      assertStringIncludes(JSON.stringify(body.issues), "mode");
    }
  }));

Deno.test("a cursor that no page gave is refused", () =>
  withoutDatabase(async (functions) => {
    const time = "2026-01-01T00:00:00+00:00";
    const cursors: unknown[] = [
      "x",
      [],
      null,
      {},
      [time],
      [[time], UUID],
      [time, [UUID]],
      [time, `${UUID}'`],
      ["2026-13-45T99:99:99+00:00", UUID],
      ["2026-02-30T00:00:00+00:00", UUID],
      ["0000-01-01T00:00:00+00:00", UUID],
      ["999999-01-01T00:00:00+00:00", UUID],
      ["2026-01-01T00:00:00+99:99", UUID],
      ["'; drop table canary; --", UUID],
    ];
    for (const cursor of cursors) {
      const query = `?cursor=${encodeURIComponent(btoa(JSON.stringify(cursor)))}`;
      await problem(functions, "invalid_request", "list-migrations", { query });
    }
    for (const cursor of ["*", "%00", "%ff", "YQ", "a".repeat(501)]) {
      await problem(functions, "invalid_request", "list-migrations", {
        query: `?cursor=${cursor}`,
      });
    }
  }));

Deno.test("every answer has a request id of its own", () =>
  withoutDatabase(async (functions) => {
    const ids = new Set<string>();
    for (let n = 0; n < 20; n++) {
      const response = await functions.fetch("rename", { method: "GET" });
      await response.body?.cancel();
      ids.add(response.headers.get("x-request-id")!);
    }
    assertEquals(ids.size, 20);
  }));

databaseTest(
  "an answer is JSON with a request id, and so is a refusal by the database's facts",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const listed = await functions.fetch("list-migrations", { query: "?forceFunctionRegion=any" });
    assertEquals(listed.status, 200);
    assertEquals(await listed.json(), { migrations: [], next_cursor: null });
    assertEquals(listed.headers.get("content-type"), "application/json; charset=utf-8");
    assertEquals(listed.headers.get("x-content-type-options"), "nosniff");
    await problem(functions, "table_not_found", "rename", CALLS.rename);
    await problem(functions, "migration_not_found", "rollback", CALLS.rollback);
    // The request id leads to the event.
    const { response } = await problem(functions, "table_not_found", "rename", CALLS.rename);
    const [event] = await db.sql`
    select * from table_rename.sys_table_migration_events order by id desc limit 1`;
    assertEquals(event.request_id, response.headers.get("x-request-id"));
    assertEquals([event.outcome, event.problem_code], ["refused", "table_not_found"]);
  },
);

/** Nothing of the inside: no host, port, user, password, path, stack or SQL. */
function assertDiscreet(body: unknown, secrets: string[]): void {
  const text = JSON.stringify(body);
  for (const secret of [...secrets, "127.0.0.1", ".ts", "node_modules", "ECONN", "    at "]) {
    assertFalse(text.includes(secret), `${secret} in ${text}`);
  }
}

Deno.test("a database that cannot be reached is 503 at every endpoint, and nothing of the inside leaks", async () => {
  using startingUp = countConnections();
  const secret = "secret-of-the-database";
  const urls = [
    `postgresql://postgres:${secret}@127.0.0.1:${closedPort()}/postgres`,
    startingUp.url,
    `postgresql://postgres:${secret}@host.invalid:5432/postgres`,
    `not a url with ${secret}`,
    `postgresql://postgres:${secret}@127.0.0.1:99999999/postgres`,
  ];
  for (const url of urls) {
    await using functions = functionsFor(url);
    for (const name of Object.keys(METHODS)) {
      const logged = await loggedBy(async () => {
        const { response, body } = await problem(
          functions,
          "database_unavailable",
          name,
          CALLS[name],
        );
        assertEquals(response.status, 503);
        // Of why it cannot be reached, the code alone.
        const { error_code = "ENONE", ...rest } = body;
        assertMatch(String(error_code), /^[A-Z0-9_]{5,40}$/);
        assertDiscreet(rest, [secret, "host.invalid", String(startingUp.port)]);
        assert(body.hint);
      });
      assert(logged.length > 0, "nothing was logged");
      assertFalse(logged.join("").includes(secret), "the password is in the log");
    }
  }
});

Deno.test("a proxy that takes connections and hangs up is 503 in ten seconds, not a request without end", async () => {
  using proxy = countConnections({ hangUp: true });
  await using functions = functionsFor(proxy.url);
  await loggedBy(async () => {
    await problem(functions, "database_unavailable", "list-migrations");
  });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 200));
  await settled();
  const { connections } = proxy;
  await settled();
  assertEquals(proxy.connections, connections, "it still knocks");
});

Deno.test("without SUPABASE_DB_URL the answer says what to set", async () => {
  await using functions = functionsFor("", { databaseUrl: undefined });
  await loggedBy(async () => {
    const { body } = await problem(functions, "database_unavailable", "rename", CALLS.rename);
    assertStringIncludes(body.detail, "SUPABASE_DB_URL");
  });
});

databaseTest(
  "a refused login and an unknown database are 503, and nothing of the inside leaks",
  async ({ db }) => {
    const wrongPassword = new URL(db.url);
    wrongPassword.password = "wrong-password-of-the-test";
    const wrongRole = new URL(db.url);
    wrongRole.username = "no_such_role_of_the_test";
    const wrongName = new URL(db.url);
    wrongName.pathname = "/no_such_database_of_the_test";
    for (const url of [wrongPassword, wrongRole, wrongName]) {
      await using functions = functionsFor(url.href);
      for (const name of Object.keys(METHODS)) {
        await loggedBy(async () => {
          const { body } = await problem(functions, "database_unavailable", name, CALLS[name]);
          assertDiscreet(body, ["of_the_test", "of-the-test", new URL(db.url).password]);
        });
      }
    }
  },
);

databaseTest(
  "without the tracking tables the answer says how to make them, and nothing is renamed",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int)`;
    await db.sql`drop table sys_table_migrations, table_rename.sys_table_migration_events,
    table_rename.sys_table_migration_requests, table_rename.sys_table_migration_usage,
    table_rename.sys_table_migration_verifications, table_rename.sys_table_migration_uses`;
    for (const name of Object.keys(METHODS)) {
      for (const mode of ["plan", "apply"]) {
        const init = name === "list-migrations"
          ? CALLS[name]
          : post({ ...JSON.parse(CALLS[name].body as string), mode });
        await loggedBy(async () => {
          const { body } = await problem(functions, "database_unavailable", name, init);
          assertStringIncludes(body.hint, "db push");
        });
      }
    }
    assertEquals((await db.sql`select to_regclass('experts')::text as t`)[0].t, "experts");
  },
);

Deno.test("an unexpected error is 500 with a request id to look for in the log, and nothing else", async () => {
  const definition = {
    method: "GET" as const,
    parse: () => {
      throw new TypeError("password=secret at /srv/inside.ts");
    },
    run: () => Promise.resolve({}),
  };
  const { settings } = functionsFor("postgresql://localhost/x");
  const request = new Request("http://localhost/x", { headers: { apikey: SECRET_KEY } });
  let response: Response;
  const logged = await loggedBy(async () => {
    response = await handle(definition, request, settings);
  });
  const body = await response!.json();
  assertEquals([response!.status, body.code], [500, "internal"]);
  assertDiscreet(body, ["password", "secret", "TypeError"]);
  assertEquals(logged.length, 1);
  assertStringIncludes(logged[0], response!.headers.get("x-request-id")!);
  assertStringIncludes(logged[0], "password=secret");
});
