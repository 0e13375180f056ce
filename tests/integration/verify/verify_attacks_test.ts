/**
 * Code that another role planted, where verify would run it: it must never have more than its author has. The
 * witness is a table that only the functions' login may read; its scans are counted even in a transaction that
 * is read-only and rolled back.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { VerifyInput } from "../../../shared/contract/requests.ts";
import type { VerifyAnswer } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { verifierLogin } from "../../support/verifier.ts";
import { until } from "../../support/waiting.ts";

type Checks = NonNullable<VerifyInput["checks"]>;

interface Attack {
  /** What is made as postgres before and after the other role plants its code. */
  before?: string;
  planted: string;
  after?: string;
  checks: Checks;
}

/**
 * A body in PL/pgSQL that goes back to our login in one way or another, and then reads its table. Apart from
 * `leave` it holds nothing that a search of its text would find.
 */
const stealing = (leave: string, answer = "return true;", end = "return true;") => `
  declare before text := pg_catalog.current_setting('ro' || 'le');
  begin
    -- Not when it is only put in its place.
    if pg_catalog.current_setting('application_name') <> 'table-rename' then ${answer} end if;
    ${leave}
    perform pg_catalog.count(*) from public.vault;
    execute 'select set_con' || 'fig($1, $2, true)' using 'ro' || 'le', before;
    ${answer}
  exception when others then ${end}
  end`;

const LEAVE = "execute 'select set_con' || 'fig($1, $2, true)' using 'ro' || 'le', 'none';";

/** A table whose columns most attacks need. */
const TABLE = `
  create table experts (id int primary key, name text, kind int default 1);
  insert into experts select g, 'e' || g, g from generate_series(1, 3) g;
  grant all on experts to anon, authenticated, service_role;`;

const steal = (signature: string, traits = "", leave = LEAVE) =>
  `create or replace function ${signature} language plpgsql ${traits} as $steal$ ${
    stealing(leave)
  } $steal$;`;

