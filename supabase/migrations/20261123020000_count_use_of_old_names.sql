-- Where compatibility views count their use, if that was asked for: each has an empty table here, whose scans
-- the server counts. Whoever uses such a view reads the table with it. Harmless to apply twice.

-- Names are looked up among the server's own alone, whatever others have made in the schemas of the search path.
select pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);

create schema if not exists table_rename_ticks;

comment on schema table_rename_ticks is
  'Empty tables by which compatibility views of renamed tables count their use';

grant usage on schema table_rename_ticks to public;
