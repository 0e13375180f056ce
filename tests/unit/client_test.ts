import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "node:path";
import { type CallOptions, createRenameClient, RenameError } from "../../shared/client/client.ts";
import { Problem } from "../../shared/contract/problems.ts";
import { answered, withProject } from "../support/programs/cli.ts";
import { modulesBelow, ROOT_FOLDER } from "../support/documents/module_graph.ts";

const KEY = "sb_secret_of_the_client";
const OPERATION = { batch_id: null, mode: "plan", migrations: [] };

const problem = (problem: Problem, headers: Record<string, string> = {}) =>
  new Response(JSON.stringify(problem.toBody()), {
    status: problem.status,
    headers: { "content-type": "application/problem+json; charset=utf-8", ...headers },
  });

/** The error with which a rename ends at a project that answers so. */
async function errorOf(
  answer: (request: Request) => Response | Promise<Response>,
): Promise<RenameError> {
  let error: RenameError;
  await withProject(answer, async (url) => {
    const client = createRenameClient({ url, key: KEY });
    error = await assertRejects(() => client.rename({ old_name: "a", new_name: "b" }), RenameError);
  });
  return error!;
}

Deno.test("a rename is posted with the key and the actor, and its answer comes back as it is", () => {
  const seen: unknown[] = [];
  return withProject(async (request) => {
    const { method, url, headers } = request;
    const { pathname, search } = new URL(url);
    const body = await request.json();
    seen.push([method, pathname + search, headers.get("apikey"), headers.get("x-actor"), body]);
    return Response.json({ ...OPERATION, added_later: 1 });
  }, async (url) => {
    const client = createRenameClient({ url: `${url}/`, key: KEY, actor: "ada" });
    const answer = await client.rename({ old_name: "a", new_name: "b", mode: "plan" });
    assertEquals(answer as unknown, { ...OPERATION, added_later: 1 });
    await client.rollback({ table: "a", schema: "s" });
    assertEquals(seen, [
      ["POST", "/functions/v1/rename", KEY, "ada", { old_name: "a", new_name: "b", mode: "plan" }],
      ["POST", "/functions/v1/rollback", KEY, "ada", { table: "a", schema: "s" }],
    ]);
  });
});

Deno.test("filters of the list go into the query, quoted, and those not given do not", () => {
  const seen: string[] = [];
  return withProject((request) => {
    seen.push(`${request.method} ${new URL(request.url).search}`);
    assertEquals(request.headers.get("x-actor"), null);
    return Response.json({ migrations: [], next_cursor: null });
  }, async (url) => {
    const client = createRenameClient({ url, key: KEY });
    assertEquals(await client.listMigrations(), { migrations: [], next_cursor: null });
    await client.listMigrations({ table: "a&b=ü c", limit: 2, schema: undefined });
    assertEquals(seen, ["GET ", "GET ?table=a%26b%3D%C3%BC+c&limit=2"]);
  });
});

Deno.test("a problem becomes an error with its code, status, hint and the whole document", async () => {
  const refusal = new Problem("lock_not_acquired", "Not within 5 ms.", {
    hint: "Wait.",
    fields: { attempts: 2, blockers: [{ pid: 1 }] },
  });
  const error = await errorOf(() => problem(refusal, { "x-request-id": "r-1" }));
  assertEquals(error.code, "lock_not_acquired");
  assertEquals(error.status, 423);
  assertEquals(error.detail, "Not within 5 ms.");
  assertEquals(error.message, error.detail);
  assertEquals(error.hint, "Wait.");
  assertEquals(error.requestId, "r-1");
  assertEquals(error.problem?.blockers, [{ pid: 1 }]);
});

