/** The table of requests: idempotency keys and the answers to them. Nothing else touches it. */
import type { LockFigures, OperationAnswer } from "../contract/responses.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import type { Event } from "./events.ts";

/** A request by its key. */
export interface KeyedRequest {
  key: string;
  bodyHash: string;
  /** For a webhook when it was sent, in seconds since 1970; else null. */
  webhookSentAt: number | null;
  /** How long the table keeps it, in days. */
  days: number;
}

/** A request that is to be recorded, and who made it. */
export interface MadeRequest extends KeyedRequest {
  request_id: string;
  operation: Event["operation"];
  actor: string;
}

/** The part of an answer that is known before the change is made. */
export type PlannedAnswer = Pick<
  OperationAnswer,
  "batch_id" | "mode" | "plan_hash" | "statements" | "findings"
>;

/** What the table has for a key. */
export interface RecordedRequest {
  request_id: string;
  operation: Event["operation"];
  body_hash: string;
  webhook_sent_at: number | null;
  /** The whole answer; null where only the change is recorded, or nothing but that the request was refused. */
  answer: OperationAnswer | null;
  /** What the change left in the transaction that made it; null where it was refused. */
  made: {
    planned: PlannedAnswer;
    migration_ids: string[];
    lock: LockFigures | null;
    /** How long ago, in milliseconds. */
    age_ms: number;
  } | null;
}

/** Most rows that one request prunes in passing. */
const PRUNED_AT_ONCE = 100;

/** Seed of the keys' hash, so that they are no other application's. */
const SEED = 7_264;

/** Whether this transaction alone is at work on the key: until its end, if so. */
const tryKey = (key: string) =>
  `pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(${literal(key)}, ${SEED}))`;

const oldest = (days: number) => `pg_catalog.now() - ${literal(`${days} days`)}::interval`;

/** Statement that tries to have the key to this transaction alone, and waits for nobody. */
export const tryRequest = ({ key }: KeyedRequest): string => `select ${tryKey(key)} as alone`;

/** Reads the answer of `tryRequest`. */
export const isAlone = ([row]: Record<string, unknown>[]): boolean => Boolean(row.alone);

/** Query for what is recorded under the key; what is past its time counts as pruned. */
export function recordedRequest({ key, days }: KeyedRequest): string {
  return `
select sys_table_migration_requests.request_id, sys_table_migration_requests.operation,
  sys_table_migration_requests.body_hash,
  extract(epoch from sys_table_migration_requests.webhook_sent_at)::float8 as webhook_sent_at,
  sys_table_migration_requests.finished_at is not null as finished,
  sys_table_migration_requests.response_body,
  pg_catalog.to_jsonb(e.migration_ids) as migration_ids,
  case when e.id is not null then pg_catalog.jsonb_build_object('attempts', e.lock_attempts,
    'waited_ms', e.lock_waited_ms, 'held_ms', e.lock_held_ms) end as lock,
  (extract(epoch from pg_catalog.clock_timestamp()
    - coalesce(e.occurred_at, sys_table_migration_requests.created_at)) * 1000)::float8 as age_ms
from table_rename.sys_table_migration_requests
left join table_rename.sys_table_migration_events e
  on e.request_id = sys_table_migration_requests.request_id and e.outcome = 'succeeded'
where sys_table_migration_requests.idempotency_key = ${literal(key)}
  and sys_table_migration_requests.created_at > ${oldest(days)}`;
}

/** Reads the answer of `recordedRequest`; null where the key is new. */
export function requestFromRows([row]: Record<string, unknown>[]): RecordedRequest | null {
  if (row === undefined) return null;
  const { finished, response_body, lock, age_ms, migration_ids } = row;
  return {
    request_id: String(row.request_id),
    operation: row.operation as Event["operation"],
    body_hash: String(row.body_hash),
    webhook_sent_at: row.webhook_sent_at === null ? null : Number(row.webhook_sent_at),
    answer: finished ? response_body as OperationAnswer : null,
    made: response_body === null ? null : {
      planned: response_body as PlannedAnswer,
      migration_ids: (migration_ids ?? []) as string[],
      lock: lock as LockFigures | null,
      age_ms: Number(age_ms),
    },
  };
}

/**
 * Statements that record a request in the transaction of its change, for whoever has the key alone: the row
 * is there if and only if the change is. They take the place of what is past its time, or was refused.
 */
export function recordRequest(made: MadeRequest, planned: PlannedAnswer): string {
  return `
delete from table_rename.sys_table_migration_requests r
where r.idempotency_key = ${literal(made.key)}
  and (r.response_body is null or r.created_at <= ${oldest(made.days)});
insert into table_rename.sys_table_migration_requests (
  idempotency_key, operation, actor, body_hash, request_id, webhook_sent_at, created_at, response_body)
select ${columns(made)}, ${jsonbLiteral(planned)}`;
}

/** Statement that keeps the whole answer, so that a second attempt gets the same. */
export function keepAnswer(key: string, requestId: string, answer: OperationAnswer): string {
  return `
update table_rename.sys_table_migration_requests r
set finished_at = pg_catalog.clock_timestamp(), response_status = 200,
  response_body = ${jsonbLiteral(answer)}
where r.idempotency_key = ${literal(key)} and r.request_id = ${literal(requestId)}::uuid`;
}

/**
 * Statement that notes a webhook that was refused. Its sender may try again, with a later time; the same
 * message, come upon by somebody else, may not. Where another attempt is at work on the id, that one decides.
 */
export function noteRefused(made: MadeRequest): string {
  return `
insert into table_rename.sys_table_migration_requests as r (
  idempotency_key, operation, actor, body_hash, request_id, webhook_sent_at, created_at)
select ${columns(made)}
where ${tryKey(made.key)}
on conflict (idempotency_key) do update
set operation = excluded.operation, actor = excluded.actor, body_hash = excluded.body_hash,
  request_id = excluded.request_id, webhook_sent_at = excluded.webhook_sent_at,
  created_at = excluded.created_at, finished_at = null, response_status = null, response_body = null
where r.response_body is null or r.created_at <= ${oldest(made.days)}`;
}

/** Statement that deletes some of what is past its time, and waits for nobody who does the same. */
export function pruneRequests(days: number): string {
  return `
delete from table_rename.sys_table_migration_requests r
where r.idempotency_key in (
  select o.idempotency_key from table_rename.sys_table_migration_requests o
  where o.created_at <= ${oldest(days)}
  order by o.created_at limit ${PRUNED_AT_ONCE} for update skip locked)`;
}

function columns(made: MadeRequest): string {
  const sentAt = made.webhookSentAt === null
    ? "null"
    : `pg_catalog.to_timestamp(${made.webhookSentAt})`;
  return `${literal(made.key)}, ${literal(made.operation)}, ${literal(made.actor)}, ${
    literal(made.bodyHash)
  }, ${literal(made.request_id)}::uuid, ${sentAt}::timestamptz, pg_catalog.clock_timestamp()`;
}
