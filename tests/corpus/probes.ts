/**
 * Probes: what the applications of the corpus do in their databases, one statement or message each, so that a
 * test can see what a rename does to them. Each ends in a statement that answers something, and nothing of it is
 * kept. What a client sends by itself is not among them: these are functions, triggers, rules, views and
 * policies, which is what the database can know about.
 */
export interface Probe {
  /** What is tried, for messages; unique. */
  name: string;
  role: string;
  /** The user of the request, for roles of the Data API. */
  user?: string;
  /** One or several statements; the first column of the last one's first row is what is compared. */
  sql: string;
}

/** An owner of Acme, and a persona there. */
export const ADA = "bbbbbbbb-0000-4000-8000-000000000001";
export const GRACE = "bbbbbbbb-0000-4000-8000-000000000002";
const ACME = "aaaaaaaa-0000-4000-8000-000000000001";

const asUser = (user: string) => (name: string, sql: string): Probe => ({
  name,
  role: "authenticated",
  user,
  sql,
});
const as = (role: string) => (name: string, sql: string): Probe => ({ name, role, sql });
const [ada, grace] = [asUser(ADA), asUser(GRACE)];
const [postgres, anon, serviceRole] = [as("postgres"), as("anon"), as("service_role")];

const MULTI_TENANT: Probe[] = [
  ada("a policy's helper in SQL", `select public.is_member('${ACME}', 'owner')`),
  ada("a policy's helper in PL/pgSQL", "select public.org_of_document(1)"),
  anon("rows that a policy shows to anon", "select string_agg(title, ',') from public.documents"),
  ada(
    "rows of a policy over two tables",
    "select string_agg(email, ',' order by email) from public.profiles",
  ),
  ada("a policy that reads another's policy", "select count(*) from public.comments"),
  ada(
    "a policy of the storage that reads ours",
    "select string_agg(name, ',') from storage.objects",
  ),
  grace(
    "a write that a policy refuses",
    "insert into public.projects (org_id, name) " +
      `values ('${ACME}', 'not mine') returning name`,
  ),
  ada(
    "a function that returns rows",
    "select string_agg(title, ',') from public.search_documents('engine')",
  ),
  ada("a function with a parsed body", `select public.documents_of('${ACME}')`),
  ada(
    "a function with a variable of a row type",
    "select (public.create_organization('New', 'new')).slug",
  ),
  ada(
    "an upsert that names a constraint",
    `select public.set_role('${ACME}', '${GRACE}', 'editor'); ` +
      `select role from public.memberships where user_id = '${GRACE}'`,
  ),
  ada(
    "an upsert that names columns",
    "select public.accept_invitation('cccccccc-0000-4000-8000-000000000001')",
  ),
  ada("a loop over rows", "select public.archive_project(1)"),
  postgres("a truncation", "select public.clear_flags()"),
  postgres(
    "a procedure with a parsed body",
    "call public.drop_expired_invitations(); select count(*) from public.invitations",
  ),
  ada(
    "a computed field",
    "select string_agg(p.initials, ',' order by p.id) from public.profiles p",
  ),
  ada(
    "a computed field that reads another table",
    "select d.comment_count from public.documents d where d.id = 1",
  ),
  ada(
    "a computed relationship",
    "select a.full_name from public.documents d, lateral public.author(d) a where d.id = 1",
  ),
  ada(
    "a computed relationship of the same name",
    "select a.full_name from public.comments c, lateral public.author(c) a where c.id = 2",
  ),
  serviceRole(
    "the name that an audit trigger writes down",
    "insert into public.documents (project_id, title) values (1, 'probe'); " +
      "select table_name from public.audit_log where table_name <> 'summary' order by id desc limit 1",
  ),
  serviceRole(
    "the name that the audit of comments writes down",
    "insert into public.comments (document_id, body) values (1, 'probe'); " +
      "select table_name from public.audit_log order by id desc limit 1",
  ),
  serviceRole(
    "a trigger that decides by the name documents",
    "insert into public.documents (project_id, title) values (1, 'probe'); " +
      "select summary from public.audit_log where table_name = 'summary' order by id desc limit 1",
  ),
  serviceRole(
    "a trigger that decides by the name projects",
    `insert into public.projects (org_id, name) values ('${ACME}', 'probe'); ` +
      "select count(*) from public.audit_log where summary = 'a project: probe'",
  ),
  serviceRole(
    "a trigger with a transition table",
    "insert into public.documents (project_id, title) values (1, 'a'), (1, 'b'); " +
      `select total from public.document_counts where org_id = '${ACME}'`,
  ),
  serviceRole(
    "a trigger that changes the row",
    "update public.projects set updated_at = 'epoch' where id = 1; " +
      "select updated_at > 'epoch' from public.projects where id = 1",
  ),
  postgres(
    "what a webhook sends",
    "insert into public.comments (document_id, body) values (1, 'probe'); " +
      "select payload ->> 'table' from supabase_functions.hooks order by id desc limit 1",
  ),
  postgres(
    "a trigger on auth.users",
    "insert into auth.users (id, email) values ('dddddddd-0000-4000-8000-000000000001', 'd@example.com'); " +
      "select email from public.profiles where id = 'dddddddd-0000-4000-8000-000000000001'",
  ),
  ada("columns that are granted one by one", "select string_agg(name, ',') from public.api_keys"),
  anon(
    "a table without row-level security",
    "select count(*) from public.feature_flags where enabled",
  ),
  ada("a view on a view", "select string_agg(name || documents, ',') from public.org_overview"),
  postgres(
    "a materialized view, refreshed",
    "refresh materialized view public.org_usage; select sum(members) from public.org_usage",
  ),
];

