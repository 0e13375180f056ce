/**
 * What occurs at all among the relations of a request. Most tables have none of it, and the server would plan the
 * queries for it in vain, which takes much longer than to look here.
 */
import { jsonObject } from "./texts/expressions.ts";

export interface Occurring {
  partitions: boolean;
  triggers: boolean;
  /** Tables that inherit, or are partitions. */
  heirs: boolean;
  /** Whatever depends on a row type, but for the types that the server makes with it. */
  row_type_users: boolean;
  /** Views that read one of the relations or its rows. */
  readers: boolean;
  /** Foreign keys of a table to itself. */
  self_references: boolean;
  /** Tables with more than one foreign key. */
  several_keys: boolean;
  foreign_tables: boolean;
  subscriptions: boolean;
  /** Whatever is built on a view. */
  built_on_views: boolean;
}

/** Where nothing was looked at, everything may be there. */
export const ANYTHING: Occurring = {
  partitions: true,
  triggers: true,
  heirs: true,
  row_type_users: true,
  readers: true,
  self_references: true,
  several_keys: true,
  foreign_tables: true,
  subscriptions: true,
  built_on_views: true,
};

/** Whether what `seen` says occurs was left out by whoever expected `expected`. */
export const isMissed = (expected: Occurring, seen: Occurring): boolean =>
  (Object.keys(seen) as (keyof Occurring)[]).some((one) => seen[one] && !expected[one]);

const inAny = (condition: string) => `coalesce(bool_or(${condition}), false)`;

/** What depends on the row type of `t`, or on the type of arrays of it. */
const onRowType = `
        from pg_type own
        cross join lateral (values (own.oid), (own.typarray)) ty(oid)
        join pg_depend d on d.refclassid = 'pg_type'::regclass and d.refobjid = ty.oid
        where own.oid = t.reltype and ty.oid <> 0`;

const builtOnView = `
      t.relkind = 'v' and (
        exists (
          select from pg_depend d
          left join pg_rewrite rw on d.classid = 'pg_rewrite'::regclass and rw.oid = d.objid
          left join pg_attrdef ad on d.classid = 'pg_attrdef'::regclass and ad.oid = d.objid
          where d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
            and rw.ev_class is distinct from t.oid and ad.adrelid is distinct from t.oid
            and not (d.classid = 'pg_type'::regclass and d.deptype = 'i'))
        or exists (select ${onRowType} and not (d.classid = 'pg_type'::regclass and d.deptype = 'i')))`;

const OCCURRING: Record<keyof Occurring, string> = {
  partitions: inAny("t.relispartition"),
  triggers: inAny("t.relhastriggers"),
  heirs: inAny("exists (select from pg_inherits i where i.inhrelid = t.oid)"),
  row_type_users: inAny(
    `exists (select ${onRowType} and not (d.classid = 'pg_type'::regclass and d.deptype = 'i'))`,
  ),
  readers: inAny(`exists (
        select from pg_depend d
        where d.classid = 'pg_rewrite'::regclass and (
          (d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid)
          or (d.refclassid = 'pg_type'::regclass and d.refobjid = t.reltype)))`),
  self_references: inAny(`exists (
        select from pg_constraint c where c.conrelid = t.oid and c.confrelid = t.oid and c.contype = 'f')`),
  several_keys: inAny(`exists (
        select from pg_constraint c where c.conrelid = t.oid and c.contype = 'f' offset 1)`),
  foreign_tables: "exists (select from pg_foreign_table)",
  subscriptions: "exists (select from pg_subscription_rel)",
  built_on_views: inAny(builtOnView),
};

/** JSON object of what occurs among the relations \`described\`. */
export const occurring = `(
    select ${jsonObject(OCCURRING)}
    from described x join pg_class t on t.oid = x.oid)`;
