/** What functions log of a request: enough to follow it, and nothing that is somebody's. */
import { assert, assertEquals, assertGreater, assertMatch } from "@std/assert";
import {
  describeCause,
  withoutControls,
  withoutSecrets,
} from "../../../shared/http/log_redaction.ts";
import { LOG_LEVELS, settingsFromEnv } from "../../../shared/http/settings.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { databaseTest } from "../../support/servers/database.ts";
import {
  type Functions,
  functionsFor,
  PUBLISHABLE_KEY,
  SECRET_KEY,
} from "../../support/http/functions.ts";
import { type ConsoleLine, consoleOf } from "../../support/programs/console.ts";
import { notifying } from "../../support/http/receiver.ts";
import { lockWaiter } from "../../support/waiting.ts";

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

/** A line of the log, read back. */
type Line = Record<string, unknown> & { stream: ConsoleLine["stream"] };

/** The lines that are logged while `work` runs; each must be one JSON object on one line. */
async function logged(work: () => Promise<unknown>): Promise<Line[]> {
  const lines = await consoleOf(work);
  return lines.map(({ stream, text }) => {
    assert(!text.includes("\n"), text);
    return { ...JSON.parse(text), stream };
  });
}

const post = (functions: Functions, name: string, body: unknown, headers = {}) =>
  functions.fetch(name, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });

databaseTest(
  "a request is one line, with who asked, what for, and how long it took",
  async ({ db }) => {
    await using functions = functionsFor(db.url, { logLevel: "info" });
    await db.sql`create table experts (id int)`;
    let response: Response | undefined;
    const [line, ...more] = await logged(async () => {
      response = await post(functions, "rename", RENAME, { "x-actor": "somebody" });
    });
    assertEquals(more, []);
    const answer = await response!.json();
    const { time, duration_ms, phases_ms, lock, ...rest } = line;
    assertEquals(rest, {
      level: "info",
      event: "request",
      request_id: response!.headers.get("x-request-id"),
      function: "rename",
      method: "POST",
      actor: "key:default somebody",
      status: 200,
      mode: "apply",
      batch_id: answer.batch_id,
      plan_hash: answer.plan_hash,
      migrations: 1,
      migration_ids: [answer.migrations[0].id],
      findings: 0,
      verified: true,
      stream: "stdout",
    });
    assertEquals(lock, answer.lock);
    assert(Math.abs(Date.parse(time as string) - Date.now()) < 60_000);
    const phases = phases_ms as Record<string, number>;
    assertEquals(Object.keys(phases), ["preparing", "locking", "verifying"]);
    const sum = Object.values(phases).reduce((all, ms) => all + ms, 0);
    assert(sum > 0 && sum <= (duration_ms as number), JSON.stringify(line));
  },
);

databaseTest("what waits for a lock is logged phase by phase, at level debug", async ({ db }) => {
  await using functions = functionsFor(db.url, { logLevel: "debug" });
  await db.sql`create table experts (id int, name text)`;
  await db.sql`insert into experts values (1, 'row of somebody')`;
  const reader = db.connect({ max: 1 });
  await reader.unsafe("begin; select 'value of somebody' from experts").simple();
  const lines = await logged(async () => {
    const response = post(functions, "rename", {
      ...RENAME,
      lock_timeout_ms: 2_000,
      max_wait_ms: 3_000,
    });
    await lockWaiter(db.sql, "AccessExclusiveLock");
    assertEquals((await response).status, 423);
  });
  await reader.unsafe("rollback").simple();
  const phases = lines.filter(({ event }) => event === "phase");
  assertEquals(phases[0].phase, "preparing");
  assertEquals(phases[1], { ...phases[1], phase: "waiting", level: "debug" });
  const waiting = phases.find(({ phase }) => phase === "waiting")!;
  assertEquals(waiting.blockers, 1);
  assertGreater(waiting.waited_ms as number, 0);
  const last = lines.at(-1)!;
  assertEquals(
    [last.event, last.level, last.code, last.status, last.blockers, last.stream],
    ["request", "warn", "lock_not_acquired", 423, 1, "stderr"],
  );
  const { attempts, waited_ms } = last.lock as Record<string, number>;
  assertEquals(attempts, 0);
  assertGreater(waited_ms, 0);
  assertEquals(JSON.stringify(lines).match(/somebody/g), null);
  // All of one request are found by its id.
  assertEquals(new Set(lines.map(({ request_id }) => request_id)).size, 1);
});

