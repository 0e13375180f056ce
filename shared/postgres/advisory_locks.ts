/** Advisory locks on names, so that two requests that mean the same name do not both go on. */
import { dollarQuoted, jsonbLiteral } from "../sql/quoting.ts";
import type { RelationName } from "./blockers.ts";

/** Beyond this many names their schemas are locked instead: every lock takes room in a shared table. */
const MAX_NAME_LOCKS = 100;

/** Seed of the keys' hash, so that they are no other application's. */
const SEED = 7_263;

/**
 * Statement that tries the advisory transaction locks of the names, waits for none, and raises
 * lock_not_available (55P03) where another request has one. A small request shares its schemas' locks, so
 * that it keeps out of the way of a large one too.
 */
export function advisoryLocks(names: RelationName[]): string {
  const large = names.length > MAX_NAME_LOCKS;
  const schemas = distinct(names.map(({ schema }) => `schema ${schema}`));
  const single = large
    ? []
    : distinct(names.map(({ schema, name }) => JSON.stringify([schema, name])));
  const locks = [
    ...schemas.map((key) => ({ key, shared: !large })),
    ...single.map((key) => ({ key, shared: false })),
  ];
  return `do ${
    dollarQuoted(
      `
declare
  one record;
begin
  for one in select * from pg_catalog.jsonb_to_recordset(${
        jsonbLiteral(locks)
      }) as e(key text, shared boolean)
  loop
    if not (case when one.shared
      then pg_catalog.pg_try_advisory_xact_lock_shared(pg_catalog.hashtextextended(one.key, ${SEED}))
      else pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(one.key, ${SEED})) end)
    then
      raise exception using errcode = '55P03', message = 'another request is at work on ' || one.key;
    end if;
  end loop;
end `,
      "lock",
    )
  }`;
}

const distinct = (keys: string[]) => [...new Set(keys)].sort();
