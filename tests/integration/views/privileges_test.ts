/** Table and column privileges: nobody gains or loses anything by a rename or a rollback. */
import { assert, assertEquals } from "@std/assert";
import type { OperationAnswer } from "../../../shared/contract/responses.ts";
import {
  databaseTest,
  type DatabaseTestOptions,
  type TestDatabase,
} from "../../support/servers/database.ts";
import { type Functions, functionsFor } from "../../support/http/functions.ts";
import { aclOf, outcomes, prepareOutcomes, testRoles } from "../../support/roles.ts";

const TABLE = `
  create table papers (id int primary key, title text default 'untitled', secret text);
  insert into papers values (1, 'a', 'x'), (2, 'b', 'y');`;

const COLUMNS = ["id", "title", "secret"];

/** Every way to read and write the table `papers` under the name `t`, as statements. */
function attempts(t: string, version: number): string[] {
  const bits = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"];
  if (version >= 17) bits.push("MAINTAIN");
  const may = bits.flatMap((bit) => [bit, `${bit} WITH GRANT OPTION`]);
  const mayColumn = ["SELECT", "INSERT", "UPDATE", "REFERENCES"].flatMap((bit) =>
    COLUMNS.flatMap((
      column,
    ) => [`'${column}', '${bit}'`, `'${column}', '${bit} with grant option'`])
  );
  return [
    `select string_agg(p::text, ', ' order by id) from ${t} p`,
    `select count(*) from ${t}`,
    `select 1 from ${t}`,
    ...COLUMNS.map((column) => `select string_agg(${column}::text, ',' order by 1) from ${t}`),
    `select id from ${t} where secret = 'y'`,
    `select id from ${t} where id = 1 for update`,
    `select id from ${t} where id = 1 for share`,
    `insert into ${t} values (3, 'c', 'z')`,
    `insert into ${t} (id) values (3)`,
    `insert into ${t} (id, title) values (3, 'c')`,
    `insert into ${t} (id, secret) values (3, 'c')`,
    `insert into ${t} (id) values (3) returning title`,
    `insert into ${t} (id) values (1) on conflict (id) do nothing`,
    `insert into ${t} (id) values (1) on conflict do nothing`,
    `insert into ${t} (id) values (1) on conflict (id) do update set title = default returning title`,
    `update ${t} set title = 'c'`,
    `update ${t} set secret = 'c'`,
    `update ${t} set title = default where id = 1`,
    `update ${t} set secret = secret || '!' where id = 1`,
    `update ${t} set title = 'c' where id = 1 returning secret`,
    `delete from ${t}`,
    `delete from ${t} where id = 1`,
    `delete from ${t} where secret = 'y' returning id`,
    `with d as (delete from ${t} returning *) select count(*) from d`,
    `lock table ${t} in access share mode`,
    `lock table ${t} in row exclusive mode`,
    `lock table ${t} in access exclusive mode`,
    ...may.map((bit) => `select has_table_privilege('${t}', '${bit}')`),
    ...mayColumn.map((bit) => `select has_column_privilege('${t}', ${bit})`),
    `select has_any_column_privilege('${t}', 'SELECT')`,
  ];
}

/** What each role can do with the table, by role and statement; the statements without the name. */
async function abilities(db: TestDatabase, roles: string[], t: string) {
  const tried = attempts("papers", db.version);
  const entries = [];
  for (const role of roles) {
    const found = await outcomes(db, role, attempts(t, db.version));
    entries.push([role, Object.fromEntries(found.map((outcome, n) => [tried[n], outcome]))]);
  }
  return Object.fromEntries(entries) as Record<string, Record<string, string>>;
}

const API_ROLES = ["anon", "authenticated", "service_role"];

interface Promised {
  /** Roles to try beside the API's, the owner and a stranger. */
  roles?: string[];
  owner?: string;
  acknowledge?: string[];
  /** Codes and severities of the findings. Default: none. */
  findings?: Record<string, string>;
  /** Also compare the ACLs, grantors included. Default: true. */
  equalAcls?: boolean;
  /** Compare what roles can do. Default: all roles and statements. */
  excused?: (role: string, statement: string) => boolean;
}