databaseTest("an event stream is logged like the answer it stands for", async ({ db }) => {
  await using functions = functionsFor(db.url, { logLevel: "info" });
  await db.sql`create table experts (id int)`;
  const accept = { accept: "text/event-stream" };
  const lines = await logged(async () => {
    for (const name of ["rename", "rename", "rollback"]) {
      const body = name === "rename" ? RENAME : { table: "experts" };
      await (await post(functions, name, body, accept)).text();
    }
  });
  assertEquals(
    lines.map((line) => [line.function, line.level, line.status, line.code]),
    [
      ["rename", "info", 200, undefined],
      ["rename", "warn", 409, "already_renamed"],
      ["rollback", "info", 200, undefined],
    ],
  );
  assertGreater((lines[2].lock as { held_ms: number }).held_ms, 0);
});

databaseTest(
  "lines below the level are not written, on whichever stream they belong",
  async ({ db }) => {
    await db.sql`create table experts (id int)`;
    const written: Record<string, string[]> = {};
    for (const level of LOG_LEVELS) {
      await using functions = functionsFor(db.url, { logLevel: level });
      await using broken = functionsFor("", { logLevel: level, databaseUrl: undefined });
      const lines = await logged(async () => {
        await post(functions, "rename", { ...RENAME, mode: "plan" });
        await post(functions, "rename", { old_name: "nobody", new_name: "x" });
        await broken.fetch("list-migrations");
      });
      written[level] = lines.map((line) => `${line.level} ${line.event} ${line.stream}`);
    }
    const [info, warn, error] = [
      "info request stdout",
      "warn request stderr",
      "error request stderr",
    ];
    assertEquals(written.info, [info, warn, error]);
    assertEquals(written.warn, [warn, error]);
    assertEquals(written.error, [error]);
    assertEquals(written.silent, []);
    assert(written.debug.includes("debug phase stdout"));
    assertEquals(written.debug.filter((line) => !line.startsWith("debug")), [info, warn, error]);
  },
);

Deno.test("the level is read as people write it, and info is the default", () => {
  const levelOf = (text: string | undefined) =>
    settingsFromEnv((name) => name === "LOG_LEVEL" ? text : undefined).logLevel;
  assertEquals(
    ["debug", "INFO", "Warn", "error", "silent", "", "loud", undefined].map(levelOf),
    ["debug", "info", "warn", "error", "silent", "info", "info", "info"],
  );
});

