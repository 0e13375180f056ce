-- Where compatibility views count their use, if that was asked for: each has an empty table here, whose scans
-- the server counts. Whoever uses such a view reads the table with it. Harmless to apply twice.

create schema if not exists table_rename_ticks;

comment on schema table_rename_ticks is
  'Empty tables by which compatibility views of renamed tables count their use';

grant usage on schema table_rename_ticks to public;