/**
 * Renames `papers` to `articles` and back. What roles can do, and the ACLs, must be the same through the
 * table before, through both names after, and through the table after the rollback.
 */
async function nobodyGainsOrLoses(
  db: TestDatabase,
  functions: Functions,
  stranger: string,
  { roles = [], owner = "postgres", acknowledge = [], findings = {}, ...promised }: Promised = {},
): Promise<OperationAnswer> {
  await prepareOutcomes(db);
  const everybody = [...API_ROLES, owner, stranger, ...roles];
  const before = await abilities(db, everybody, "papers");
  const acl = await aclOf(db.sql, "papers");

  const answer = await functions.rename({
    old_name: "papers",
    new_name: "articles",
    acknowledge,
  });
  assertEquals(
    Object.fromEntries(answer.findings.map(({ code, severity }) => [code, severity])),
    findings,
  );
  assertEquals(await abilities(db, everybody, "articles"), before, "through the new name");
  assertEquals(await aclOf(db.sql, "articles"), acl, "the table's ACL");
  const through = await abilities(db, everybody, "papers");
  for (const role of everybody) {
    for (const statement of Object.keys(before[role])) {
      if (!promised.excused?.(role, statement)) continue;
      delete before[role][statement];
      delete through[role][statement];
    }
  }
  assertEquals(through, before, "through the old name");
  if (promised.equalAcls ?? true) {
    assertEquals(await aclOf(db.sql, "papers"), acl, "the view's ACL");
  }
  assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));

  const back = await functions.rollback({ batch_id: answer.batch_id! });
  assertEquals(await aclOf(db.sql, "papers"), acl, "the ACL after the rollback");
  assert(back.verification?.passed, JSON.stringify(back.verification, null, 2));
  return answer;
}

interface Given {
  db: TestDatabase;
  functions: Functions;
  role: Record<"stranger" | "manager" | "clerk" | "owner", string>;
}

/** A test with the table `papers`, roles and the endpoints at hand. */
function privilegesTest(
  name: string,
  options: DatabaseTestOptions,
  body: (given: Given) => Promise<void>,
): void {
  databaseTest(name, options, async ({ db }) => {
    await using role = await testRoles(db, "stranger", "manager", "clerk", "owner");
    await using functions = functionsFor(db.url);
    await body({ db, functions, role });
  });
}

