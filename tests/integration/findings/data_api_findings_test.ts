/** Findings about the Data API: what each says comes true at a stand-in that goes by PostgREST's rules. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Finding } from "../../../shared/contract/responses.ts";
import { databaseTest, type TestDatabase } from "../../support/servers/database.ts";
import { dataApiStandIn, type StandIn } from "../../support/http/data_api_stand_in.ts";
import {
  type Functions,
  functionsFor,
  PUBLISHABLE_KEY,
  SECRET_KEY,
} from "../../support/http/functions.ts";

interface Served {
  db: TestDatabase;
  functions: Functions;
  /** What a GET answers: its status, and its body. */
  get(path: string, key?: string): Promise<{ status: number; body: unknown }>;
  /** Has the stand-in read the schema again, as PostgREST does after a NOTIFY. */
  reload(): Promise<void>;
}

function servedTest(name: string, body: (served: Served) => Promise<void>): void {
  databaseTest(name, async ({ db }) => {
    await using functions = functionsFor(db.url);
    await using api: StandIn = await dataApiStandIn(db);
    await body({
      db,
      functions,
      get: async (path, key = SECRET_KEY) => {
        const response = await fetch(`${api.url}/rest/v1/${path}`, {
          headers: { apikey: key, authorization: `Bearer ${key}` },
        });
        return { status: response.status, body: await response.json() };
      },
      reload: () => api.reload(),
    });
  });
}

const planned = async (
  functions: Functions,
  old_name: string,
  code: Finding["code"],
): Promise<Finding | undefined> => {
  const { findings } = await functions.rename({ old_name, new_name: "renamed", mode: "plan" });
  return findings.find((finding) => finding.code === code);
};

async function renamed(functions: Functions, old_name: string, acknowledge: string[]) {
  const answer = await functions.rename({ old_name, new_name: "renamed", acknowledge });
  assert(answer.verification?.passed, JSON.stringify(answer.verification));
  return answer.migrations[0];
}

/** The statements in a remedy, between the words around them. */
function between(text: string, from: string, to: string): string {
  const start = text.indexOf(from);
  assert(start >= 0, `${from} is not in: ${text}`);
  const end = text.indexOf(to, start);
  return text.slice(start, end < 0 ? undefined : end);
}

const POSTS = `
  create table posts (id int primary key, title text);
  create table tags (id int primary key, label text);
  create table post_tags (
    post_id int references posts, tag_id int references tags, primary key (post_id, tag_id));
  insert into posts values (1, 'p'); insert into tags values (2, 't'); insert into post_tags values (1, 2);`;

servedTest(
  "ambiguous_many_to_many: tables that a renamed one joins are not embedded without naming it",
  async ({ db, functions, get, reload }) => {
    await db.sql.unsafe(POSTS).simple();
    await reload();
    assertEquals((await get("posts?select=id,tags(label)")).body, [{
      id: 1,
      tags: [{ label: "t" }],
    }]);
    const finding = await planned(functions, "post_tags", "ambiguous_many_to_many");
    assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."post_tags"']);
    assertStringIncludes(finding!.message, "posts?select=tags(…), tags?select=posts(…)");
    assertStringIncludes(finding!.remedy, "posts?select=tags!post_tags(…)");
    // A remedy that is taken before the rename holds after it.
    const hinted = [{ id: 1, tags: [{ label: "t" }] }];
    assertEquals((await get("posts?select=id,tags!post_tags(label)")).body, hinted);

    const problem = await functions.refused("breaking_findings", "rename", {
      old_name: "post_tags",
      new_name: "renamed",
    });
    assertEquals(
      (problem.findings as Finding[]).map(({ code }) => code).includes(finding!.code),
      true,
    );
    const { id } = await renamed(functions, "post_tags", ["ambiguous_many_to_many"]);
    await reload();
    for (const path of ["posts?select=id,tags(label)", "tags?select=id,posts(title)"]) {
      const { status, body } = await get(path);
      assertEquals([status, (body as { code: string }).code], [300, "PGRST201"], path);
    }
    assertEquals((await get("posts?select=id,tags!post_tags(label)")).body, hinted);
    await functions.rollback({ migration_id: id });
    await reload();
    assertEquals((await get("posts?select=id,tags(label)")).body, hinted);
  },
);

