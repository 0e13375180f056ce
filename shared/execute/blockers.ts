/** Who holds locks on the tables of a request. */
import type { Blocker } from "../contract/responses.ts";
import { jsonbLiteral } from "../plan/quoting.ts";
import type { Session } from "./database.ts";

export interface RelationName {
  schema: string;
  name: string;
}

/** Characters of a blocker's query that are shown. */
const QUERY_LENGTH = 200;

/**
 * Sessions that hold a lock on one of the relations, oldest transaction first, at most twenty; empty where
 * they cannot be read. Queries of others are visible to members of pg_read_all_stats only.
 */
export async function lockHolders(
  session: Session,
  relations: RelationName[],
  ownPid: number,
): Promise<Blocker[]> {
  try {
    const rows = await session.run(`
      select a.pid, a.usename as role, a.application_name, a.state,
        pg_catalog.to_json(a.xact_start) as since,
        pg_catalog.left(a.query, ${QUERY_LENGTH}) as query
      from pg_catalog.pg_stat_activity a
      where a.pid <> ${ownPid} and a.pid <> pg_catalog.pg_backend_pid() and a.pid in (
        select l.pid
        from pg_catalog.jsonb_to_recordset(${jsonbLiteral(relations)}) r(schema text, name text)
        join pg_catalog.pg_namespace n on n.nspname = r.schema::name
        join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = r.name::name
        join pg_catalog.pg_locks l on l.locktype = 'relation' and l.relation = c.oid and l.granted)
      order by a.xact_start
      limit 20`);
    return rows as unknown as Blocker[];
  } catch {
    return [];
  }
}