for (
  const [what, answer, status, says] of [
    [
      "the platform for a function that is not deployed",
      () =>
        Response.json({ code: "NOT_FOUND", message: "Requested function was not found" }, {
          status: 404,
        }),
      404,
      "Requested function was not found",
    ],
    [
      "the platform for a function that does not start",
      () =>
        Response.json({ code: "BOOT_ERROR", message: "Function failed to start" }, { status: 503 }),
      503,
      "Function failed to start",
    ],
    [
      "a proxy",
      () => new Response("<html>Bad gateway</html>", { status: 502 }),
      502,
      "Bad gateway",
    ],
    [
      "the platform's relay",
      () => new Response("", { headers: { "x-relay-error": "true" } }),
      200,
      "empty",
    ],
    ["another site", () => new Response("<html>Hello</html>"), 200, "no migrations"],
    ["another service", () => Response.json({ ok: true }), 200, "no migrations"],
    [
      "something that only says it sends JSON",
      () => new Response("<", { headers: { "content-type": "application/json" } }),
      200,
      "not JSON",
    ],
  ] as const
) {
  Deno.test(`an answer of ${what} is an unexpected one`, async () => {
    const error = await errorOf(answer);
    assertEquals(error.code, "unexpected_answer");
    assertEquals(error.status, status);
    assert(error.message.includes(says), error.message);
    assert(error.message.includes("/functions/v1/rename"), error.message);
    assertEquals(error.problem, undefined);
  });
}

Deno.test("where nobody listens the error says so, and has no status", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const client = createRenameClient({ url: `http://127.0.0.1:${port}`, key: KEY });
  const error = await assertRejects(() => client.listMigrations(), RenameError);
  assertEquals(error.code, "unreachable");
  assertEquals(error.status, undefined);
  assert(/^No answer from http:\/\/127.0.0.1:\d+: .*refused/i.test(error.message), error.message);
  assertEquals(error.hint, "Nothing was sent. Check the URL and the network.");
});

for (const status of [200, 409]) {
  Deno.test(`a connection that breaks in the middle of a ${status} is no answer`, async () => {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = listener.accept().then(async (connection) => {
      await connection.read(new Uint8Array(10_000));
      const head = `HTTP/1.1 ${status} X\r\ncontent-type: application/json\r\ncontent-length: 99`;
      await connection.write(new TextEncoder().encode(`${head}\r\n\r\n{"code":`));
      connection.close();
    });
    const { port } = listener.addr as Deno.NetAddr;
    const client = createRenameClient({ url: `http://127.0.0.1:${port}`, key: KEY });
    const error = await assertRejects(
      () => client.rename({ old_name: "a", new_name: "b" }),
      RenameError,
    );
    await serving;
    assertEquals(error.code, "unreachable");
    assert(error.hint?.includes("may be done nevertheless"), error.hint);
  });
}

Deno.test("a project below a path is called, and named in errors, with its path", () =>
  withProject(({ url }) => new Response(new URL(url).pathname, { status: 500 }), async (url) => {
    const client = createRenameClient({ url: `${url}/base`, key: KEY });
    const error = await assertRejects(() => client.rollback({ table: "a" }), RenameError);
    assertEquals(error.message.match(/\/base\/functions\/v1\/rollback/g)?.length, 2, error.message);
  }));

Deno.test("the fetch that is given is the one that is used", async () => {
  const client = createRenameClient({
    url: "https://project.test",
    key: KEY,
    fetch: () => Promise.resolve(problem(new Problem("already_renamed", "Done already."))),
  });
  const error = await assertRejects(
    () => client.rollback({ table: "a" }),
    RenameError,
    "Done already.",
  );
  assertEquals(error.code, "already_renamed");
});

Deno.test("what cannot be a URL, a key or an actor is reported before anything is sent", () => {
  const make = (options: Partial<Parameters<typeof createRenameClient>[0]>) => () =>
    createRenameClient({ url: "http://127.0.0.1", key: KEY, ...options });
  assertThrows(make({ url: "project" }), TypeError, "project");
  assertThrows(make({ url: "postgresql://host/db" }), TypeError, "neither http");
  assertThrows(make({ key: "" }), TypeError, "empty");
  assertThrows(make({ key: "a\nb" }), TypeError, "the key cannot be sent");
  assertThrows(make({ actor: "Žofia" }), TypeError, "the actor cannot be sent");
});

