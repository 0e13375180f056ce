/** After a round of operations and failures: no secret and no row in answers, tables and logs. */
import { assert, assertEquals, assertFalse } from "@std/assert";
import { readNotifySettings } from "../../../shared/http/webhooks/notify_settings.ts";
import { readWebhookSecrets } from "../../../shared/http/webhooks/webhook_secrets.ts";
import { backgroundEnded } from "../../../shared/notifications/background.ts";
import { consoleOf } from "../../support/programs/console.ts";
import { closedPort } from "../../support/servers/counting_listener.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { type Functions, functionsFor, SECRET_KEY } from "../../support/http/functions.ts";
import { OTHER_SECRET, SECRET, signedHeaders } from "../../support/http/webhooks.ts";

/** What nobody may see, each in words of its own. */
const SECRETS = {
  row: "row of somebody",
  key: "key of somebody",
  second: "sb_secret_second_of_the_tests",
  wrong: "sb_secret_wrong_of_the_tests",
  password: "wrong-password-of-the-test",
  webhook: SECRET,
  other: OTHER_SECRET,
  notify: "bm90aWZ5LXNlY3JldC1vZi10aGUtdGVzdHM=",
  receiver: "token-of-the-receiver",
};

const RENAME = { old_name: "experts", new_name: "expert_profiles" };

async function prepare({ sql }: TestDatabase): Promise<void> {
  await sql.unsafe(`
    create table teams (id int primary key);
    create table experts (
      id int primary key, name text unique, code text, team int references teams,
      check (name <> 'x'));
    alter table experts enable row level security;
    create policy readers on experts for select to anon using (id > 0);
    grant select on experts to anon;
    grant all on experts to authenticated, service_role;
    insert into teams values (1);
    insert into experts values (1, '${SECRETS.key}', '12', 1), (2, 'b', '13', 1);
    create function loud() returns trigger language plpgsql as $$
      begin
        if new.name = 'loud' then raise exception 'not %', old; end if;
        return new;
      end $$;
    create trigger loud before update on experts for each row execute function loud();
  `).simple();
}

