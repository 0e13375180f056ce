import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  type CallOptions,
  createRenameClient,
  type RenameClient,
  RenameError,
} from "../../shared/client/client.ts";
import { Problem } from "../../shared/contract/problems.ts";
import type { Progress } from "../../shared/contract/responses.ts";
import { withProject } from "../support/programs/cli.ts";

const REQUEST = { old_name: "a", new_name: "b" };
const RESULT = { mode: "apply", migrations: [], notes: "Žluťoučký 🐎" };
const BLOCKER = {
  ...{ pid: 7, role: "ada", application_name: "report", state: "active" },
  ...{ since: "2026-11-22T12:00:00+00:00", age_ms: 1500, query: "select 'řeka'" },
};
const PROGRESS: Progress[] = [
  { phase: "locking", attempt: 2 },
  { phase: "waiting", waited_ms: 12.5, blockers: [BLOCKER] },
];

const event = (name: string, data: unknown) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const STREAM = PROGRESS.map((progress) => event("progress", progress)).join("") +
  event("result", RESULT);

const bytes = (text: string) => new TextEncoder().encode(text);

/** A stream of these chunks as an answer. */
function stream(chunks: Iterable<Uint8Array>, onCancel = () => {}): Response {
  const iterator = chunks[Symbol.iterator]();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const { done, value } = iterator.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: onCancel,
  });
  const headers = { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "r-1" };
  return new Response(body, { headers });
}

const clientOf = (answer: () => Response): RenameClient =>
  createRenameClient({
    url: "https://project.test",
    key: "sb_secret_of_the_client",
    fetch: () => Promise.resolve(answer()),
  });

/** What a rename gives that is answered with these chunks, and what it reports on the way. */
async function renamed(chunks: Iterable<Uint8Array>) {
  const reported: Progress[] = [];
  const client = clientOf(() => stream(chunks));
  const answer = await client.rename(REQUEST, {
    onProgress: (progress) => reported.push(progress),
  });
  return { answer: answer as unknown, reported };
}

const errorOf = (chunks: Iterable<Uint8Array>) => assertRejects(() => renamed(chunks), RenameError);

const EXPECTED = { answer: RESULT, reported: PROGRESS };

Deno.test("events are asked for where somebody wants progress, and only there", () => {
  const accepted: (string | null)[] = [];
  return withProject((request) => {
    accepted.push(request.headers.get("accept"));
    return accepted.at(-1)?.includes("text/event-stream")
      ? stream([bytes(STREAM)])
      : Response.json(RESULT);
  }, async (url) => {
    const client = createRenameClient({ url, key: "sb_secret_of_the_client" });
    const reported: Progress[] = [];
    const options = { onProgress: (progress: Progress) => reported.push(progress) };
    assertEquals(await client.rename(REQUEST) as unknown, RESULT);
    assertEquals(accepted.pop(), "*/*");
    assertEquals(await client.rename(REQUEST, options) as unknown, RESULT);
    assertEquals(reported.splice(0), PROGRESS);
    assertEquals(await client.rollback({ table: "a" }, options) as unknown, RESULT);
    assertEquals(reported, PROGRESS);
    assertEquals(accepted, Array(2).fill("text/event-stream, application/json"));
  });
});

Deno.test("a server that answers plain JSON all the same is understood", async () => {
  const client = clientOf(() => Response.json(RESULT));
  const onProgress = () => {
    throw new Error("nothing was to be reported");
  };
  assertEquals(await client.rename(REQUEST, { onProgress }) as unknown, RESULT);
});

for (const [name, lineEnd] of [["LF", "\n"], ["CRLF", "\r\n"]]) {
  Deno.test(`events are read wherever their chunks end, with lines that end in ${name}`, async () => {
    const whole = bytes(STREAM.replaceAll("\n", lineEnd));
    for (let cut = 0; cut <= whole.length; cut++) {
      const chunks = [whole.slice(0, cut), whole.slice(cut)].filter(({ length }) => length > 0);
      assertEquals(await renamed(chunks), EXPECTED, `cut after ${cut} bytes`);
    }
    assertEquals(await renamed(Array.from(whole, (byte) => Uint8Array.of(byte))), EXPECTED);
  });
}

Deno.test("comments, other fields and a byte order mark are no events; data may have lines", async () => {
  const data = JSON.stringify(RESULT, null, 1).replaceAll(/^/gm, "data:");
  const text = `\ufeff: still at work\n\n${STREAM.split("event: result")[0]}` +
    `:\nid: 3\nretry: 10\n: here, too\nevent:result\n${data}\n\n`;
  assertEquals(await renamed([bytes(text)]), EXPECTED);
});

Deno.test("what a newer server reports is left out where it is not understood", async () => {
  const odd = [
    event("progress", { phase: "dreaming" }),
    event("progress", null),
    "event: progress\ndata: {\n\n",
    event("hint", { text: "?" }),
    "data: no name\n\n",
    event("progress", { phase: "locking", attempt: 2, added_later: true }),
  ];
  const { answer, reported } = await renamed([bytes(odd.join("") + event("result", RESULT))]);
  assertEquals(answer, RESULT);
  assertEquals(reported, [{ phase: "locking", attempt: 2 }]);
});