servedTest(
  "ambiguous_many_to_many: there is no finding where nothing becomes ambiguous",
  async ({ db, functions, get, reload }) => {
    const findings = async (sql: string) => {
      await db.sql.unsafe(
        `drop table if exists renamed cascade; drop table if exists also, posts, tags cascade; ${sql}`,
      ).simple();
      await reload();
      const finding = await planned(functions, "post_tags", "ambiguous_many_to_many");
      // What a rename would do, by hand: what is reported must be what becomes ambiguous by it.
      const statuses = async () => {
        await reload();
        const paths = ["posts?select=id,tags(label)", "tags?select=id,posts(title)"];
        return await Promise.all(paths.map(async (path) => (await get(path)).status));
      };
      const before = await statuses();
      await db.sql.unsafe(`alter table post_tags rename to renamed;
        create view post_tags as select * from renamed`).simple();
      const after = await statuses();
      const reported = [": posts?select=tags(…)", "tags?select=posts(…)"]
        .map((request) => finding?.message.includes(request) ?? false);
      assertEquals(
        reported,
        before.map((status, index) => status === 200 && after[index] === 300),
        sql,
      );
      return finding?.message;
    };
    const none: [string, string][] = [
      [
        "the keys are not in the primary key",
        POSTS.replace("primary key (post_id, tag_id)", "id int default 1 primary key"),
      ],
      ["there is no primary key", POSTS.replace(", primary key (post_id, tag_id)", "")],
      [
        "one key is unique",
        POSTS.replace("post_id int references", "post_id int unique references"),
      ],
      ["a view shows the keys already", `${POSTS} create view also as select * from post_tags`],
      [
        "a view of a view shows the keys already",
        `${POSTS} create view inner_one as select tag_id, post_id from post_tags where exists (
           select post_id, tag_id from post_tags);
         create view also as select 1 as one, post_id as p, tag_id as t from inner_one`,
      ],
      [
        "another table joins the same two",
        `${POSTS} create table also (post_id int references posts, tag_id int references tags,
           n int, primary key (n, tag_id, post_id))`,
      ],
      ["one refers to the other", `${POSTS} alter table tags add first_post int references posts`],
      [
        "functions stand for it",
        `${POSTS} create function tags(posts) returns setof tags language sql as 'select * from tags';
         create function posts(tags) returns setof posts language sql as 'select * from posts'`,
      ],
      [
        "it joins a table with itself",
        `create table posts (id int primary key, title text); create table tags (id int, label text);
         create table post_tags (one int references posts, other int references posts,
           primary key (one, other))`,
      ],
    ];
    for (const [why, sql] of none) assertEquals(await findings(sql), undefined, why);

    // What looks alike and is no second way.
    const some: [string, string][] = [
      [
        "a view does not show all of the key",
        `${POSTS} create view also as select post_id, tag_id + 0 as tag_id from post_tags`,
      ],
      [
        "a view shows it in a condition only",
        `${POSTS} create view also as select p.id from posts p
           where exists (select pt.post_id, pt.tag_id from post_tags pt where pt.post_id = p.id)`,
      ],
      [
        "another table has the keys outside of its primary key",
        `${POSTS} create table also (
           id int primary key, post_id int references posts, tag_id int references tags)`,
      ],
      [
        "the key has a further column",
        POSTS.replace(
          "primary key (post_id, tag_id)",
          "n int default 0, primary key (n, post_id, tag_id)",
        ),
      ],
    ];
    for (const [why, sql] of some) {
      assertStringIncludes(await findings(sql) ?? "none", "posts?select=tags(…)", why);
    }
    // In one direction a function stands for it.
    const message = await findings(
      `${POSTS} create function tags(posts) returns setof tags language sql as 'select * from tags'`,
    );
    assertStringIncludes(message!, ": tags?select=posts(…).");
  },
);

