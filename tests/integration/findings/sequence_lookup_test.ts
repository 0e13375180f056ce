/** Recorded statements that look a sequence up by the table's name, which the server keeps as a parameter. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";

databaseTest(
  "a recorded statement that resets a sequence which it looks up by the table's name resets nothing after the rename",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql.unsafe(`
      create table authors (id serial primary key, name text);
      create table books (id serial primary key, author_id int);
      insert into authors (id, name) values (40, 'x')`).simple();
    // As Django's `sqlsequencereset` and its flush send it.
    const reset = `select setval(pg_get_serial_sequence('"authors"', 'id'), coalesce(max("id"), 1),
      max("id") is not null) as value from "authors"`;
    const others = [
      `select setval(pg_get_serial_sequence('books', 'id'), coalesce(max(id), 1)) from books`,
      "select count(*) from authors where name = 'pg_get_serial_sequence($1'",
      "select nextval('authors_id_seq') from authors",
    ];
    const [{ value }] = await db.sql.unsafe(reset);
    assertEquals(value, "40");
    for (const statement of others) await db.sql.unsafe(statement);

    const { findings } = await functions.rename({ old_name: "authors", new_name: "writers" });
    const lookups = findings.filter(({ code }) => code === "serial_sequence_lookup");
    assertEquals(lookups.map(({ severity }) => severity), ["warning"]);
    assertStringIncludes(lookups[0].message, "run once as postgres, perhaps asks");
    assertStringIncludes(lookups[0].message, '"public"."authors"');
    assertStringIncludes(lookups[0].message, "pg_get_serial_sequence($1");
    assertEquals((await db.sql.unsafe(reset))[0].value, null);
  },
);
