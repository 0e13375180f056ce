/** The server of the page: who may use it, and what it passes on. */
import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { type ConsoleOptions, createConsole } from "../../../shared/console/server/console.ts";

const PORT = 54380;
const HOST = `127.0.0.1:${PORT}`;
const ORIGIN = `http://${HOST}`;

/** A project that answers each call with what it got. */
function project() {
  const calls: { url: string; method: string; headers: Headers; body: string }[] = [];
  const answering: typeof fetch = async (input, init) => {
    const request = new Request(input, init);
    const { url, method, headers } = request;
    calls.push({ url, method, headers, body: await request.text() });
    return Response.json({ migrations: [] }, { headers: { "set-cookie": "a=b", "x-other": "1" } });
  };
  return { calls, answering };
}

function consoleOf(options: Partial<ConsoleOptions> = {}) {
  const { calls, answering } = project();
  const page = createConsole({
    url: "https://abcd.supabase.co",
    key: "sb_secret_of_the_project",
    readOnly: false,
    port: PORT,
    fetch: answering,
    ...options,
  });
  const call = (path: string, init: RequestInit & { host?: string } = {}) =>
    page.fetch(
      new Request(`http://${init.host ?? HOST}${path}`, {
        ...init,
        headers: { host: init.host ?? HOST, ...init.headers as Record<string, string> },
        redirect: "manual",
      }),
    );
  /** The cookie of a browser that opens a link. */
  const open = async () => {
    const { pathname, search } = new URL(page.newLink());
    const answer = await call(pathname + search);
    assertEquals([answer.status, answer.headers.get("location")], [303, "/"]);
    return answer.headers.get("set-cookie")!;
  };
  const signedIn = async () => ({ cookie: (await open()).split(";")[0], origin: ORIGIN });
  return { page, call, open, signedIn, calls };
}

const codeOf = async (response: Response) => [response.status, (await response.json()).code];

const post = (headers: Record<string, string>, body: unknown): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: typeof body === "string" ? body : JSON.stringify(body),
});

const RENAME = "/api/functions/v1/rename";
const LIST = "/api/functions/v1/list-migrations";

Deno.test("a link opens the page once, with a cookie that scripts and other pages cannot use", async () => {
  const { page, call, open } = consoleOf();
  const cookie = await open();
  assertMatch(
    cookie,
    /^table_rename_console_54380=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/,
  );
  const link = new URL(page.newLink());
  assertEquals(link.origin, ORIGIN);
  const first = await call(link.pathname + link.search);
  const second = await call(link.pathname + link.search);
  assertEquals([first.status, second.status], [303, 401]);
  assertMatch(await second.text(), /was already used, or is too old/);
  assertEquals(second.headers.get("set-cookie"), null);
  assertNotEquals(first.headers.get("set-cookie"), cookie);
});

Deno.test("a browser that has opened the page before uses a new link up, too", async () => {
  const { page, call, signedIn } = consoleOf();
  const { cookie } = await signedIn();
  const { pathname, search } = new URL(page.newLink());
  assertEquals((await call(pathname + search, { headers: { cookie } })).status, 303);
  assertEquals((await call(pathname + search)).status, 401);
  // It has not to open another link for that.
  const again = await call(pathname + search, { headers: { cookie } });
  assertEquals([again.status, again.headers.get("location")], [303, "/"]);
});

Deno.test("without a link's cookie there is neither page nor endpoint, with a wrong one as little", async () => {
  const { call, open, calls } = consoleOf();
  const right = (await open()).split(";")[0];
  const wrong = [
    {},
    { cookie: "table_rename_console_54380=" },
    { cookie: `table_rename_console_54380=${"A".repeat(43)}` },
    { cookie: right.replace("54380", "54381") },
    { cookie: `x${right}` },
    { apikey: "sb_secret_of_the_project" },
  ];
  for (const headers of wrong) {
    const sent = headers as Record<string, string>;
    assertEquals((await call("/", { headers: sent })).status, 401);
    assertEquals((await call("/tables", { headers: sent })).status, 401);
    assertEquals(await codeOf(await call(LIST, { headers: sent })), [401, "unauthorized"]);
    assertEquals(await codeOf(await call("/api/session", { headers: sent })), [
      401,
      "unauthorized",
    ]);
    const change = await call(RENAME, post({ ...sent, origin: ORIGIN }, {}));
    assertEquals(await codeOf(change), [401, "unauthorized"]);
  }
  for (const token of ["", "A".repeat(43), "%00"]) {
    assertEquals((await call(`/?token=${token}`)).status, 401, token);
  }
  assertEquals(calls, []);
});