Deno.test("a problem in the stream is the same error as one with a status of its own", async () => {
  const problem = new Problem("lock_not_acquired", "Not within 5 ms.", {
    hint: "Wait.",
    fields: { blockers: [BLOCKER] },
  });
  const error = await errorOf([bytes(event("problem", problem.toBody()))]);
  assertEquals(error.code, "lock_not_acquired");
  assertEquals(error.status, 423);
  assertEquals(error.message, "Not within 5 ms.");
  assertEquals(error.hint, "Wait.");
  assertEquals(error.requestId, "r-1");
  assertEquals(error.problem?.blockers, [BLOCKER]);
});

Deno.test("a stream that ends before its result is no answer, and the hint names list-migrations", async () => {
  const whole = bytes(STREAM);
  // Without the last line break the result is not finished.
  for (const length of [0, 1, 30, whole.length - 1]) {
    const error = await errorOf([whole.slice(0, length)]);
    assertEquals(error.code, "unreachable");
    assertEquals(error.status, undefined);
    assertEquals(error.requestId, "r-1");
    assert(error.message.includes("ended before the result"), error.message);
    assert(error.hint?.includes("list-migrations shows it"), error.hint);
  }
});

Deno.test("a connection that breaks in the middle of the events is no answer", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = listener.accept().then(async (connection) => {
    await connection.read(new Uint8Array(10_000));
    const chunk = event("progress", PROGRESS[0]);
    await connection.write(bytes(
      "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n" +
        `${chunk.length.toString(16)}\r\n${chunk}\r\n99\r\nevent: res`,
    ));
    connection.close();
  });
  const { port } = listener.addr as Deno.NetAddr;
  const client = createRenameClient({ url: `http://127.0.0.1:${port}`, key: "sb_secret_a" });
  const reported: Progress[] = [];
  const error = await assertRejects(
    () => client.rename(REQUEST, { onProgress: (progress) => reported.push(progress) }),
    RenameError,
  );
  await serving;
  assertEquals(reported, [PROGRESS[0]]);
  assertEquals(error.code, "unreachable");
  assert(error.hint?.includes("list-migrations shows it"), error.hint);
});

for (const [name, data] of [["result", "null"], ["result", "{"], ["problem", '{"code":1}']]) {
  Deno.test(`a ${name} that is ${data} is an unexpected answer`, async () => {
    const error = await errorOf([bytes(`event: ${name}\ndata: ${data}\n\n`)]);
    assertEquals(error.code, "unexpected_answer");
    assertEquals(error.requestId, "r-1");
  });
}

Deno.test("a result that is another endpoint's is an unexpected answer", async () => {
  const error = await errorOf([bytes(event("result", { ok: true }))]);
  assertEquals(error.code, "unexpected_answer");
  assert(error.message.includes("no migrations"), error.message);
});

/** Serves one progress event and then nothing; resolves once the caller has hung up. */
async function hangingUp(
  hangUp: (client: RenameClient, options: CallOptions) => Promise<void>,
): Promise<void> {
  const gone = Promise.withResolvers<void>();
  await withProject(() => {
    const body = new ReadableStream({
      start: (controller) => controller.enqueue(bytes(event("progress", PROGRESS[0]))),
      cancel: () => gone.resolve(),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  }, async (url) => {
    await hangUp(createRenameClient({ url, key: "sb_secret_a" }), {});
    await gone.promise;
  });
}

Deno.test("a call that is aborted throws the signal's reason and hangs up", () =>
  hangingUp(async (client) => {
    const controller = new AbortController();
    const reason = new Error("had enough");
    const thrown = await assertRejects(() =>
      client.rename(REQUEST, {
        onProgress: () => controller.abort(reason),
        signal: controller.signal,
      })
    );
    assertEquals(thrown === reason, true);
  }));

Deno.test("what the caller's own code throws comes out as it is, and hangs up", () =>
  hangingUp(async (client) => {
    const thrown = await assertRejects(() =>
      client.rollback({ table: "a" }, {
        onProgress: () => {
          throw new RangeError("a fault of the caller");
        },
      })
    );
    assert(thrown instanceof RangeError);
  }));

Deno.test("a signal that is aborted already sends nothing; one without a stream works, too", () => {
  let requests = 0;
  const asked = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  return withProject(async () => {
    requests++;
    asked.resolve();
    await answered.promise;
    return Response.json(RESULT);
  }, async (url) => {
    const client = createRenameClient({ url, key: "sb_secret_a" });
    const aborted = await assertRejects(() =>
      client.rename(REQUEST, { signal: AbortSignal.abort("before") })
    );
    assertEquals([aborted, requests], ["before", 0]);
    const controller = new AbortController();
    void asked.promise.then(() => controller.abort("while it waits"));
    const late = await assertRejects(() => client.rename(REQUEST, { signal: controller.signal }));
    assertEquals(late, "while it waits");
    answered.resolve();
  });
});
