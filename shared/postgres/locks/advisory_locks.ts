/** Advisory locks on names, so that two requests about the same name do not both continue. */
import { dollarQuoted, jsonbLiteral } from "../../sql/quoting.ts";
import type { RelationName } from "./blockers.ts";

/** With more names than this, their schemas are locked instead: each lock takes room in a shared table. */
const MAX_NAME_LOCKS = 100;

/** Seed of the keys' hash, so that they are not another application's. */
const SEED = 7_263;

/**
 * Statement that tries to take the advisory transaction locks of the names, without waiting, and raises
 * lock_not_available (55P03) where another request has one. A request with few names takes a shared lock on their
 * schemas as well, so that it conflicts with one that locks whole schemas.
 */
export function advisoryLocks(names: RelationName[]): string {
  const wholeSchemas = names.length > MAX_NAME_LOCKS;
  const schemaKeys = distinct(names.map(({ schema }) => `schema ${schema}`));
  const nameKeys = wholeSchemas
    ? []
    : distinct(names.map(({ schema, name }) => JSON.stringify([schema, name])));
  const locks = jsonbLiteral([
    ...schemaKeys.map((key) => ({ key, shared: !wholeSchemas })),
    ...nameKeys.map((key) => ({ key, shared: false })),
  ]);
  return `do ${
    dollarQuoted(
      `
declare
  wanted record;
begin
  for wanted in
    select e.key, e.shared, hashtextextended(e.key, ${SEED}) as hash
    from jsonb_to_recordset(${locks}) as e(key text, shared boolean)
  loop
    if not (case when wanted.shared
      then pg_try_advisory_xact_lock_shared(wanted.hash)
      else pg_try_advisory_xact_lock(wanted.hash) end)
    then
      raise exception using errcode = '55P03', message = 'another request is working on ' || wanted.key;
    end if;
  end loop;
end `,
      "lock",
    )
  }`;
}

const distinct = (keys: string[]) => [...new Set(keys)].sort();