for (const defaultPrivileges of ["classic", "none"] as const) {
  const style = `(default privileges: ${defaultPrivileges})`;

  privilegesTest(`a table as it was made keeps who may do what ${style}`, {
    defaultPrivileges,
  }, async ({ db, functions, role }) => {
    await db.sql.unsafe(TABLE).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger);
  });

  privilegesTest(`a table nobody was granted anything on stays closed ${style}`, {
    defaultPrivileges,
  }, async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role, postgres;
      grant all on papers to postgres`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger);
  });

  privilegesTest(`each single privilege stays single ${style}`, { defaultPrivileges }, async (
    { db, functions, role },
  ) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant select on papers to anon;
      grant insert on papers to authenticated;
      grant update on papers to service_role;
      grant delete on papers to ${role.manager};
      grant truncate, references, trigger on papers to ${role.clerk}`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, { roles: [role.manager, role.clerk] });
  });

  privilegesTest(`grants wider than the default ones, to PUBLIC too, stay as wide ${style}`, {
    defaultPrivileges,
  }, async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      grant all on papers to anon, authenticated, ${role.manager};
      grant select on papers to service_role with grant option;
      grant select, update on papers to public;
      alter default privileges for role postgres in schema public
        grant insert on tables to ${role.clerk};
      alter default privileges for role postgres grant delete on tables to public`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, { roles: [role.manager, role.clerk] });
  });

  privilegesTest(
    `grants by others than the owner keep their grantors, in chains too ${style}`,
    { defaultPrivileges },
    async ({ db, functions, role }) => {
      await db.admin.unsafe(`grant ${role.manager}, ${role.clerk} to postgres`);
      await db.sql.unsafe(`${TABLE}
        revoke all on papers from anon, authenticated, service_role;
        grant select, insert, update on papers to ${role.manager} with grant option;
        set role ${role.manager};
        grant select on papers to ${role.clerk} with grant option;
        grant insert on papers to authenticated;
        grant update (title) on papers to anon;
        set role ${role.clerk};
        grant select on papers to anon, public;
        grant select on papers to service_role with grant option;
        set role service_role;
        grant select on papers to authenticated;
        reset role;
        grant select on papers to anon`).simple();
      await nobodyGainsOrLoses(db, functions, role.stranger, {
        roles: [role.manager, role.clerk],
      });
    },
  );
}

privilegesTest(
  "chains of grantors that cross, privilege by privilege, are replayed in an order that works",
  {},
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.manager}, ${role.clerk} to postgres`);
    // manager's entry for anon stands before the one that lets manager grant SELECT.
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant insert on papers to ${role.manager} with grant option;
      grant select on papers to ${role.clerk} with grant option;
      set role ${role.manager};
      grant insert on papers to anon;
      grant insert on papers to ${role.clerk} with grant option;
      set role ${role.clerk};
      grant select on papers to ${role.manager} with grant option;
      set role ${role.manager};
      grant select on papers to anon;
      grant update (title), select (id) on papers to anon`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, { roles: [role.manager, role.clerk] });
  },
);

privilegesTest(
  "grants by a role that the connection cannot become are kept, under the owner's name",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant select, insert on papers to ${role.manager} with grant option;
      grant select on papers to authenticated`).simple();
    await db.admin.unsafe(`
      set role ${role.manager};
      grant select on papers to anon;
      grant select on papers to authenticated with grant option;
      grant insert on papers to ${role.clerk} with grant option;
      set role ${role.clerk};
      grant insert on papers to service_role;
      reset role`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, {
      roles: [role.manager, role.clerk],
      findings: { grantor_replaced: "warning" },
      equalAcls: false,
    });
  },
);

privilegesTest(
  "a grantor who cannot reach the schema, or may not be become since 16, is replaced by the owner",
  {},
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.manager}, ${role.clerk} to postgres`);
    await db.sql.unsafe(`
      create schema desk;
      set search_path = desk;
      ${TABLE}
      grant usage on schema desk to ${role.manager}, ${role.clerk};
      grant select on papers to ${role.manager}, ${role.clerk} with grant option;
      set role ${role.manager};
      grant select on papers to anon;
      set role ${role.clerk};
      grant select on papers to authenticated;
      reset role;
      revoke usage on schema desk from ${role.manager}`).simple();
    if (db.version >= 16) await db.admin.unsafe(`grant ${role.clerk} to postgres with set false`);
    const acl = await aclOf(db.sql, "desk.papers");
    const answer = await functions.rename({
      schema: "desk",
      old_name: "papers",
      new_name: "articles",
    });
    assertEquals(answer.findings.map(({ code }) => code), ["grantor_replaced"]);
    const byOwner = (entry: string) =>
      entry.replace(role.manager + ":", "postgres:")
        .replace(role.clerk + ":", db.version >= 16 ? "postgres:" : role.clerk + ":");
    assertEquals(await aclOf(db.sql, "desk.papers"), acl.map(byOwner).sort());
    assertEquals(await aclOf(db.sql, "desk.articles"), acl);
    assert(answer.verification?.passed, JSON.stringify(answer.verification, null, 2));
  },
);

privilegesTest(
  "a privilege had from two grantors, once with grant option, is had the same way through the view",
  {},
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.manager} to postgres`);
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant select on papers to ${role.manager} with grant option;
      grant select on papers to anon;
      set role ${role.manager};
      grant select on papers to anon with grant option;
      grant select on papers to authenticated with grant option;
      reset role;
      grant select on papers to authenticated`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, { roles: [role.manager] });
  },
);

privilegesTest(
  "an owner who took privileges from themselves has no more through either name",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke insert, delete, truncate, references on papers from postgres`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger);
  },
);