const ATTACKS: Record<string, Attack> = {
  "an operator that stands in for one of the server's in our own statements": {
    before: TABLE,
    planted: `${steal("more(float8, int) returns boolean")}
      create operator > (leftarg = float8, rightarg = int, function = more);
      ${steal("at_most(float8, int) returns boolean")}
      create operator <= (leftarg = float8, rightarg = int, function = at_most);`,
    checks: ["reads", "cost"],
  },
  "a domain's check": {
    before: TABLE,
    planted: `${steal("fine(text) returns boolean", "immutable")}
      create domain nice_text as text check (fine(value));
      grant usage on type nice_text to public;`,
    after: "alter table experts alter column name type nice_text",
    checks: ["writes"],
  },
  "the expression of an index": {
    before: TABLE,
    planted: steal("indexed(text) returns boolean", "immutable"),
    after: "create index on experts (indexed(name))",
    checks: ["writes"],
  },
  "the predicate of an index": {
    before: TABLE,
    planted: steal("wanted(text) returns boolean", "immutable"),
    after: "create index on experts (name) where wanted(name)",
    checks: ["writes"],
  },
  "a trigger's function": {
    before: TABLE,
    planted: `create function touch() returns trigger language plpgsql as $steal$ ${
      stealing(LEAVE, "return new;", "return new;")
    } $steal$;`,
    after: `create trigger touch before insert or update on experts
      for each row execute function touch()`,
    checks: ["writes"],
  },
  "a trigger's WHEN": {
    before: `${TABLE} create function nothing() returns trigger language plpgsql as
      $$ begin return new; end $$;`,
    planted: steal("applies(text) returns boolean"),
    after: `create trigger touch before insert on experts
      for each row when (applies(new.name)) execute function nothing()`,
    checks: ["writes"],
  },
  "a trigger's WHEN of the server's functions, by who may make triggers": {
    before: `${TABLE} create function nothing() returns trigger language plpgsql as
      $$ begin return new; end $$;
      grant trigger on experts to OTHER; grant execute on function nothing() to public;`,
    planted: `create trigger touch before insert on experts for each row
      when (set_config('role', 'none', true) = 'none' and query_to_xml(
        'select pg_catalog.count(*) from public.vault', true, true, '') is not null)
      execute function nothing()`,
    checks: ["writes"],
  },
  "a check's function": {
    before: TABLE,
    planted: steal("checked(text) returns boolean"),
    after: "alter table experts add check (checked(name))",
    checks: ["writes"],
  },
  "a check's operator": {
    before: TABLE,
    planted: `${steal("alike(text, int) returns boolean")}
      create operator === (leftarg = text, rightarg = int, function = alike);`,
    after: "alter table experts add check (name operator(public.===) id)",
    checks: ["writes"],
  },
  "a policy's function": {
    before: `${TABLE} alter table experts enable row level security;`,
    planted: steal("visible(text) returns boolean"),
    after: "create policy p on experts using (visible(name))",
    checks: ["reads"],
  },
  "a policy's operator": {
    before: `${TABLE} alter table experts enable row level security;`,
    planted: `${steal("alike(text, int) returns boolean")}
      create operator === (leftarg = text, rightarg = int, function = alike);`,
    after: "create policy p on experts using (name operator(public.===) id)",
    checks: ["reads"],
  },
  "a policy of a neighbour": {
    before: `${TABLE} create table notes (id int primary key, expert_id int references experts);
      insert into notes values (1, 1);
      grant all on notes to anon, authenticated, service_role;
      alter table notes enable row level security;`,
    planted: steal("visible(int) returns boolean"),
    after: "create policy p on notes using (visible(id))",
    checks: ["joins"],
  },
  "a default of constants, where statements are only explained": {
    // Whatever could send is only explained.
    before: `${TABLE} create function sends() returns trigger language plpgsql as
      $$ begin /* http */ return new; end $$;
      create trigger sends before insert on experts for each row execute function sends();`,
    planted: `create function flag(int) returns int language plpgsql immutable as $steal$ ${
      stealing(LEAVE, "return 1;", "return 1;")
    } $steal$;`,
    after: "alter table experts alter column kind set default flag(1)",
    checks: ["writes"],
  },
  "a policy of constants, where statements are only explained": {
    before: `${TABLE} alter table experts enable row level security;
      create function sends() returns boolean language plpgsql as
      $$ begin /* http */ return true; end $$;
      create policy sending on experts using (sends());`,
    planted: steal("constant(int) returns boolean", "immutable"),
    after: "create policy p on experts using (constant(1))",
    checks: ["cost", "reads"],
  },
  "a name that a trigger of the login's looks up": {
    before: `${TABLE} create function touch() returns trigger language plpgsql as
      $$ begin perform noted(new.name::varchar); return new; end $$;
      create function noted(text) returns boolean language sql as 'select true';
      create trigger touch before insert on experts for each row execute function touch();`,
    planted: steal("noted(varchar) returns boolean"),
    checks: ["writes"],
  },
  "a table that a trigger of the login's writes to by a name that it makes": {
    before: `${TABLE} create function touch() returns trigger language plpgsql as
      $$ begin execute format('insert into audit_of_%s values (1)', 'experts'); return new; end $$;
      create trigger touch before insert on experts for each row execute function touch();`,
    planted: `${steal("audited(int) returns boolean")}
      create table audit_of_experts (id int check (audited(id)));
      grant all on audit_of_experts to public;`,
    checks: ["writes"],
  },
};

/** What leaves the role that a function was called as; a text test finds some of them. */
const WAYS_OUT = [
  "reset role;",
  'reset "role";',
  "reset /**/ role;",
  "set role none;",
  "set local role to default;",
  `set "role" to none;`,
  `set /**/ "role" = 'none';`,
  "set session authorization default;",
  "set session_authorization to default;",
  "perform set_config('role', 'none', true);",
  "perform set_config(E'role', 'none', true);",
  `perform "set_config"('role', 'none', true);`,
  "perform pg_catalog.set_config($q$role$q$, 'none', true);",
  "perform set_config(U&'\\0072ole', 'none', true);",
  "perform set_config(setting_name => 'ROLE', new_value => 'none', is_local => true);",
  "execute 're' || 'set ro' || 'le';",
  "update pg_catalog.pg_settings set setting = 'none' where name = 'role';",
];