const TELEMETRY: Probe[] = [
  postgres("a partition made by a function", "select telemetry.make_partition('2026-08-01')"),
  serviceRole(
    "rows moved by a function that names tables by its search path",
    `insert into telemetry.raw_ingest (document)
       values ('{"device": "A-1", "at": "2026-01-20", "value": 1}'); select telemetry.ingest()`,
  ),
  postgres(
    "a truncation by a procedure",
    "call telemetry.reset_ingest(); select count(*) from telemetry.raw_ingest",
  ),
  postgres(
    "a scheduled command that deletes",
    "delete from public.audit_log where at < now() - interval '90 days'; select 1",
  ),
  postgres("a scheduled command that truncates", "truncate telemetry.raw_ingest; select 1"),
  serviceRole(
    "an upsert in an SQL function",
    "select telemetry.seen('A-1', '2026-03-01'); " +
      "select seen_at::date from telemetry.devices where serial_number = 'A-1'",
  ),
  postgres("a sample taken by dynamic SQL", "select telemetry.sample(100)"),
  anon(
    "a computed field of devices",
    "select string_agg(telemetry.summary(d), ',') from telemetry.devices d",
  ),
  postgres("a parsed body that returns a row", "select (telemetry.last_event(1000)).value"),
  postgres(
    "a trigger of a partitioned table",
    "insert into telemetry.events (at, device_id, value) values ('2026-01-05', 1000, 500); " +
      "select count(*) from telemetry.alerts where severity = 5",
  ),
  postgres(
    "a deferred trigger",
    "update telemetry.events set value = 1 where at = '2026-02-10' returning value",
  ),
  postgres(
    "a row that moves to another partition",
    "delete from telemetry.events where at = '2026-07-01' returning value",
  ),
  anon("rows of a partitioned table with policies", "select count(*) from telemetry.events"),
  postgres("a partition by its name", "select count(*) from telemetry.events_2026_02_even"),
  postgres(
    "a materialized view over a view",
    "refresh materialized view telemetry.daily; refresh materialized view telemetry.weekly; " +
      "select sum(events) from telemetry.weekly",
  ),
  postgres("a recursive view", "select max(n) from telemetry.device_numbers"),
];