privilegesTest(
  "an owner who took every privilege from themselves cannot lock the table, and the refusal says so",
  {},
  async ({ db, functions }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from postgres, anon, authenticated, service_role;
      grant select on papers to anon`).simple();
    const acl = await aclOf(db.sql, "papers");
    const problem = await functions.refused("forbidden", "rename", {
      old_name: "papers",
      new_name: "articles",
    });
    assertEquals(problem.status, 403);
    assert(problem.detail.includes("permission denied for table papers"), problem.detail);
    assertEquals(await aclOf(db.sql, "papers"), acl);
  },
);

privilegesTest(
  "MAINTAIN, new in 17, stays with whom it was granted to",
  { versions: [17] },
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      revoke maintain on papers from postgres;
      grant maintain on papers to anon;
      grant maintain on papers to ${role.manager} with grant option`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, { roles: [role.manager] });
  },
);

privilegesTest(
  "a table of a role that the connection is a member of: its view has the same owner",
  {},
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.owner} to postgres;
      grant usage, create on schema public to ${role.owner}`).simple();
    await db.sql.unsafe(`${TABLE}
      grant select on papers to ${role.manager};
      alter table papers owner to ${role.owner};
      grant insert on papers to ${role.clerk} with grant option`).simple();
    await nobodyGainsOrLoses(db, functions, role.stranger, {
      owner: role.owner,
      roles: ["postgres", role.manager, role.clerk],
    });
  },
);

privilegesTest(
  "where the owner may not create in the schema, the view is the connection's and the answer says so",
  {},
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.owner} to postgres;
      grant usage, create on schema public to ${role.owner}`).simple();
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from service_role;
      grant select on papers to ${role.manager};
      alter table papers owner to ${role.owner};
      grant insert on papers to ${role.clerk} with grant option;
      revoke delete on papers from ${role.owner}`).simple();
    await db.admin.unsafe(`revoke create on schema public from ${role.owner}`);
    await nobodyGainsOrLoses(db, functions, role.stranger, {
      owner: role.owner,
      roles: [role.manager, role.clerk],
      findings: { view_owner: "warning" },
      equalAcls: false,
      // An owner's own right to grant on comes with owning, not with the ACL.
      excused: (who, statement) => who === role.owner && /with grant option/i.test(statement),
    });
  },
);

privilegesTest(
  "where the connection has an owner's rights but may not become it, the view is the connection's",
  { versions: [17] },
  async ({ db, functions, role }) => {
    await db.admin.unsafe(`grant ${role.owner} to postgres;
      grant usage, create on schema public to ${role.owner}`).simple();
    await db.sql.unsafe(`${TABLE} alter table papers owner to ${role.owner}`).simple();
    await db.admin.unsafe(`grant ${role.owner} to postgres with inherit true, set false`);
    await nobodyGainsOrLoses(db, functions, role.stranger, {
      owner: role.owner,
      findings: { view_owner: "warning" },
      equalAcls: false,
      excused: (who, statement) => who === role.owner && /with grant option/i.test(statement),
    });
  },
);

privilegesTest(
  "column grants without row-level security: the same columns through both names, others refused",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant select (id, title) on papers to anon;
      grant select (title), update (title), insert (id, title) on papers to authenticated;
      grant select, update (secret) on papers to service_role;
      grant select (id) on papers to ${role.manager} with grant option;
      grant select on papers to ${role.clerk}`).simple();
    const answer = await nobodyGainsOrLoses(db, functions, role.stranger, {
      roles: [role.manager, role.clerk],
      findings: { column_grants: "warning" },
    });
    const [{ sql }] = answer.statements.filter(({ sql }) => sql.startsWith("create view"));
    assert(!sql.includes("security_invoker"), sql);
  },
);

