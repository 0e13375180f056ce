/**
 * pg_cron's table in a database whose server does not have pg_cron: what CREATE EXTENSION pg_cron leaves in the
 * catalogs, as far as it is read. Without the membership the table is just somebody's table of that name.
 */

/** Statements, for a superuser, that make the table `cron.job`, which is there, a member of an extension pg_cron. */
export const MEMBER_OF_PG_CRON = `
  insert into pg_catalog.pg_extension (oid, extname, extowner, extnamespace, extrelocatable, extversion)
  select pg_catalog.pg_nextoid('pg_catalog.pg_extension', 'oid', 'pg_catalog.pg_extension_oid_index'),
    'pg_cron', r.oid, 'pg_catalog'::pg_catalog.regnamespace, false, '1.6'
  from pg_catalog.pg_roles r where r.rolname = current_user;
  alter extension pg_cron add table cron.job;`;
