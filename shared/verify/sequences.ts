/**
 * Sequences: their numbers are not given back by a rollback (manual, 9.17), so those that a trial used are
 * named. By currval, which knows what this session alone has used; DISCARD SEQUENCES makes it forget first.
 */

/** A sequence that a trial used, and where it stood before and after; others may have used numbers, too. */
export interface MovedSequence {
  sequence: string;
  /** Null: none was used before. */
  from: number | null;
  to: number;
}

const LAST_VALUES = `
    select c.oid, pg_catalog.format('%I.%I', n.nspname, c.relname) as name, case when pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE')
      then pg_catalog.pg_sequence_last_value(c.oid) end as last_value
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind = 'S' and c.relpersistence <> 't'`;

/** At the beginning of a block. */
export const MOVED_BEFORE = {
  declarations: `stood jsonb;
  moved jsonb := '[]';
  moving record;`,
  statements: `stood := (
    select coalesce(pg_catalog.jsonb_object_agg(s.oid, s.last_value), '{}') from (${LAST_VALUES}) s);`,
};

/** At its end: fills `moved`. */
export const MOVED_AFTER = `for moving in
    select s.oid, s.name, s.last_value, stood ->> s.oid::text as stood_at from (${LAST_VALUES}) s
    where s.last_value::text is distinct from stood ->> s.oid::text
  loop
    begin
      perform pg_catalog.currval(moving.oid::pg_catalog.regclass);
      moved := moved || pg_catalog.jsonb_build_object('sequence', moving.name,
        'from', moving.stood_at::int8, 'to', moving.last_value);
    -- 55000: not used by this session.
    exception when object_not_in_prerequisite_state or insufficient_privilege then null;
    end;
  end loop;`;
