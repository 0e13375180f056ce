/** Runs the probes of the corpus, all of one role in one message, and takes back what they did. */
import { ADA, GRACE, type Probe, PROBES } from "../../corpus/probes.ts";
import type { TestDatabase } from "../servers/database.ts";

/** What each probe answered: its value as text, or the SQLSTATE and message that it failed with. */
export type Outcomes = Record<string, string>;

/** Makes the function that runs them; whoever calls it runs them as themselves. */
export async function prepareProbes(db: TestDatabase): Promise<void> {
  await db.admin.unsafe(`
    create schema probe;
    grant usage on schema probe to public;
    create function probe.outcome(statement text) returns text language plpgsql as $$
    declare
      value text;
    begin
      begin
        execute statement into value;
        set constraints all immediate;
        raise exception using errcode = 'ZZ000', message = coalesce('ok ' || value, 'ok null');
      exception when others then
        return case sqlstate when 'ZZ000' then sqlerrm else sqlstate || ' ' || sqlerrm end;
      end;
    end $$`).simple();
}

/** Runs all probes, mostly in sessions that have run them before, as poolers have them. */
export async function runProbes(db: TestDatabase): Promise<Outcomes> {
  const outcomes: Outcomes = {};
  const groups = Map.groupBy(PROBES, ({ role, user }) => JSON.stringify([role, user]));
  for (const probes of groups.values()) {
    const [{ role, user }] = probes;
    const statements = probes.map(({ sql }) => sql);
    const rows = await db.as(role, (tx) =>
      tx`select probe.outcome(s) as outcome
        from unnest(${statements}::text[]) with ordinality as u (s, n) order by n`, {
      claims: user === undefined ? {} : { sub: user },
    });
    probes.forEach((probe: Probe, index) => outcomes[probe.name] = rows[index].outcome);
  }
  return outcomes;
}

export interface Reader {
  role: string;
  /** The user of the request, for roles of the Data API. */
  user?: string;
}

/** Everybody who reads the corpus. */
const READERS: Reader[] = [
  { role: "anon" },
  { role: "authenticated", user: ADA },
  { role: "authenticated", user: GRACE },
  { role: "service_role" },
  { role: "postgres" },
];

/**
 * What each reader sees through each name (already quoted): the number of rows and a digest of them, or the
 * SQLSTATE that it may not.
 */
export async function rowsByRole(
  db: TestDatabase,
  names: string[],
  readers = READERS,
): Promise<Record<string, string[]>> {
  const statements = names.map((name) =>
    `select count(*) || ' ' || coalesce(md5(string_agg(x::text, '|' order by x::text)), '')
      from ${name} x`
  );
  const seen: Record<string, string[]> = Object.fromEntries(names.map((name) => [name, []]));
  for (const { role, user } of readers) {
    const rows = await db.as(role, (tx) =>
      tx`select probe.outcome(s) as outcome
        from unnest(${statements}::text[]) with ordinality u (s, n) order by n`, {
      claims: user === undefined ? {} : { sub: user },
    });
    names.forEach((name, n) =>
      // The message of a refusal names the table by the name that it has.
      seen[name].push(`${role} ${rows[n].outcome.replace(/^([0-9A-Z]{5}) .*/s, "$1")}`)
    );
  }
  return seen;
}