servedTest(
  "no finding is about the Data API where it does not serve the schema",
  async ({ db, functions }) => {
    await db.sql.unsafe(`create schema closed; set search_path = closed; ${POSTS}
      create table comments (id int primary key, parent_id int references comments)`).simple();
    for (const old_name of ["post_tags", "comments"]) {
      const { findings } = await functions.rename({
        schema: "closed",
        old_name,
        new_name: "renamed",
        mode: "plan",
      });
      assertEquals(findings, []);
    }
    await db.sql`grant usage on schema closed to anon`;
    const { findings } = await functions.rename({
      schema: "closed",
      old_name: "comments",
      new_name: "renamed",
      mode: "plan",
    });
    assertEquals(findings.map(({ code }) => code), ["ambiguous_self_reference"]);
    // Where the setting names what is served, it says so.
    const setting = (value: string) =>
      `alter role authenticator in database "${db.name}" set pgrst.db_schemas = '${value}'`;
    await db.admin.unsafe(setting("public, graphql_public"));
    const code = () => planned(functions, "comments", "ambiguous_self_reference");
    await db.sql`create table public.comments (
      id int primary key, parent_id int references public.comments)`;
    assertEquals((await code())?.severity, "breaking");
    await db.admin.unsafe(setting("api, closed"));
    assertEquals(await code(), undefined);
  },
);

servedTest(
  "ambiguous_self_reference: rows of the old name are not embedded by the key's column, unless as the remedy says",
  async ({ db, functions, get, reload }) => {
    await db.sql.unsafe(`
      create table posts (id int primary key);
      create table comments (id int primary key, body text, post_id int references posts,
        parent_id int references comments, twin_id int unique references comments);
      insert into posts values (1);
      insert into comments values (1, 'a', 1, null), (2, 'b', 1, 1)`).simple();
    await reload();
    const requests = [
      "comments?select=id,parent:parent_id(body)&order=id",
      "comments?select=id,comments(body)&order=id",
      "posts?select=id,comments(id)",
    ];
    const before = await Promise.all(requests.map((path) => get(path)));
    assertEquals(before[0].body, [{ id: 1, parent: null }, { id: 2, parent: { body: "a" } }]);
    const finding = await planned(functions, "comments", "ambiguous_self_reference");
    assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."comments"']);
    // What is unique leads to one row, and cannot be embedded so before either.
    assertStringIncludes(finding!.message, ": comments?select=parent_id(…). Under");

    const { id } = await renamed(functions, "comments", ["ambiguous_self_reference"]);
    await reload();
    const { status, body } = await get(requests[0]);
    assertEquals([status, (body as { code: string }).code], [300, "PGRST201"]);
    assertEquals(await get(requests[0].replace("comments", "renamed")), before[0]);
    assertEquals(await get(requests[1]), before[1]);
    assertEquals(await get(requests[2]), before[2]);

    await db.sql.unsafe(between(finding!.remedy, "create function", "; notify")).simple();
    await reload();
    for (const [index, path] of requests.entries()) {
      assertEquals(await get(path), before[index], path);
    }
    await db.sql.unsafe(between(finding!.remedy, "drop function", ". Or")).simple();
    await functions.rollback({ migration_id: id });
    await reload();
    assertEquals(await get(requests[0]), before[0]);
  },
);

servedTest(
  "computed_relationships: the overload of the remedy serves the old name, and is to be dropped before a rollback",
  async ({ db, functions, get, reload }) => {
    await db.sql.unsafe(`
      create table reviews (id int primary key, expert_id int);
      create table experts (id int primary key, name text);
      insert into experts values (1, 'Ada'); insert into reviews values (7, 1);
      create function reviews_of(experts) returns setof reviews language sql stable as
        'select * from reviews where expert_id = $1.id'`).simple();
    await reload();
    const path = "experts?select=name,reviews_of(id)";
    const before = await get(path);
    assertEquals(before.body, [{ name: "Ada", reviews_of: [{ id: 7 }] }]);
    const finding = await planned(functions, "experts", "computed_relationships");
    const { id } = await renamed(functions, "experts", ["computed_relationships"]);
    await reload();
    assertEquals((await get(path)).status, 400);
    await db.sql.unsafe(between(finding!.remedy, "create function", ". It depends")).simple();
    await reload();
    assertEquals(await get(path), before);
    await functions.refused("dependants_cannot_follow", "rollback", { migration_id: id });
    await functions.refused("dependants_cannot_follow", "finalize", {
      migration_id: id,
      acknowledge: ["old_name_in_use"],
    });
    await db.sql.unsafe(between(finding!.remedy, "drop function", ". Or")).simple();
    await functions.rollback({ migration_id: id });
    await reload();
    assertEquals(await get(path), before);
  },
);

