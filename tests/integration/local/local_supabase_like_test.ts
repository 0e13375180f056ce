/** The test databases are what they are said to be: like a hosted project, seen as role postgres. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import postgres from "postgres";
import { migrate } from "../../../shared/local/migrate.ts";
import { databaseTest } from "../../support/servers/database.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { emptyDatabase } from "../../support/migration_files.ts";

databaseTest("postgres owns the database and is no superuser", async ({ db }) => {
  const [role] = await db.sql`
    SELECT rolsuper, rolcreaterole, rolbypassrls, rolreplication,
      current_setting('search_path') AS search_path,
      (SELECT datdba::regrole::text FROM pg_database WHERE datname = current_database()) AS owner
    FROM pg_roles WHERE rolname = current_user`;
  assertEquals({ ...role }, {
    rolsuper: false,
    rolcreaterole: true,
    rolbypassrls: true,
    rolreplication: true,
    search_path: '"$user", public, extensions',
    owner: "postgres",
  });
});

databaseTest("memberships of postgres are those of the server's version", async ({ db }) => {
  // Roles belong to the server: other tests may have some of their own just now.
  const rows = await db.sql`
    SELECT roleid::regrole::text AS role, admin_option AS admin FROM pg_auth_members
    WHERE member = 'postgres'::regrole AND NOT starts_with(roleid::regrole::text, 'test_')
    ORDER BY 1`;
  const withAdmin = db.version >= 16;
  const roles = ["anon", "authenticated", ...(withAdmin ? ["authenticator"] : [])];
  roles.push("pg_monitor", "pg_read_all_data", "pg_signal_backend", "service_role");
  assertEquals(rows.map(({ role, admin }) => [role, admin]), roles.map((r) => [r, withAdmin]));
});

for (const defaultPrivileges of ["classic", "none"] as const) {
  databaseTest(
    `default privileges "${defaultPrivileges}" on tables, functions and sequences in public`,
    { defaultPrivileges },
    async ({ db }) => {
      const granted = defaultPrivileges === "classic";
      for (const [owner, client] of [["postgres", db.sql], ["supabase_admin", db.admin]] as const) {
        await client`SET search_path = public`;
        await client.unsafe(`CREATE TABLE public.t_${owner} (id serial PRIMARY KEY);
          CREATE FUNCTION public.f_${owner}() RETURNS int LANGUAGE sql AS 'SELECT 1'`).simple();
        for (const role of ["anon", "authenticated", "service_role"]) {
          const [row] = await db.sql`
            SELECT has_table_privilege(${role}, ${`public.t_${owner}`}, 'INSERT') AS table,
              has_sequence_privilege(${role}, ${`public.t_${owner}_id_seq`}, 'USAGE') AS sequence,
              (SELECT proacl::text LIKE ${`%${role}=X%`} FROM pg_proc
               WHERE oid = ${`public.f_${owner}()`}::regprocedure) AS function`;
          const { table, sequence, function: execute } = row;
          assertEquals([table, sequence, Boolean(execute)], [granted, granted, granted], role);
        }
      }
    },
  );
}

databaseTest("as() acts as PostgREST does and keeps only what is committed", async ({ db }) => {
  await db.sql.unsafe(`
    CREATE TABLE notes (owner uuid DEFAULT auth.uid(), body text);
    ALTER TABLE notes ENABLE ROW LEVEL SECURITY;
    CREATE POLICY own ON notes TO authenticated USING (owner = auth.uid());
    GRANT SELECT, INSERT ON notes TO authenticated`).simple();
  const claims = { sub: crypto.randomUUID() };
  const insert = (tx: postgres.TransactionSql) =>
    tx`INSERT INTO notes (body) VALUES ('a') RETURNING owner, auth.role() AS role`;
  const [row] = await db.as("authenticated", insert, { claims });
  assertEquals({ ...row }, { owner: claims.sub, role: "authenticated" });
  assertEquals((await db.sql`SELECT FROM notes`).length, 0);
  await db.as("authenticated", insert, { claims, commit: true });
  const count = (sub: string) =>
    db.as("authenticated", async (tx) => (await tx`SELECT FROM notes`).length, { claims: { sub } });
  assertEquals([await count(claims.sub), await count(crypto.randomUUID())], [1, 0]);

  await db.sql`CREATE ROLE ${db.sql(db.name)}`;
  try {
    const error = await assertRejects(
      () => db.as(db.name, (tx) => tx`SELECT FROM notes`),
      postgres.PostgresError,
    );
    assertEquals(error.code, "42501");
  } finally {
    await db.sql`DROP ROLE ${db.sql(db.name)}`;
  }
});

databaseTest("PostgREST is notified of DDL, of drops too, and not of GRANT", async ({ db }) => {
  const listener = db.connect({ max: 1 });
  let notified = 0;
  await listener.listen("pgrst", () => void notified++);
  const after = async (statement: string) => {
    notified = 0;
    await db.sql.unsafe(statement);
    // A marker of our own comes behind whatever the statement caused.
    const marker = Promise.withResolvers<void>();
    const { unlisten } = await listener.listen("marker", () => marker.resolve());
    await db.sql`NOTIFY marker`;
    await marker.promise;
    await unlisten();
    return notified;
  };
  assertEquals(await after("CREATE TABLE watched (a int)"), 1);
  assertEquals(await after("ALTER TABLE watched RENAME TO seen"), 1);
  assertEquals(await after("GRANT SELECT ON seen TO anon"), 0);
  assertEquals(await after("CREATE TEMP TABLE hidden (a int)"), 0);
  assertEquals(await after("DROP TABLE seen"), 1);
});

databaseTest("what Supabase adds is there, and postgres can use it", async ({ db }) => {
  const [row] = await db.sql`
    SELECT (SELECT count(*)::int FROM auth.users) AS users,
      (SELECT count(*)::int FROM pg_publication_tables WHERE pubname = 'supabase_realtime')
        AS published,
      (SELECT count(*) > 0 FROM extensions.pg_stat_statements) AS statements,
      (SELECT array_agg(nspname::text ORDER BY nspname) FROM pg_namespace WHERE nspname IN
        ('auth', 'storage', 'realtime', 'extensions', 'graphql_public', 'vault')) AS schemas`;
  assertEquals({ ...row }, {
    users: 0,
    published: 0,
    statements: true,
    schemas: ["auth", "extensions", "graphql_public", "realtime", "storage", "vault"],
  });
  await db.sql`CREATE TABLE published (a int)`;
  await db.sql`ALTER PUBLICATION supabase_realtime ADD TABLE published`;
});

databaseTest("migrations can be applied again", async ({ db }) => {
  const before = await db.sql`SELECT version FROM supabase_migrations.schema_migrations`;
  await migrate(db.url);
  const after = await db.sql`SELECT version FROM supabase_migrations.schema_migrations`;
  assertEquals([...after], [...before]);
});

databaseTest(
  "what was migrated elsewhere, as renames are, does not keep ours from being applied",
  async ({ db }) => {
    await using functions = functionsFor(db.url);
    await db.sql`create table experts (id int)`;
    const { history } = await functions.rename({
      old_name: "experts",
      new_name: "expert_profiles",
    });
    const [last] = await db.sql`
    delete from supabase_migrations.schema_migrations
    where version = (
      select max(version) from supabase_migrations.schema_migrations where version < ${
      history!.version
    })
    returning version`;
    await migrate(db.url);
    const after = await db.sql`SELECT version FROM supabase_migrations.schema_migrations`;
    const versions = after.map(({ version }) => version);
    assert(versions.includes(last.version) && versions.includes(history!.version), versions.join());
  },
);

databaseTest(
  "a migration that fails leaves nothing behind, and is applied once its obstacle is gone",
  { versions: [17] },
  async ({ db: like }) => {
    await using db = await emptyDatabase(like);
    await db.sql`create view sys_table_migrations as select 1 as id`;
    const error = await assertRejects(() => migrate(db.url), Error, "sys_table_migrations");
    assert(!error.message.includes(new URL(db.url).password));
    const count = async () => {
      const [row] = await db.sql`
        select count(*)::int as count from supabase_migrations.schema_migrations`;
      return row.count;
    };
    assertEquals(await count(), 0);
    await db.sql`drop view sys_table_migrations`;
    const applied = await migrate(db.url);
    assertEquals(await count(), applied.length);
    assertEquals(await migrate(db.url), []);
  },
);

Deno.test("what is not a database URL is refused before anything is connected to", async () => {
  for (const url of ["", "postgres", "https://example.com/x"]) {
    await assertRejects(() => migrate(url), Error, "not a postgresql:// URL");
  }
});