/** Those that a search of the text for the usual words would find, and those that it would not. */
const [PLAIN, HIDDEN] = [true, false].map((plain) =>
  WAYS_OUT.filter((leave) =>
    plain ===
      /^(reset role|set (local )?role|set session auth|perform set_config\('|.*=> 'ROLE')/.test(
        leave,
      )
  )
);

for (const ways of [PLAIN, HIDDEN]) {
  ATTACKS[`leaving the role by ${ways.join(" ")}`] = {
    before: TABLE,
    planted: ways.map((leave, index) =>
      `create function leaves_${index}() returns trigger language plpgsql as $steal$ ${
        stealing(leave, "return new;", "return new;")
      } $steal$;`
    ).join("\n"),
    after: ways.map((_, index) =>
      `create trigger leaves_${index} before insert on experts for each row
        execute function leaves_${index}();`
    ).join("\n"),
    checks: ["writes"],
  };
}

databaseTest(
  "code that another role planted gets nothing of the functions' login, and the answer says what was run",
  async ({ db, test }) => {
    await using verifier = await verifierLogin(db);
    const other = `${db.name}_mallory`;
    await db.admin.unsafe(`create role ${other} login;
      create table vault (secret text); alter table vault owner to postgres;
      revoke all on vault from public, anon, authenticated, service_role`).simple();
    try {
      for (const [name, attack] of Object.entries(ATTACKS)) {
        await test.step(name, async () => {
          const { alone, separate } = await attacked(db, other, attack, verifier.url);
          assertEquals(alone.session.separate, false);
          assertEquals(alone.session.executed, false, JSON.stringify(alone, null, 2));
          assert(alone.session.untrusted.some(({ owner }) => owner === other), "nobody named");
          for (const { detail } of alone.checks) {
            assertStringIncludes(detail, other);
            assertStringIncludes(detail, "RENAME_VERIFY_DB_URL");
          }
          const { login, executed, untrusted } = separate.session;
          assertEquals([login, executed, untrusted], [verifier.role, true, []]);
        });
      }
    } finally {
      await db.admin.unsafe(`drop owned by ${other} cascade; drop role ${other}`).simple();
    }
  },
);

/** Plants, renames, verifies without and with a login of its own, and is sure that the vault was not read. */
async function attacked(
  db: TestDatabase,
  other: string,
  { before = "", planted, after = "", checks }: Attack,
  verifierUrl: string,
): Promise<{ alone: VerifyAnswer; separate: VerifyAnswer }> {
  const scansBefore = await scans(db);
  const mallory = db.connect({ role: "supabase_admin", max: 1 });
  try {
    await db.sql.unsafe(before.replaceAll("OTHER", other)).simple();
    await mallory.unsafe(`
      grant create, usage on schema public to ${other};
      set session authorization ${other}`).simple();
    await mallory.unsafe(planted).simple();
    await db.sql.unsafe(after).simple();
    const { id, answer: alone } = await verified(db, undefined, checks);
    assertEquals(await scans(db), scansBefore, "our table was read without a login of its own");
    const { answer: separate } = await verified(db, verifierUrl, checks, id);
    assertEquals(await scans(db), scansBefore, "our table was read with a login of its own");
    return { alone, separate };
  } finally {
    await mallory.end();
    await db.admin.unsafe(`drop owned by ${other} cascade;
      drop table if exists expert_profiles cascade;
      drop table if exists experts, notes cascade;
      drop function if exists touch, noted(text), nothing, sends cascade;
      truncate sys_table_migrations cascade`).simple();
  }
}

/** Verifies a rename, made now or before, and waits until its connections have reported their counts. */
async function verified(
  db: TestDatabase,
  verifyDatabaseUrl: string | undefined,
  checks: Checks,
  migration?: string,
): Promise<{ id: string; answer: VerifyAnswer }> {
  const ended = () =>
    until("the functions' connections have ended", async () => {
      const [{ n }] = await db.admin`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and application_name = 'table-rename'`;
      return n === 0;
    });
  try {
    await using functions = functionsFor(db.url, { verifyDatabaseUrl });
    const id = migration ?? (await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
      // What the attacks before it did to their tables was recorded.
      acknowledge: ["ddl_on_old_name"],
    })).migrations[0].id;
    return { id, answer: await functions.verify({ migration_id: id, checks }) };
  } finally {
    await ended();
  }
}

async function scans({ admin }: TestDatabase): Promise<number> {
  const [{ n }] = await admin`
    select coalesce(seq_scan, 0)::int as n from pg_stat_user_tables where relname = 'vault'`;
  return n;
}
