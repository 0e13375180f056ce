/** Which events are wanted, as it stands in the page's address. */
import type { ListEventsInput } from "../../../contract/requests.ts";
import type { EventRecord, Migration } from "../../../contract/responses.ts";
import { OPERATIONS, OUTCOMES } from "./words.ts";

export interface EventFilter {
  operation: EventRecord["operation"] | null;
  outcome: EventRecord["outcome"] | null;
  /** As it is recorded. */
  actor: string;
  /** Text in a name of a table. The endpoint cannot look for it: it is looked for in what is loaded. */
  table: string;
  /** A day, such as 2026-11-29, in the reader's time zone. */
  since: string;
  migration_id: string;
  batch_id: string;
  request_id: string;
}

export const NO_FILTER: EventFilter = {
  operation: null,
  outcome: null,
  actor: "",
  table: "",
  since: "",
  migration_id: "",
  batch_id: "",
  request_id: "",
};

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;
const DAY = /^\d{4}-\d\d-\d\d$/;

/** Reads an address. What is no possible value is left out: somebody can have typed it. */
export function filterFrom(address: URLSearchParams): EventFilter {
  const get = (name: string) => address.get(name) ?? "";
  const one = <Value extends string>(name: string, values: readonly Value[]): Value | null =>
    values.find((value) => value === get(name)) ?? null;
  const id = (name: string) => UUID.test(get(name)) ? get(name) : "";
  return {
    operation: one("operation", OPERATIONS),
    outcome: one("outcome", OUTCOMES),
    actor: get("actor"),
    table: get("table"),
    since: DAY.test(get("since")) && !Number.isNaN(Date.parse(get("since"))) ? get("since") : "",
    migration_id: id("migration_id"),
    batch_id: id("batch_id"),
    request_id: id("request_id"),
  };
}

export const addressOf = (filter: EventFilter): URLSearchParams =>
  new URLSearchParams(Object.entries(filter).filter(([, value]) => value));

/** What the endpoint is asked for. */
export function queryOf(filter: EventFilter): Omit<ListEventsInput, "limit" | "cursor"> {
  const { operation, outcome, actor, since, migration_id, batch_id, request_id } = filter;
  return {
    ...(operation && { operation }),
    ...(outcome && { outcome }),
    ...(actor && { actor }),
    ...(since && { since: new Date(`${since}T00:00`).toISOString() }),
    ...(migration_id && { migration_id }),
    ...(batch_id && { batch_id }),
    ...(request_id && { request_id }),
  };
}

/**
 * Whether an event is about a table whose name has the text.
 *
 * @param migrations By id: an event of many renames does not name all of them.
 */
export function isAbout(
  { renames, migration_ids, details }: EventRecord,
  text: string,
  migrations: ReadonlyMap<string, Migration>,
): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return true;
  const has = (...names: unknown[]) =>
    names.some((name) => typeof name === "string" && name.toLowerCase().includes(wanted));
  return has(details.table) ||
    renames.some(({ schema, old_name, new_name }) => has(`${schema}.${old_name}`, new_name)) ||
    migration_ids.some((id) => {
      const migration = migrations.get(id);
      return has(
        migration && `${migration.schema_name}.${migration.old_name}`,
        migration?.new_name,
      );
    });
}