Deno.test("another host's name, another page and another port are refused, also with the cookie", async () => {
  const { call, signedIn, calls } = consoleOf();
  const { cookie } = await signedIn();
  const refused: (RequestInit & { host?: string })[] = [
    { host: "evil.example:54380" },
    { host: "127.0.0.1.evil.example:54380" },
    { host: "10.0.0.1:54380" },
    { headers: { origin: "https://evil.example" } },
    { headers: { origin: "http://127.0.0.1:3000" } },
    { headers: { origin: "null" } },
    { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } },
    { headers: { "sec-fetch-site": "same-site", "sec-fetch-mode": "cors" } },
  ];
  for (const init of refused) {
    const headers = { cookie, ...init.headers as Record<string, string> };
    assertEquals(await codeOf(await call(LIST, { ...init, headers })), [403, "foreign_origin"]);
  }
  // A form or a script without the header that every browser sends.
  assertEquals(await codeOf(await call(RENAME, post({ cookie }, {}))), [403, "foreign_origin"]);
  assertEquals(calls, []);
  assertEquals(
    (await call(LIST, { headers: { cookie, "sec-fetch-site": "same-origin" } })).status,
    200,
  );
  for (const host of ["localhost:54380", "[::1]:54380"]) {
    assertEquals((await call(LIST, { host, headers: { cookie } })).status, 200, host);
  }
  // A link in a mail or a chat opens the page.
  const opened = { cookie, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" };
  assertEquals((await call("/", { headers: opened })).status, 200);
});

Deno.test("on all addresses a number is accepted as the host, and a name is not", async () => {
  const { call, signedIn } = consoleOf({ hostname: "0.0.0.0" });
  const { cookie } = await signedIn();
  const status = async (host: string) => (await call(LIST, { host, headers: { cookie } })).status;
  assertEquals(
    await Promise.all(
      ["192.168.1.5:54380", "[fe80::1]:54380", "evil.example", "1.2.3.4.nip.io"].map(status),
    ),
    [200, 200, 403, 403],
  );
});

Deno.test("the printed link opens the page at each address that it can listen on", async () => {
  for (const hostname of ["::1", "::", "0.0.0.0", "fd00::5", "192.168.1.5", "Build-Box.local"]) {
    const { page, call } = consoleOf({ hostname });
    const { host, pathname, search } = new URL(page.newLink());
    assertEquals((await call(pathname + search, { host })).status, 303, hostname);
  }
});

Deno.test("a tab of another project, which was served at this address before, gets and changes nothing", async () => {
  const idOf = async (options: Partial<ConsoleOptions>) => {
    const { call, signedIn } = consoleOf(options);
    const html = await (await call("/", { headers: await signedIn() })).text();
    return /<meta name="project" content="([\w-]{43})">/.exec(html)![1];
  };
  const { call, signedIn, calls } = consoleOf();
  const headers = await signedIn();
  const others = [{ url: "https://staging.supabase.co" }, { project: "127.0.0.1:5432/staging" }];
  for (const id of await Promise.all(others.map(idOf))) {
    const from = { ...headers, "x-console-project": id };
    assertEquals(await codeOf(await call(LIST, { headers: from })), [409, "other_project"]);
    assertEquals(await codeOf(await call(RENAME, post(from, {}))), [409, "other_project"]);
    assertEquals(await codeOf(await call("/api/session", { headers: from })), [
      409,
      "other_project",
    ]);
  }
  assertEquals(calls, []);
  // Its own goes on when the command is started again.
  const own = { ...headers, "x-console-project": await idOf({ key: "sb_secret_new" }) };
  assertEquals((await call(RENAME, post(own, {}))).status, 200);
});

Deno.test("a call gets the key here, and takes along and back only what it needs", async () => {
  const { call, signedIn, calls } = consoleOf({ actor: "ada" });
  const headers = await signedIn();
  const answer = await call(`${LIST}?status=active&include=usage%2Cdrift`, {
    headers: {
      ...headers,
      apikey: "of the page",
      "x-actor": "somebody else",
      "x-forwarded-for": "1.2.3.4",
      authorization: "Bearer x",
      accept: "text/event-stream",
      "idempotency-key": "key-1",
    },
  });
  assertEquals([answer.status, await answer.json()], [200, { migrations: [] }]);
  assertEquals([answer.headers.get("set-cookie"), answer.headers.get("x-other")], [null, null]);
  const [{ url, headers: sent }] = calls;
  assertEquals(
    url,
    "https://abcd.supabase.co/functions/v1/list-migrations?status=active&include=usage%2Cdrift",
  );
  assertEquals(Object.fromEntries(sent), {
    accept: "text/event-stream",
    apikey: "sb_secret_of_the_project",
    "idempotency-key": "key-1",
    "x-actor": "ada",
  });
});

Deno.test("nothing but the page's endpoints can be reached through it, each with its method", async () => {
  const { call, signedIn, calls } = consoleOf();
  const headers = await signedIn();
  const paths = [
    "/api/functions/v1/",
    "/api/functions/v1/other",
    "/api/functions/v1/rename/..%2fother",
    "/api/functions/v1/%2e%2e/%2e%2e/rest/v1/users",
    "/api/rest/v1/users",
  ];
  for (const path of paths) {
    assertEquals((await call(path, { headers })).status, 404, path);
  }
  assertEquals(await codeOf(await call(RENAME, { headers })), [405, "method_not_allowed"]);
  assertEquals(await codeOf(await call(LIST, post(headers, {}))), [405, "method_not_allowed"]);
  assertEquals(await codeOf(await call("/tables", post(headers, {}))), [405, "method_not_allowed"]);
  assertEquals(calls, []);
});

