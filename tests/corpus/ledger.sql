-- An old-style schema, grown for twenty years before it came here: quoted and odd names, serials,
-- inheritance, rules, domains, exclusion and deferred constraints, functions that do what only a table
-- can do. Made by the role postgres.

create schema "Old Ledger";
grant usage on schema "Old Ledger" to authenticated, service_role;
set search_path = "Old Ledger";

create domain "Amount" as numeric(14, 2) default 0 constraint "Amount_range" check (value > -1000000);
create domain email_address as text check (position('@' in value) > 1);
create type "Order State" as enum ('new', 'paid', 'sent');
create type address as (street text, city text);

create table party (
  party_no serial primary key,
  name varchar(60) not null,
  mail email_address,
  home address default row('', '')::address,
  changed timestamp default localtimestamp
);
create table customer (
  credit "Amount" not null,
  customer_since date default current_date,
  primary key (party_no),
  check (credit >= 0)
) inherits (party);
create table supplier (
  vat_id char(12),
  primary key (party_no)
) inherits (party);
comment on column party.mail is 'may be ''unknown@example.com''';

create table "Orders" (
  "OrderID" serial,
  "CustomerNo" integer not null,
  "State" "Order State" default 'new',
  "Last Item" integer,
  "Total" "Amount",
  constraint "PK_Orders" primary key ("OrderID"),
  constraint "FK Customer" foreign key ("CustomerNo") references customer (party_no)
    deferrable initially immediate
);
create table "Order Details" (
  "OrderID" integer not null constraint "FK Order" references "Orders" on delete cascade,
  item integer not null,
  article text not null,
  price "Amount" not null,
  quantity integer default 1 not null,
  primary key ("OrderID", item)
);
-- Each needs the other; the order's own item is checked at the end of the transaction.
alter table "Orders" add constraint "FK Last Item" foreign key ("OrderID", "Last Item")
  references "Order Details" ("OrderID", item) deferrable initially deferred;

create table "select" (
  "from" integer primary key,
  "a""b" text default '";',
  "ümlaut" boolean default true
);
create table "Accounts; --" (
  number integer constraint "PK; Accounts" primary key,
  "Balance" "Amount" not null default 0,
  version integer not null default 1
);
create table reservation (
  room int4range not null,
  during daterange not null,
  note text,
  constraint no_double_booking exclude using gist (room with &&, during with &&)
    deferrable initially immediate
);
create table journal (
  entry bigserial primary key,
  what text not null,
  at timestamp default localtimestamp
);
-- Keeps whole rows of another table.
create table returned_items (
  id serial primary key,
  item "Order Details",
  items "Order Details"[]
);
create unique index returned_items_item on returned_items (((item).article), ((item).item));

create table closed_accounts (
  account "Accounts; --",
  closed date default current_date
);

-- Rules, from before there were INSTEAD OF triggers ---------------------------------------------------

create rule orders_log as on update to "Orders" where new."State" is distinct from old."State"
  do also insert into journal (what) values (old."OrderID" || ' is ' || new."State");
create rule accounts_keep as on delete to "Accounts; --" where old."Balance" <> 0 do instead nothing;
comment on rule accounts_keep on "Accounts; --" is 'no money is deleted';

create view open_orders as
  select "OrderID", "CustomerNo", "State", "Total" from "Orders" where "State" <> 'sent';
create rule open_orders_insert as on insert to open_orders
  do instead insert into "Orders" ("CustomerNo", "Total") values (new."CustomerNo", new."Total");
create view "Order Sums" ("Order", "Sum") as
  select d."OrderID", sum(d.price * d.quantity) from "Order Details" d group by d."OrderID"
  having sum(d.quantity) > 0;
create view late_payers with (security_barrier) as
  select c.name, s."Sum" from "Orders" o join "Order Sums" s on s."Order" = o."OrderID"
  join customer c on c.party_no = o."CustomerNo" where o."State" = 'new';

-- What only a table can do -----------------------------------------------------------------------------

create function next_party_no() returns bigint language sql
as $$ select nextval(pg_get_serial_sequence('"Old Ledger".party', 'party_no')) $$;