const LEDGER: Probe[] = [
  postgres("a sequence looked up by its table", `select "Old Ledger".next_party_no() is not null`),
  postgres(
    "an upsert that names a quoted constraint",
    `select "Old Ledger".set_balance(1, 7);
     select "Balance" from "Old Ledger"."Accounts; --" where number = 1`,
  ),
  postgres("an update by xmin", `select "Old Ledger".book(1, 5, null)`),
  postgres("an update by a version column", `select "Old Ledger".book_optimistically(1, 5)`),
  postgres("a positioned update", `select "Old Ledger".raise_credit()`),
  postgres("a table without its children", `select "Old Ledger".parties_only()`),
  postgres("triggers disabled in between", `select "Old Ledger".load_journal('{a,b}')`),
  postgres(
    "a grouping by the primary key",
    `select string_agg(items::text, ',') from "Old Ledger".order_report()`,
  ),
  postgres(
    "a table locked by a function",
    `select "Old Ledger".reserve('[1,2)', '[2026-01-02,2026-01-03)')`,
  ),
  postgres("a free reservation", `select "Old Ledger".reserve('[5,6)', '[2026-01-02,2026-01-03)')`),
  postgres(
    "a parent's computed field for customers",
    `select string_agg("Old Ledger".display_name(c), ',' order by party_no) from "Old Ledger".customer c`,
  ),
  postgres(
    "a parent's computed field for suppliers",
    `select string_agg("Old Ledger".display_name(s), ',') from "Old Ledger".supplier s`,
  ),
  postgres(
    "a computed field of a parent",
    `select string_agg("Old Ledger".display_name(p), ',' order by party_no) from "Old Ledger".party p`,
  ),
  postgres(
    "a computed field by functional notation",
    `select sum("Old Ledger".line_total(d)) from "Old Ledger"."Order Details" d`,
  ),
  postgres("a function that returns a row", `select ("Old Ledger".first_order())."OrderID"`),
  postgres("a function that only seems to name a table", `select "Old Ledger".innocent()`),
  serviceRole(
    "a rule that logs",
    `update "Old Ledger"."Orders" set "State" = 'paid' where "OrderID" = 1;
     select what from "Old Ledger".journal order by entry desc limit 1`,
  ),
  serviceRole(
    "a rule that refuses",
    `delete from "Old Ledger"."Accounts; --"; select count(*) from "Old Ledger"."Accounts; --"`,
  ),
  serviceRole(
    "a rule of a view",
    `insert into "Old Ledger".open_orders ("CustomerNo", "Total") values (2, 7);
     select count(*) from "Old Ledger"."Orders" where "Total" = 7`,
  ),
  postgres(
    "views over each other",
    `select string_agg(name || "Sum", ',' order by name) from "Old Ledger".late_payers`,
  ),
  postgres(
    "a deferred foreign key",
    `update "Old Ledger"."Orders" set "Last Item" = 99 where "OrderID" = 1 returning "OrderID"`,
  ),
  postgres(
    "a whole row kept in another table",
    `insert into "Old Ledger".returned_items (item) select d from "Old Ledger"."Order Details" d
       where article = 'nut' returning (item).price`,
  ),
  postgres(
    "a whole row kept without a function that takes one",
    `insert into "Old Ledger".closed_accounts (account) select a from "Old Ledger"."Accounts; --" a
       where number = 2 returning (account).number`,
  ),
  postgres("a parent with its children", `select count(*) from "Old Ledger".party`),
];

const PACKAGES: Probe[] = [
  postgres("graphile-worker adds a job", "select (graphile_worker.add_job('greet')).attempts"),
  postgres(
    "graphile-worker adds a job once",
    "select (graphile_worker.add_job('greet', job_key => 'only one')).revision",
  ),
  postgres(
    "graphile-worker adds a job, unsafely",
    "select (graphile_worker.add_job('greet', queue_name => 'q', job_key => 'only one', " +
      "job_key_mode => 'unsafe_dedupe')).revision",
  ),
  postgres("graphile-worker removes a job", "select (graphile_worker.remove_job('only one')).key"),
  postgres(
    "graphile-worker completes jobs",
    "select count(*) from graphile_worker.complete_jobs('{1,2}')",
  ),
  postgres(
    "graphile-worker fails jobs",
    "select string_agg(last_error, ',') from graphile_worker.permanently_fail_jobs('{1}', 'no')",
  ),
  postgres(
    "graphile-worker reschedules jobs",
    "select count(*) from graphile_worker.reschedule_jobs('{1,2}', priority => 3)",
  ),
  postgres("graphile-worker unlocks workers", "select graphile_worker.force_unlock_workers('{x}')"),
  postgres(
    "pg-boss creates a queue",
    `select pgboss.create_queue('probe', '{"policy": "standard"}'); select count(*) from pgboss.queue`,
  ),
  postgres(
    "pg-boss deletes a queue",
    "delete from pgboss.job; select pgboss.delete_queue('invoices'); select count(*) from pgboss.queue",
  ),
  postgres(
    "stripe-sync-engine writes a row",
    "insert into stripe.customers (id, email) values ('cus_1', 'a@example.com') " +
      "on conflict (id) do update set email = excluded.email; select count(*) from stripe.customers",
  ),
];

/** All probes of the corpus. */
export const PROBES: Probe[] = [...MULTI_TENANT, ...TELEMETRY, ...LEDGER, ...PACKAGES];
