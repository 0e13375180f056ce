import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { type Gateway, startGateway } from "../../../shared/local/functions/gateway.ts";
import { serveFunctions } from "../../../shared/local/functions/functions_server.ts";
import { PortInUseError } from "../../../shared/local/port.ts";

/** Functions of the test's own, as modules in data URLs. */
function functions(sources: Record<string, string>) {
  return Object.entries(sources).map(([name, source]) => ({
    name,
    entrypoint: new URL(`data:text/typescript,${encodeURIComponent(source)}`),
  }));
}

async function withGateway(
  sources: Record<string, string>,
  work: (gateway: Gateway) => Promise<void>,
): Promise<void> {
  const gateway = await startGateway({ port: 0, functions: functions(sources) });
  try {
    await work(gateway);
  } finally {
    await gateway.stop();
  }
}

/** `promise`, or an error after so many milliseconds. */
async function within(milliseconds: number, promise: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error("it does not end")), milliseconds);
  await Promise.race([promise, late.promise]).finally(() => clearTimeout(timer));
}

/** Runs `work` and returns what it writes to the console's error stream. */
async function errorsOf(work: () => Promise<void>): Promise<string> {
  const original = console.error;
  const lines: string[] = [];
  console.error = (...values) => void lines.push(values.map(String).join(" "));
  try {
    await work();
  } finally {
    console.error = original;
  }
  return lines.join("\n");
}

const ECHO = `export default {
  fetch: async (request: Request) => Response.json({
    path: new URL(request.url).pathname + new URL(request.url).search,
    method: request.method, body: await request.text(), header: request.headers.get("x-test"),
  }, { status: 201, headers: { "x-answer": "yes" } }),
}`;

Deno.test("a function sees its own path, and everything else of the request unchanged", () =>
  withGateway({ echo: ECHO }, async ({ url }) => {
    const response = await fetch(`${url}/functions/v1/echo/a%2Fb?q=1&q=2`, {
      method: "PATCH",
      headers: { "x-test": "t" },
      body: "text",
    });
    assertEquals(response.status, 201);
    assertEquals(response.headers.get("x-answer"), "yes");
    assertEquals(await response.json(), {
      path: "/echo/a%2Fb?q=1&q=2",
      method: "PATCH",
      body: "text",
      header: "t",
    });
  }));

Deno.test("what is not a function is not found, in the platform's words", () =>
  withGateway({ echo: ECHO }, async ({ url }) => {
    for (const path of ["/functions/v1/other", "/functions/v1/", "/echo", "/functions/v1/echo2"]) {
      const response = await fetch(url + path);
      assertEquals(response.status, 404, path);
      assertEquals(await response.json(), {
        code: "NOT_FOUND",
        message: "Requested function was not found",
      });
    }
    const root = await fetch(url);
    assertStringIncludes(await root.text(), `${url}/functions/v1/echo`);
  }));

Deno.test("a stream arrives while the function still writes it", () =>
  withGateway({
    stream: `export default { fetch: (request: Request) => {
      let controller: ReadableStreamDefaultController;
      const body = new ReadableStream({ start(c) { controller = c; c.enqueue(new TextEncoder().encode("first")); } });
      (globalThis as any).finishStream = () => { controller.enqueue(new TextEncoder().encode("last")); controller.close(); };
      return new Response(body);
    } }`,
  }, async ({ url }) => {
    const response = await fetch(`${url}/functions/v1/stream`);
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
    assertEquals((await reader.read()).value, "first");
    // deno-lint-ignore no-explicit-any
    (globalThis as any).finishStream();
    assertEquals((await reader.read()).value, "last");
    assertEquals((await reader.read()).done, true);
  }));

Deno.test("a caller who goes away aborts the request's signal", () =>
  withGateway({
    slow: `export default { fetch: (request: Request) => new Promise<Response>((resolve) => {
      const g = globalThis as any;
      request.signal.addEventListener("abort", () => { g.slowAborted(); resolve(new Response()); });
      g.slowStarted();
    }) }`,
  }, async ({ url }) => {
    const started = Promise.withResolvers<void>();
    const aborted = Promise.withResolvers<void>();
    Object.assign(globalThis, { slowStarted: started.resolve, slowAborted: aborted.resolve });
    const caller = new AbortController();
    const call = fetch(`${url}/functions/v1/slow`, { signal: caller.signal });
    await started.promise;
    caller.abort();
    await assertRejects(() => call);
    await within(5_000, aborted.promise);
  }));