create function set_balance(account integer, balance numeric) returns void language sql
as $$
  insert into "Old Ledger"."Accounts; --" (number, "Balance") values (account, balance)
  on conflict on constraint "PK; Accounts" do update set "Balance" = excluded."Balance"
$$;

create function book(account integer, amount numeric, seen xid) returns boolean language plpgsql
as $$
begin
  -- A row that somebody else has changed has another xmin.
  update "Old Ledger"."Accounts; --" set "Balance" = "Balance" + amount
  where number = account and (seen is null or xmin = seen);
  return found;
end $$;

create function book_optimistically(account integer, amount numeric) returns integer language plpgsql
as $$
declare
  now_at integer;
begin
  update "Old Ledger"."Accounts; --" set "Balance" = "Balance" + amount, version = version + 1
  where number = account returning version into now_at;
  return now_at;
end $$;

create function raise_credit() returns integer language plpgsql set search_path = "Old Ledger", pg_temp
as $$
declare
  open_one cursor for select * from customer where credit < 100 for update;
  found_one customer%rowtype;
  n integer := 0;
begin
  open open_one;
  loop
    fetch open_one into found_one;
    exit when not found;
    update customer set credit = credit + 1 where current of open_one;
    n := n + 1;
  end loop;
  return n;
end $$;

create function parties_only() returns bigint language sql stable
as $$ select count(*) from only "Old Ledger".party $$;

create function load_journal(lines text[]) returns bigint language plpgsql set search_path = "Old Ledger", pg_temp
as $$
declare
  line text;
begin
  alter table journal disable trigger user;
  foreach line in array lines loop
    insert into journal (what) values (line);
  end loop;
  alter table journal enable trigger user;
  return array_length(lines, 1);
end $$;

create function order_report() returns table (order_id integer, state text, items bigint)
language plpgsql stable set search_path = "Old Ledger", pg_temp
as $$
begin
  return query
    select o."OrderID", o."State"::text, count(d.item)
    from "Orders" o left join "Order Details" d on d."OrderID" = o."OrderID"
    group by o."OrderID" order by 1;
end $$;

create function reserve(room int4range, during daterange) returns text language plpgsql
as $$
begin
  lock table "Old Ledger".reservation in share row exclusive mode;
  insert into "Old Ledger".reservation values (room, during);
  return 'reserved';
exception when exclusion_violation then
  return 'taken';
end $$;

create function display_name(party) returns text language sql immutable
as $$ select upper($1.name) $$;
create function line_total(d "Order Details") returns numeric language sql immutable
as $$ select d.price * d.quantity $$;
create function first_order() returns "Orders" language plpgsql stable set search_path = "Old Ledger", pg_temp
as $$
declare
  found_one "Orders";
begin
  select * into found_one from "Orders" order by "OrderID" limit 1;
  return found_one;
end $$;

-- Only a comment speaks of the table here: -- "select", public.journal, /* customer */
create function innocent() returns text language sql immutable
as $$ select 'journal entries of a customer'::text /* from "Orders" */ $$;

revoke all on all tables in schema "Old Ledger" from public;
grant select on party, customer, "Orders", "Order Details", open_orders to authenticated;
grant insert, update ("State") on "Orders" to authenticated;
grant all on all tables in schema "Old Ledger" to service_role;
grant usage on all sequences in schema "Old Ledger" to service_role, authenticated;

insert into customer (name, credit) values ('Ann', 50), ('Bob', 500);
insert into supplier (name, vat_id) values ('Steel & Sons', 'XX123456789');
insert into party (name) values ('nobody in particular');
begin;
insert into "Orders" ("CustomerNo", "Last Item", "Total") values (1, 1, 30), (2, null, 5);
insert into "Order Details" values (1, 1, 'bolt', 3, 10), (2, 1, 'nut', 5, 1);
commit;
insert into "select" values (1, 'x', false);
insert into "Accounts; --" (number, "Balance") values (1, 10), (2, 0);
insert into reservation values ('[1,2)', '[2026-01-01,2026-01-05)', 'first');
insert into returned_items (item, items)
  select d, array[d] from "Order Details" d where d.article = 'bolt';
reset search_path;