privilegesTest(
  "INSERT and UPDATE column grants, without partial readers, need no definer view",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant insert (id, title) on papers to anon;
      grant update (title) on papers to authenticated;
      grant select, update (title) on papers to service_role;
      grant select (id, title, secret), references (id) on papers to ${role.manager};
      grant update (title) on papers to public`).simple();
    const answer = await nobodyGainsOrLoses(db, functions, role.stranger, {
      roles: [role.manager],
    });
    const [{ sql }] = answer.statements.filter(({ sql }) => sql.startsWith("create view"));
    assert(sql.includes("with (security_invoker = true)"), sql);
  },
);

privilegesTest(
  "column grants with row-level security are refused until acknowledged, and then as announced",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon, authenticated, service_role;
      grant select on papers to authenticated, service_role;
      grant select (id, title), insert on papers to anon;
      alter table papers enable row level security;
      create policy odd on papers using (id % 2 = 1) with check (id % 2 = 1)`).simple();
    const problem = await functions.refused("breaking_findings", "rename", {
      old_name: "papers",
      new_name: "articles",
    });
    assertEquals(problem.status, 409);
    const [finding] = problem.findings as { code: string; message: string }[];
    assertEquals(finding.code, "column_grants");
    assert(finding.message.includes("anon may read only some columns"), finding.message);
    assert(finding.message.includes("they will read nothing (42501)"), finding.message);
    assertEquals((await functions.list()).migrations, []);

    await prepareOutcomes(db);
    const before = await outcomes(db, "anon", ["select id from papers", "table papers"]);
    assertEquals(before, ["ok 1 1", "42501"]);
    await nobodyGainsOrLosesBut(db, functions, role.stranger);
  },
);

/** Anon reads nothing through the old name and as before through the new one; nothing else changes. */
async function nobodyGainsOrLosesBut(db: TestDatabase, functions: Functions, stranger: string) {
  await db.admin`drop schema probe cascade`;
  const reads = (statement: string) =>
    /^(select|with|update|delete)|returning|conflict/.test(statement);
  await nobodyGainsOrLoses(db, functions, stranger, {
    acknowledge: ["column_grants"],
    findings: { column_grants: "breaking" },
    excused: (who, statement) =>
      who === "anon" && reads(statement) && !statement.includes("_privilege("),
  });
  await functions.rename({
    old_name: "papers",
    new_name: "articles",
    acknowledge: ["column_grants"],
  });
  assertEquals(
    await outcomes(db, "anon", [
      "select id from papers",
      "select id from articles",
      "insert into papers (id) values (3)",
      "insert into papers (id) values (4)",
    ]),
    ["42501", "ok 1 1", "ok 1", "42501"],
  );
}

privilegesTest(
  "column grants where the owner cannot read: a definer view would read nothing, so it is refused",
  {},
  async ({ db, functions }) => {
    await db.sql.unsafe(`${TABLE}
      grant select (id) on papers to anon;
      revoke all on papers from anon;
      grant select (id) on papers to anon;
      revoke select on papers from postgres`).simple();
    await functions.refused("breaking_findings", "rename", {
      old_name: "papers",
      new_name: "articles",
    });
  },
);

privilegesTest(
  "without a compatibility view the table keeps its grants, and nothing has the old name",
  {},
  async ({ db, functions, role }) => {
    await db.sql.unsafe(`${TABLE}
      revoke all on papers from anon;
      grant select (id) on papers to anon;
      grant all on papers to ${role.manager} with grant option`).simple();
    const acl = await aclOf(db.sql, "papers");
    const answer = await functions.rename({
      old_name: "papers",
      new_name: "articles",
      compatibility_view: false,
    });
    assertEquals(answer.findings, []);
    assertEquals(await aclOf(db.sql, "articles"), acl);
    assertEquals((await db.sql`select to_regclass('papers') as oid`)[0].oid, null);
    await functions.rollback({ batch_id: answer.batch_id! });
    assertEquals(await aclOf(db.sql, "papers"), acl);
  },
);