Deno.test("a function that throws, or cannot be loaded, answers like the platform", async () => {
  const said = await errorsOf(() =>
    withGateway({
      rejects: "export default { async fetch() { throw new Error('deferred') } }",
      throws: "export default { fetch() { throw new Error('inner') } }",
      broken: "throw new Error('while loading')",
      shapeless: "export const fetch = () => {}",
    }, async ({ url }) => {
      const answers: unknown[] = [];
      for (const name of ["rejects", "throws", "broken", "shapeless"]) {
        const response = await fetch(`${url}/functions/v1/${name}`);
        answers.push([response.status, (await response.json()).code]);
      }
      assertEquals(answers, [[500, "WORKER_ERROR"], [500, "WORKER_ERROR"], [503, "BOOT_ERROR"], [
        503,
        "BOOT_ERROR",
      ]]);
    })
  );
  for (const part of ["inner", "deferred", "while loading", "no fetch function"]) {
    assertStringIncludes(said, part);
  }
});

Deno.test("a taken port is an error that names it", () =>
  withGateway({}, async ({ port }) => {
    const error = await assertRejects(
      () => startGateway({ port, functions: [] }),
      PortInUseError,
    );
    assertEquals(error.port, port);
  }));

Deno.test("a stop waits for what functions leave to go on after their answers", async () => {
  const gateway = await startGateway({
    port: 0,
    functions: functions({
      later: `export default { fetch: (request: Request) => {
        const g = globalThis as any;
        g.EdgeRuntime.waitUntil(new Promise<void>((resolve) => g.goneOn = resolve).then(() => g.wentOn = true));
        g.EdgeRuntime.waitUntil(Promise.reject(new Error("by the way")));
        return new Response("answered");
      } }`,
    }),
  });
  const said = await errorsOf(async () => {
    const response = await fetch(`${gateway.url}/functions/v1/later`);
    assertEquals(await response.text(), "answered");
    // deno-lint-ignore no-explicit-any
    const left = globalThis as any;
    const stopped = gateway.stop();
    const before = await Promise.race([
      stopped.then(() => "stopped"),
      new Promise((resolve) => setTimeout(resolve, 100)),
    ]);
    assertEquals(before, undefined);
    left.goneOn();
    await stopped;
    assertEquals(left.wentOn, true);
  });
  assertStringIncludes(said, "by the way");
});

Deno.test("a stop does not wait forever for a request that does not end", async () => {
  const gateway = await startGateway({
    port: 0,
    functions: functions({
      endless: "export default { fetch: () => new Response(new ReadableStream()) }",
    }),
  });
  const response = await fetch(`${gateway.url}/functions/v1/endless`);
  await within(10_000, gateway.stop());
  await assertRejects(() => response.text());
});

Deno.test("a page sends the key to the address that the functions listen on, not to what else has the port", async () => {
  const variables = ["SUPABASE_SECRET_KEYS", "SUPABASE_DB_URL", "SUPABASE_URL"];
  const before = variables.map((name) => [name, Deno.env.get(name)] as const);
  Deno.env.set("SUPABASE_SECRET_KEYS", '{"default":"sb_secret_of_the_test"}');
  const sentTo = async (hostname: string) => {
    const { promise, resolve } = Promise.withResolvers<string>();
    await assertRejects(
      () =>
        serveFunctions({
          port: 0,
          dir: "none",
          hostname,
          page({ url }) {
            resolve(new URL(url).hostname);
            throw new Error("not started");
          },
        }, () => Promise.resolve("postgresql://127.0.0.1/none")),
      Error,
      "not started",
    );
    return await promise;
  };
  try {
    assertEquals(
      await Promise.all(["192.168.1.5", "fd00::5", "0.0.0.0", "::"].map(sentTo)),
      ["192.168.1.5", "[fd00::5]", "127.0.0.1", "127.0.0.1"],
    );
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
  }
});