/** The keys of a rename's attempts, which are answered so, one after the other; and how it ends. */
async function attempts(
  answers: (() => Response | Promise<Response>)[],
  options: CallOptions = { idempotencyKey: "k" },
): Promise<{ keys: (string | null)[]; outcome: unknown }> {
  const keys: (string | null)[] = [];
  const client = createRenameClient({
    url: "https://project.test",
    key: KEY,
    fetch: async (input, init) => {
      keys.push(new Request(input, init).headers.get("idempotency-key"));
      return await answers[Math.min(keys.length, answers.length) - 1]();
    },
  });
  const outcome = await client.rename({ old_name: "a", new_name: "b" }, options)
    .catch((error) => error.code ?? error);
  return { keys, outcome };
}

const done = () => Response.json(OPERATION);

for (
  const [what, answer] of [
    ["never comes", () => Promise.reject(new TypeError("the network is gone"))],
    ["breaks off", () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.error(new Error("cut")) }),
        { headers: { "content-type": "application/json" } },
      )],
    ["says the database is not there", () => problem(new Problem("database_unavailable", "x"))],
    ["says it is still being made", () => problem(new Problem("request_in_progress", "x"))],
    ["comes from a gateway in between", () => new Response("Bad gateway", { status: 502 })],
  ] as const
) {
  Deno.test(`with a key, an answer that ${what} is asked for again under the same key`, async () => {
    assertEquals(await attempts([answer, answer, done]), {
      keys: ["k", "k", "k"],
      outcome: OPERATION,
    });
  });

  Deno.test(`without a key, an answer that ${what} is the end`, async () => {
    const { keys, outcome } = await attempts([answer, done], {});
    assertEquals(keys, [null]);
    assert(typeof outcome === "string", String(outcome));
  });
}

Deno.test("what is refused is not asked for again, key or not", async () => {
  const codes = [
    "table_not_found",
    "lock_not_acquired",
    "idempotency_key_reused",
    "internal",
  ] as const;
  for (const code of codes) {
    const refuse = () => problem(new Problem(code, "x"));
    assertEquals(await attempts([refuse, done]), { keys: ["k"], outcome: code });
  }
});