Deno.test("read only: a plan passes, and nothing else that could change something", async () => {
  const { call, signedIn, calls } = consoleOf({ readOnly: true });
  const headers = await signedIn();
  const refused = [
    {},
    { mode: "apply" },
    { mode: "propose" },
    { mode: ["plan"] },
    '{"mode":"plan","mode":"apply"}',
    '{"mode":"plan"',
    "null",
    "",
  ];
  for (const endpoint of ["rename", "rollback", "finalize", "refresh"]) {
    for (const body of refused) {
      const answer = await call(`/api/functions/v1/${endpoint}`, post(headers, body));
      assertEquals(await codeOf(answer), [403, "read_only"], `${endpoint} ${JSON.stringify(body)}`);
    }
  }
  assertEquals(
    await codeOf(await call("/api/functions/v1/verify", post(headers, { mode: "plan" }))),
    [
      403,
      "read_only",
    ],
  );
  assertEquals(calls, []);
  // A reader of JSON that takes the first of two fields would see another mode.
  const twice = '{"mode":"apply","old_name":"a","mode":"plan"}';
  assertEquals((await call(RENAME, post(headers, twice))).status, 200);
  assertEquals(calls[0].body, '{"mode":"plan","old_name":"a"}');
  assertEquals((await call(LIST, { headers })).status, 200);
  assertEquals((await (await call("/api/session", { headers })).json()).readOnly, true);
});

Deno.test("of a body that is too large no more is read than the limit", async () => {
  const { call, signedIn, calls } = consoleOf();
  let read = 0;
  const endless = new ReadableStream({
    pull(controller) {
      read += 65_536;
      controller.enqueue(new Uint8Array(65_536).fill(32));
    },
  });
  const headers = await signedIn();
  const answer = await call(RENAME, { method: "POST", headers, body: endless });
  assertEquals(await codeOf(answer), [413, "body_too_large"]);
  assert(read < 1_500_000, String(read));
  const most = `"${"é".repeat(500_000)}"`;
  assertEquals((await call(RENAME, post(headers, most))).status, 200);
  assertEquals(calls[0].body, most);
});

Deno.test("a project that does not answer is a problem with the next step", async () => {
  const { call, signedIn } = consoleOf({
    fetch: () => Promise.reject(new TypeError("connection refused")),
  });
  const answer = await call(LIST, { headers: await signedIn() });
  const { code, detail, hint } = await answer.json();
  assertEquals([answer.status, code], [502, "unreachable"]);
  assertMatch(detail, /cannot be reached: connection refused/);
  assertMatch(hint, /functions are deployed/);
});

Deno.test("a call that the page gives up is no failure of the server", async () => {
  const { call, signedIn } = consoleOf({ fetch });
  const gone = AbortSignal.abort();
  const answer = await call(LIST, { headers: await signedIn(), signal: gone });
  assertEquals([answer.status, await answer.text()], [499, ""]);
});

Deno.test("phases come from the project file, and a fault of it is shown with what to do", async () => {
  const none = consoleOf();
  const phases = await none.call("/api/campaign", { headers: await none.signedIn() });
  assertEquals(await phases.json(), []);
  const faulty = consoleOf({ campaign: () => Promise.reject(new Error("line 3: not JSON")) });
  const answer = await faulty.call("/api/campaign", { headers: await faulty.signedIn() });
  assertEquals([answer.status, (await answer.json()).detail], [422, "line 3: not JSON"]);
});

Deno.test("every answer forbids foreign code, frames and guesses, and the page has no code in itself", async () => {
  const { call, signedIn } = consoleOf();
  const headers = await signedIn();
  const index = await call("/names", { headers });
  const html = await index.text();
  assertEquals(index.headers.get("content-type"), "text/html; charset=utf-8");
  assertEquals(/<script(?![^>]* src=)|<style|\son\w+=|javascript:|style=/i.test(html), false);
  const files = [...html.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path);
  assertEquals(files.length, 3);
  const answers = [
    index,
    await call("/", {}),
    await call(LIST, { headers }),
    await call(LIST, {}),
    await call("/none.js", { headers }),
    ...await Promise.all(files.map((path) => call(path, { headers }))),
  ];
  assertEquals(answers.map(({ status }) => status), [200, 401, 200, 401, 404, 200, 200, 200]);
  for (const answer of answers) {
    const policy = answer.headers.get("content-security-policy")!;
    assertMatch(policy, /default-src 'none'.*script-src 'self';.*frame-ancestors 'none'/);
    assert(!/unsafe|https?:|\*/.test(policy), policy);
    assertEquals(answer.headers.get("x-frame-options"), "DENY");
    assertEquals(answer.headers.get("x-content-type-options"), "nosniff");
    assertEquals(answer.headers.get("access-control-allow-origin"), null);
    if (!answer.bodyUsed) await answer.body?.cancel();
  }
});