servedTest(
  "media_type_handlers: an aggregate over the table's rows serves its media type by the new name only",
  async ({ db, functions }) => {
    await db.sql.unsafe(`
      create table experts (id int primary key, name text);
      create table others (id int primary key);
      create domain "application/vnd.experts" as bytea;
      create domain plain as bytea;
      create function add(bytea, experts) returns bytea language sql immutable as
        $$ select $1 || convert_to($2.name, 'utf8') $$;
      create function made(bytea) returns "application/vnd.experts" language sql immutable as 'select $1';
      create aggregate listed(experts) (
        sfunc = add, stype = bytea, initcond = '', finalfunc = made);
      create aggregate not_listed(experts) (sfunc = add, stype = bytea, initcond = '')`).simple();
    // This is how PostgREST finds a handler: by the name of the relation whose rows the aggregate takes.
    const handled = async (relation: string) => {
      const rows = await db.sql`
        select p.proname from pg_aggregate a
        join pg_proc p on p.oid = a.aggfnoid
        join pg_type t on t.oid = p.proargtypes[0]
        join pg_type m on m.oid = p.prorettype and m.typbasetype <> 0 and m.typname like '%/%'
        where t.typname = ${relation}`;
      return rows.map(({ proname }) => proname);
    };
    assertEquals(await handled("experts"), ["listed"]);
    assertEquals(await planned(functions, "others", "media_type_handlers"), undefined);
    const finding = await planned(functions, "experts", "media_type_handlers");
    assertEquals(finding?.severity, "breaking");
    assertStringIncludes(
      finding!.message,
      "public.listed(public.experts) (application/vnd.experts)",
    );
    await renamed(functions, "experts", ["media_type_handlers"]);
    assertEquals([await handled("experts"), await handled("renamed")], [[], ["listed"]]);
  },
);

servedTest(
  "partition_exposed: the Data API lists the view of a partition that it did not list",
  async ({ db, functions, get, reload }) => {
    await db.sql.unsafe(`
      create table events (id int, kind int, note text) partition by list (kind);
      create table events_1 partition of events for values in (1);
      create table events_2 partition of events for values in (2);
      alter table events enable row level security;
      insert into events values (1, 1, 'secret')`).simple();
    await reload();
    assertEquals((await get("events", PUBLISHABLE_KEY)).body, []);
    assertEquals((await get("events_1", PUBLISHABLE_KEY)).status, 404);
    const finding = await planned(functions, "events_1", "partition_exposed");
    assertEquals([finding?.severity, finding?.object], ["breaking", '"public"."events_1"']);
    assertStringIncludes(finding!.message, "anon (SELECT, INSERT, UPDATE, DELETE), authenticated");
    const { id } = await renamed(functions, "events_1", ["partition_exposed"]);
    await reload();
    assertEquals((await get("events_1", PUBLISHABLE_KEY)).body, [{
      id: 1,
      kind: 1,
      note: "secret",
    }]);
    await functions.rollback({ migration_id: id });

    // What the remedy says closes it, and the partitioned table works as before.
    await db.sql.unsafe(between(finding!.remedy, "alter table", ", or revoke")).simple();
    const closed = await planned(functions, "events_1", "partition_exposed");
    assertEquals(closed?.severity, "warning");
    const second = await renamed(functions, "events_1", []);
    await reload();
    assertEquals((await get("events_1", PUBLISHABLE_KEY)).body, []);
    assertEquals((await get("events")).body, [{ id: 1, kind: 1, note: "secret" }]);

    await functions.rollback({ migration_id: second.id });

    // Nobody beside service_role, which sees everything anyhow.
    await db.sql`revoke all on events_2 from anon, authenticated`;
    const kept = await planned(functions, "events_2", "partition_exposed");
    assertEquals(kept?.severity, "info");
    await db.sql`revoke all on events_2 from service_role`;
    assertEquals(await planned(functions, "events_2", "partition_exposed"), undefined);
    const { findings } = await functions.rename({
      old_name: "events",
      new_name: "renamed_events",
      mode: "plan",
    });
    assertEquals(findings.filter(({ code }) => code === "partition_exposed"), []);
  },
);