databaseTest(
  "secrets, rows and values never occur in the log, whatever goes wrong",
  async ({ db }) => {
    const password = new URL(db.url).password;
    const secrets = {
      key: "sb_secret_that_nobody_may_see",
      legacy: "eyJ-legacy.service-role.key",
      anon: "eyJ-legacy.anon.key",
      token: "eyJhbGciOi.a-users-own.token",
      wrong: "sb_secret_of_another_project",
      webhook: btoa("the secret of the webhooks"),
      signature: btoa("no signature of that secret's"),
      row: "row of somebody",
      value: "value of somebody",
    };
    const more = {
      logLevel: "debug" as const,
      secretKeys: { default: SECRET_KEY, other: secrets.key },
      serviceRoleKey: secrets.legacy,
      anonKey: secrets.anon,
      webhooks: readWebhookSecrets(`v1,whsec_${secrets.webhook}`),
    };
    await using functions = functionsFor(db.url, more);
    const lines = await consoleOf(async () => {
      await db.sql.unsafe(`
      create table experts (id int primary key, name text default '${secrets.value}');
      insert into experts values (1, '${secrets.row}');
      create function noisy() returns event_trigger language plpgsql as $$
      begin
        if current_setting('application_name') = 'table-rename' then
          raise exception '% %', '${secrets.value}', (select name from experts limit 1);
        end if;
      end $$`).simple();
      for (
        const apikey of [secrets.key, secrets.legacy, secrets.anon, secrets.wrong, PUBLISHABLE_KEY]
      ) {
        await post(functions, "rename", RENAME, { apikey });
      }
      await post(functions, "rename", RENAME, {
        apikey: "",
        authorization: `Bearer ${secrets.token}`,
      });
      await post(functions, "rename", RENAME, {
        apikey: "",
        "webhook-id": "msg_1",
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-signature": `v1,${secrets.signature}`,
      });
      await functions.rollback({ table: "experts" });
      await post(functions, "rename", `{"notes": "${secrets.value}", `);
      await post(functions, "rename", { ...RENAME, notes: secrets.value, oops: secrets.value });
      await post(functions, "rename", { old_name: "a", new_name: `x${"y".repeat(70)}` });
      await functions.list({ include: "drift,usage" });
      // Refused by the project's own code, with what it likes to say.
      await db.admin`create event trigger noisy on ddl_command_start execute function noisy()`;
      await post(functions, "rename", RENAME);
      await db.admin`drop event trigger noisy`;
      // Broken in the middle, and found gone.
      await db.admin.unsafe("alter table table_rename.sys_table_migration_events rename to gone")
        .simple();
      await post(functions, "rename", RENAME);
      await db.admin.unsafe("alter table table_rename.gone rename to sys_table_migration_events")
        .simple();
      const wrong = new URL(db.url);
      wrong.password = `${password}x`;
      const unreadable = db.url.replace("postgresql://", "postgresql://%%%");
      for (const url of [wrong.href, unreadable, db.url.replace(/:\d+\//, ":1/")]) {
        await using others = functionsFor(url, more);
        await post(others, "rename", RENAME);
      }
    });
    const text = lines.map(({ text }) => text).join("\n");
    for (const secret of [password, SECRET_KEY, PUBLISHABLE_KEY, ...Object.values(secrets)]) {
      assertEquals(text.includes(secret), false, secret);
      assertEquals(text.includes(encodeURIComponent(secret)), false, secret);
      assertEquals(text.includes(btoa(secret)), false, secret);
    }
    assertEquals(text.match(/select|insert into|create view/gi), null);
    const codes = new Set(
      [...text.matchAll(/"code":"(\w+)"/g)].map(([, code]) => code),
    );
    for (const code of ["unauthorized", "forbidden", "invalid_json", "database_unavailable"]) {
      assert(codes.has(code), `${code} did not happen: ${[...codes]}`);
    }
  },
);

databaseTest("what the answer does not say is logged under the request's id", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await db.sql`create table experts (id int)`;
  await functions.rename(RENAME);
  await db.admin.unsafe(
    "alter table table_rename.sys_table_migration_events add constraint none check (outcome = 'succeeded') not valid",
  ).simple();
  let response: Response | undefined;
  const lines = await logged(async () => {
    response = await post(functions, "rename", RENAME);
  });
  assertEquals((await response!.json()).code, "already_renamed");
  assertEquals(lines.map(({ event, level }) => [event, level]), [["notice", "error"]]);
  const [{ request_id, message, cause }] = lines;
  assertEquals(request_id, response!.headers.get("x-request-id"));
  assertMatch(message as string, /event of a failed request/);
  const { stack, ...logEntry } = cause as Record<string, string>;
  assertEquals(logEntry, {
    sqlstate: "23514",
    message: 'new row for relation "sys_table_migration_events" violates check constraint "none"',
    schema_name: "table_rename",
    table_name: "sys_table_migration_events",
    constraint_name: "none",
    routine: "ExecConstraints",
  });
  assertMatch(stack, /^ +at /);
});

Deno.test("a secret is taken out of a line in whatever form it is written", () => {
  const settings = {
    databaseUrl: "postgresql://postgres:p%40ss%22word@host:5432/postgres",
    secretKeys: { default: 'sb_secret_"quoted"', short: "abc" },
    publishableKeys: {},
    serviceRoleKey: "service.role.key",
    anonKey: undefined,
    ...notifying(["http://127.0.0.1/hooks/token"]),
  };
  const line = (value: unknown) => withoutSecrets(JSON.stringify({ value, abc: 1 }), settings);
  assertEquals(line("service.role.key"), '{"value":"[redacted]","abc":1}');
  assertEquals(line('x sb_secret_"quoted" x'), '{"value":"x [redacted] x","abc":1}');
  assertEquals(
    line('p@ss"word and p%40ss%22word'),
    '{"value":"[redacted] and [redacted]","abc":1}',
  );
  assertEquals(line(settings.databaseUrl), '{"value":"[redacted]","abc":1}');
  assertEquals(line("for http://127.0.0.1/hooks/token:"), '{"value":"for [redacted]:","abc":1}');
});

Deno.test("of a cause that can quote data, only where it happened is logged", () => {
  const error = (code: string, message: string) =>
    Object.assign(new Error(message), {
      code,
      severity: "ERROR",
      detail: "Key (name)=(somebody) already exists.",
      hint: "somebody",
      where: "somebody",
      query: "select 'somebody'",
      parameters: ["somebody"],
      table_name: "experts",
    });
  const described = [
    describeCause(error("22P02", 'invalid input syntax for type integer: "somebody"')),
    describeCause(error("P0001", "somebody is not allowed")),
    describeCause(error("23505", "duplicate key value violates unique constraint")),
  ];
  const text = JSON.stringify(described);
  assertEquals(text.match(/somebody/g), null, text);
  assertMatch(text, /duplicate key/);
  assertMatch(text, /experts/);
  assertEquals(describeCause(undefined), undefined);
  assertEquals(describeCause("text"), "text");
});

Deno.test("a name that would move the cursor, hide or turn round what follows is written as an escape", () => {
  const names = [
    "a\u001b[2Jb",
    "a\u009b31mb",
    "a\u202eb",
    "a\u2028b\u2029",
    "a\ufeff\u200b",
    "\u{e0041}",
    "é 漢 👩",
  ];
  for (const name of names) {
    const line = withoutControls(JSON.stringify({ name }));
    assertEquals(JSON.parse(line), { name });
    assertEquals(line.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u), null, line);
  }
  assertEquals(withoutControls('{"name":"é 漢"}'), '{"name":"é 漢"}');
});
