/** Routines that sessions keep compiled: which of them a rename has compiled again, and which it leaves alone. */
import { assertEquals } from "@std/assert";
import { recompile } from "../../../shared/plan/cached_plans.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { makeTwins } from "../../support/servers/twin.ts";
import { holdLock, lockWaiter, until } from "../../support/waiting.ts";

const RENAME = { schema: "t1", old_name: "orders", new_name: "purchases" };

const TENANTS = 60;

/** Five functions in every tenant's schema, two of which keep rows; each means its own tenant's table. */
const tenant = (schema: string) => `
  create schema ${schema};
  create table ${schema}.orders (id int primary key, a text);
  create function ${schema}.f() returns text language plpgsql as
    $$ declare o ${schema}.orders; begin select * into o from ${schema}.orders; return o.a; end $$;
  create function ${schema}.bare() returns text language plpgsql as
    $$ declare o orders; begin select * into o from orders; return o.a; end $$;
  create function ${schema}.path() returns text language plpgsql set search_path = ${schema}, t1 as
    $$ declare o orders%rowtype; begin select * into o from orders; return o.a; end $$;
  create function ${schema}.counts() returns bigint language plpgsql as
    $$ begin return count(*) from ${schema}.orders; end $$;
  create function ${schema}.writes() returns void language plpgsql as
    $$ begin insert into orders values (1) on conflict do nothing; end $$;`;

/** Makes functions without a look at the names in them, as pg_restore does. */
const create = (db: TestDatabase, ddl: string) =>
  db.sql.begin((tx) => tx.unsafe(`set local check_function_bodies = off; ${ddl}`).simple());

databaseTest(
  "of many tenants' functions a rename compiles those again that keep rows of its own table",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const schemas = Array.from({ length: TENANTS }, (_, n) => `t${n + 1}`);
    await create(db, schemas.map(tenant).join("\n"));
    await create(
      db,
      `create function public.shared() returns text language plpgsql as
      $$ declare o orders; begin select * into o from orders; return o.a; end $$`,
    );

    const planned = await functions.rename({ ...RENAME, mode: "plan" });
    const compiled = (statements: { sql: string }[]) =>
      statements.flatMap(({ sql }) => /alter routine (\S+)\(\)/.exec(sql)?.[1] ?? []).sort();
    const own = ["public.shared", "t1.bare", "t1.f", "t1.path"];
    assertEquals(compiled(planned.statements), own);

    // While the rename waits, others go on replacing their functions.
    const holder = await holdLock(db, "t1.orders");
    const renamed = functions.rename({ ...RENAME, lock_timeout_ms: 8_000 });
    await lockWaiter(db.admin, "AccessExclusiveLock");
    await db.sql.unsafe(`create or replace function t2.f() returns text language plpgsql as
      $$ declare o t2.orders; begin select * into o from t2.orders; return o.a || '!'; end $$`);
    await holder.release();
    assertEquals((await renamed).verification?.passed, true);
    assertEquals(
      compiled((await functions.rollback({ schema: "t1", table: "orders" })).statements),
      own,
    );
  },
);

databaseTest("a routine that vanishes while the rename waits is no error", async ({ db }) => {
  await using functions = functionsFor(db.url);
  await create(
    db,
    `${tenant("t1")} ${tenant("t2")}
    create function t2.of_others() returns text language plpgsql as
      $$ declare o t1.orders; begin return o.a; end $$;
    create function t1.dropped() returns text language plpgsql as
      $$ declare o t1.orders; begin return o.a; end $$`,
  );
  const holder = await holdLock(db, "t1.orders");
  const renamed = functions.rename({ ...RENAME, lock_timeout_ms: 50 });
  await lockWaiter(db.admin, "AccessExclusiveLock");
  // Between two attempts, since during one the rename has changed the routines itself (XX000).
  for (const drop of ["drop function t1.dropped()", "drop schema t2 cascade"]) {
    await until(drop, () => db.sql.unsafe(drop).then(() => true, () => false));
  }
  await holder.release();
  assertEquals((await renamed).verification?.passed, true);

  for (const identity of ["gone.f()", "t1.gone()", "t1.f(gone)"]) {
    const [{ in_file }] = recompile([
      { schema: "t1", identity, security_definer: false, owned: true },
    ]);
    await db.sql.unsafe(in_file!);
  }
});

/** Bodies that put whole rows of `orders` into a record, of which some then use one as a parameter. */
const KEEPING: Record<string, string> = {
  loop: "for r in select o as w from orders o loop return (r.w).a; end loop",
  into: "select o into r from orders o limit 1; return r.o",
  array: "for r in select array_agg(o) as w from orders o loop return (r.w[1]).a; end loop",
  cursor: "open c; fetch c into r; close c; return r.o",
  subquery: "select (select q from orders q limit 1) as w into r; return price(r.w)",
  cast: "select null::orders as w from orders into r; return (r.w).a is null",
  dynamic: "execute 'select o from orders o' into r; return r.o",
};

/** Bodies without any row of the table as a whole. */
const KEEPING_NONE: Record<string, string> = {
  columns: "select * into r from orders; return r.a",
  star: "for r in select o.*, 1 as n from orders o loop return r; end loop",
  json: "select * into r from orders; return to_jsonb(r)",
};

const records = (bodies: Record<string, string>) =>
  Object.entries(bodies).map(([name, body]) =>
    `create function from_${name}() returns text language plpgsql as
    $$ declare r record; c cursor for select o from orders o; begin ${body}; end $$;`
  ).join("\n");

databaseTest(
  "sessions that keep whole rows in records go on after the rename and after the rollback",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    const { rename, rollback, succeed } = await makeTwins(
      db,
      functions,
      `create table orders (id int primary key, a text); insert into orders values (1, 'a');
      create function price(orders) returns int language sql as 'select $1.id * 10';
      ${records(KEEPING)}
      ${records(KEEPING_NONE).replaceAll("c cursor for select o from orders o;", "")}`,
    );
    const calls = Object.keys({ ...KEEPING, ...KEEPING_NONE }).map((name) =>
      `select from_${name}()`
    );
    await succeed(...calls, ...calls);
    await rename("orders", "purchases");
    await succeed(...calls, ...calls);
    await rollback();
    await succeed(...calls);
  },
);