Deno.test("asking again has an end, and then the last error is the call's", async () => {
  const { setTimeout } = globalThis;
  let slept = 0;
  // Nobody sleeps here: only how long it would have been is of interest.
  globalThis.setTimeout = ((work: () => void, ms = 0) => {
    if (ms >= 125) slept += ms;
    return setTimeout(work, ms >= 125 ? 0 : ms);
  }) as typeof setTimeout;
  try {
    const { keys, outcome } = await attempts([
      () => problem(new Problem("request_in_progress", "x")),
    ]);
    assertEquals(outcome, "request_in_progress");
    assertEquals(keys.length, 8);
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assert(slept > 11_000 && slept < 24_000, `${slept} ms`);
});

Deno.test("an abort ends the pause before the next attempt", async () => {
  const abort = new AbortController();
  const started = performance.now();
  const { keys, outcome } = await attempts([
    () => {
      setTimeout(() => abort.abort(new Error("enough")), 20);
      return problem(new Problem("database_unavailable", "x"));
    },
  ], { idempotencyKey: "k", signal: abort.signal });
  assertEquals([keys.length, (outcome as Error).message], [1, "enough"]);
  assert(performance.now() - started < 1_000);
});

Deno.test("a key that cannot be one is reported before anything is sent", async () => {
  for (const idempotencyKey of ["", "a b", "é", "x".repeat(256)]) {
    const { keys, outcome } = await attempts([done], { idempotencyKey });
    assertEquals(keys, []);
    assert(outcome instanceof TypeError);
  }
});

Deno.test("progress is reported for every attempt, and the result is the last one's", async () => {
  const stream = (...events: [string, unknown][]) => () =>
    new Response(
      events.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join(""),
      {
        headers: { "content-type": "text/event-stream" },
      },
    );
  const seen: string[] = [];
  const { keys, outcome } = await attempts([
    stream(["progress", { phase: "locking" }]),
    stream(["progress", { phase: "replayed" }], ["result", OPERATION]),
  ], { idempotencyKey: "k", onProgress: ({ phase }) => seen.push(phase) });
  assertEquals([keys, seen, outcome], [["k", "k"], ["locking", "replayed"], OPERATION]);
});

/** As Deno and Node say that there was no connection. */
const refusedConnections = [
  new TypeError("error sending request for url (http://x/): client error (Connect): refused"),
  new TypeError("fetch failed", { cause: Object.assign(new Error("x"), { code: "ECONNREFUSED" }) }),
];

Deno.test("asked to, the client asks again only once the work may have been done", async () => {
  const options = { idempotencyKey: "k", retries: "unanswered" } as const;
  const lost = () => Promise.reject(new TypeError("connection reset"));
  for (const error of refusedConnections) {
    const refused = () => Promise.reject(error);
    assertEquals(await attempts([refused, done], options), { keys: ["k"], outcome: "unreachable" });
    assertEquals(await attempts([lost, refused, done], options), {
      keys: ["k", "k", "k"],
      outcome: OPERATION,
    });
  }
  const unavailable = () => problem(new Problem("database_unavailable", "x"));
  assertEquals((await attempts([unavailable, done], options)).keys, ["k"]);
  const cutOff = () => new Response("Bad gateway", { status: 502 });
  assertEquals(await attempts([cutOff, unavailable, done], options), {
    keys: ["k", "k", "k"],
    outcome: OPERATION,
  });
});

Deno.test("a command whose answer is lost asks for it again, under the key that it made", async () => {
  const keys: (string | null)[] = [];
  const answer = { ...OPERATION, plan_hash: "", statements: [], findings: [], lock: null };
  const ended = await answered((request) => {
    keys.push(request.headers.get("idempotency-key"));
    return keys.length === 1
      ? new Response("Bad gateway", { status: 502 })
      : Response.json({ ...answer, verification: null, tables: [] });
  }, ["rollback-rename", "a", "--quiet"]);
  assertEquals(ended.code, 0, ended.stderr);
  assertEquals(keys.length, 2);
  assertEquals(keys[0], keys[1]);
  assert(/^[0-9a-f-]{36}$/.test(keys[0]!), String(keys[0]));
});

Deno.test("progress can be looped over, and the loop ends as the operation does", async () => {
  const events = (...last: [string, unknown]) =>
    [["progress", { phase: "locking" }], ["progress", { phase: "waiting", attempt: 1 }], last]
      .map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`).join("");
  const headers = { "content-type": "text/event-stream" };
  const follow = (text: string) =>
    createRenameClient({
      url: "https://project.test",
      key: KEY,
      fetch: () => Promise.resolve(new Response(text, { headers })),
    }).follow("rename", { old_name: "a", new_name: "b" });

  const rename = follow(events("result", OPERATION));
  const phases: string[] = [];
  for await (const { phase } of rename) phases.push(phase);
  assertEquals(phases, ["locking", "waiting"]);
  assertEquals(await rename.answer as unknown, OPERATION);
  // Whoever comes late misses nothing.
  assertEquals((await Array.fromAsync(rename)).length, 2);

  const refused = follow(events("problem", new Problem("lock_not_acquired", "x").toBody()));
  const seen: string[] = [];
  const error = await assertRejects(async () => {
    for await (const { phase } of refused) seen.push(phase);
  }, RenameError);
  assertEquals([error.code, seen], ["lock_not_acquired", ["locking", "waiting"]]);
  await assertRejects(() => refused.answer, RenameError);

  const left = follow(events("result", OPERATION));
  for await (const _ of left) break;
  assertEquals(await left.answer as unknown, OPERATION);
});

Deno.test("the client names nothing that only some runtimes have", async () => {
  for (const folder of ["client", "contract"]) {
    for (const path of await modulesBelow(join(ROOT_FOLDER, "shared", folder))) {
      const source = (await Deno.readTextFile(path)).replace(
        /\/\*[^]*?\*\/|\/\/.*|"(?:[^"\\]|\\.)*"/g,
        "",
      );
      assertEquals(
        source.match(/\b(Deno|process|Buffer|require|window|__dirname)\b\s*[.([]/g),
        null,
        path,
      );
    }
  }
});
