/** Statements that fail through both names because something is not found: verify fails, though the names agree. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { verifyTest } from "../../support/verified.ts";

const EXPERTS = `
  create table experts (id int primary key, name text);
  insert into experts values (1, 'a');
  create table experts_history (id int, name text);`;

verifyTest(
  "a trigger that derives a table's name from its own table's fails through both names, and verify fails",
  `${EXPERTS}
  create function keep() returns trigger language plpgsql as $$
  begin
    execute format('insert into %I.%I values ($1, $2)', tg_table_schema, tg_table_name || '_history')
      using old.id, old.name;
    return new;
  end $$;
  create trigger keep after update on experts for each row execute function keep()`,
  async ({ db, fails, check }) => {
    const failures = await fails("writes");
    const update = failures.find(({ statement }) => statement.startsWith("as postgres: update"));
    assert(update, JSON.stringify(failures));
    assertStringIncludes(update.got, "42P01 (undefined_table) through both names");
    assertStringIncludes(update.got, "the error names the new name");
    assertStringIncludes(update.got, "failed_before");
    // Not what does not run it, and not where the caller knows better.
    assert(failures.every(({ statement }) => /update/.test(statement)), JSON.stringify(failures));
    const { passed } = await check("writes", { acknowledge: ["failed_before"] });
    assert(passed);
    await db.sql`create table expert_profiles_history (like experts_history)`;
    assert((await check("writes")).passed);
  },
  { acknowledge: ["tg_table_name"] },
);

verifyTest(
  "a policy's function that relies on the old name being a table fails for the role that runs it",
  `${EXPERTS}
  create function is_sound(name) returns boolean language plpgsql stable as $$
  begin perform no_such_function(); return true; end $$;
  alter table experts enable row level security;
  create policy sound on experts to anon using (is_sound('x'))`,
  async ({ db, fails, passes }) => {
    // Its message the error names neither name, and only one role runs it: that may be a matter of the role.
    await passes("reads");
    await db.sql.unsafe(`create or replace function is_sound(name) returns boolean language plpgsql
      stable as $$ begin perform title(e) from experts e; return true; end $$;
      create function title(expert_profiles) returns text language sql as 'select $1.name'`)
      .simple();
    const failures = await fails("reads");
    assertEquals(failures.map(({ statement }) => statement.split(":")[0]), ["as anon"]);
    assertStringIncludes(failures[0].got, "42883 (undefined_function) through both names");
    assertStringIncludes(failures[0].got, "the error names the old name");
  },
);

verifyTest(
  "a failure whose error has neither name in it counts as the owner only",
  `${EXPERTS}
  create function touch() returns trigger language plpgsql as
    $$ begin perform no_such_function(); return new; end $$;
  create trigger touch before insert on experts for each row execute function touch();
  grant all on experts to anon, authenticated, service_role`,
  async ({ fails, check }) => {
    const failures = await fails("writes");
    assert(failures.every(({ statement }) => statement.startsWith("as postgres: insert")));
    assertStringIncludes(failures[0].got, "the error names neither name");
    assert((await check("writes", { acknowledge: ["failed_before"] })).passed);
  },
);