/** Every operation, and every way in which one fails with a row at hand; gives all that was answered. */
async function round(db: TestDatabase, functions: Functions): Promise<string[]> {
  const answers: string[] = [];
  const ask = async (name: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await functions.fetch(name.split("?")[0], {
      query: name.includes("?") ? `?${name.split("?")[1]}` : "",
      ...(body === undefined ? { headers } : {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    });
    const text = await response.text();
    answers.push(`${name} ${response.status} ${text}`);
    return text.startsWith("{") ? JSON.parse(text) : text;
  };
  const looks = async () => {
    await ask("list-migrations?include=usage,drift");
    await ask("analyze?table=experts");
    await ask("table-aliases");
  };
  await looks();
  await ask("list-migrations?include=notifications");
  await ask("rename", { ...RENAME, mode: "plan" });
  const proposed = await ask("rename", { ...RENAME, mode: "propose" });
  await ask("rename", { batch_id: proposed.batch_id }, { "idempotency-key": "once" });
  const migration_id = (await ask("list-migrations")).migrations[0].id;
  await db.sql`select count(*) from experts where name = ${SECRETS.key}`;
  await looks();
  await ask("verify", { migration_id, checks: ["writes"] }, { accept: "text/event-stream" });
  const checks = ["reads", "writes", "joins"];
  await ask("verify", { migration_id, checks }, { accept: "text/markdown" });
  await ask("refresh", { migration_id });

  // Rows that came to be since do not fit what was built on the view.
  await db.sql`create materialized view numbers as select id, code::int as code from experts`;
  await db.sql`update expert_profiles set code = ${SECRETS.row} where id = 1`;
  for (const name of ["rollback", "finalize"]) {
    await ask(name, { migration_id, acknowledge: ["old_name_in_use", "not_quiet_long_enough"] });
  }
  await db.sql.unsafe(`
    drop materialized view numbers;
    create materialized view numbers as select code from experts;
    create unique index on numbers (code);
    update expert_profiles set code = '${SECRETS.row}'`).simple();
  await ask("rollback", { migration_id, acknowledge: ["reads_as_owner"] });
  await db.sql`drop materialized view numbers`;

  // The record itself refuses.
  await db.admin.unsafe(`
    alter table sys_table_migrations add constraint broken check (status <> 'rolled_back') not valid`)
    .simple();
  await ask("rollback", { migration_id });
  await db.admin.unsafe(`alter table sys_table_migrations drop constraint broken`).simple();
  await ask("rollback", { migration_id });
  await backgroundEnded();
  await ask("list-migrations?include=notifications");
  await ask("list-events");

  // Whoever is not let in.
  const signed = await signedHeaders({ body: "{}" });
  await ask("rename", "{}", { apikey: SECRETS.wrong });
  await ask("rename", "{}", { apikey: "", authorization: `Bearer ${SECRETS.second}` });
  await ask("rename", "{}", {
    ...signed,
    apikey: "",
    "webhook-signature": `v1,${SECRETS.webhook}`,
  });
  await ask("rename", "{}", { ...signed, apikey: SECRETS.second });
  return answers;
}

databaseTest(
  "no secret and no row is in any answer, plan, record, event or line of the log",
  async ({ db }) => {
    await prepare(db);
    const webhooks = readWebhookSecrets(`whsec_${SECRET} bot=whsec_${OTHER_SECRET}`);
    const more = {
      secretKeys: { default: SECRET_KEY, second: SECRETS.second },
      webhooks,
      // Nobody is there, so that every delivery fails.
      notify: readNotifySettings({
        urls: `http://127.0.0.1:${closedPort()}/${SECRETS.receiver}`,
        secrets: `whsec_${SECRETS.notify}`,
        allowPrivate: "true",
      }, webhooks),
      logLevel: "debug" as const,
    };
    await using functions = functionsFor(db.url, more);
    let answers: string[] = [];
    const log = await consoleOf(async () => {
      answers = await round(db, functions);
      const url = new URL(db.url);
      url.password = SECRETS.password;
      await using strangers = functionsFor(url.href, more);
      for (const name of ["list-migrations", "analyze", "table-aliases"]) {
        const response = await strangers.fetch(name, {
          query: name === "analyze" ? "?table=a" : "",
        });
        answers.push(await response.text());
      }
    });
    const codes = new Set(answers.join().match(/(?<="code":")\w+/g));
    for (
      const code of [
        ...["dependants_cannot_follow", "unauthorized", "database_unavailable"],
      ]
    ) assert(codes.has(code), `${code} did not happen: ${[...codes]}\n${answers.join("\n")}`);
    const outputs: Record<string, string> = {
      answers: answers.join("\n"),
      log: log.map(({ text }) => text).join("\n"),
    };
    const tables = await db.admin`
    select relname::text as name, relnamespace::regnamespace::text as schema from pg_class where relname ~ '^sys_table_migration' and relkind = 'r'`;
    for (const { schema, name } of tables) {
      const rows = await db.admin`
        select to_jsonb(t)::text as row from ${db.admin(schema)}.${db.admin(name)} t`;
      outputs[name] = rows.map(({ row }) => row).join("\n");
    }
    assert(outputs.sys_table_migration_events.includes("refused"), "no refusal left an event");
    assert(outputs.sys_table_migrations.includes("plan_hash"), "nothing was recorded");
    const { sys_table_migration_notifications: outbox } = outputs;
    assert(outbox.includes('"last_error": "'), "no delivery failed");
    const never = [...Object.values(SECRETS), SECRET_KEY, new URL(db.url).password];
    for (const [where, text] of Object.entries(outputs)) {
      for (const secret of never) {
        const at = text.indexOf(secret);
        assertEquals(at, -1, `in ${where}: ${text.slice(Math.max(0, at - 300), at)}`);
      }
      assertFalse(/postgresql:\/\/|\bat .*\.ts:\d/.test(where === "log" ? "" : text), where);
    }
  },
);
