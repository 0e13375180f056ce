/** The table of requests: idempotency keys and their answers. Nothing else uses it. */
import type { LockFigures, OperationAnswer } from "../contract/responses.ts";
import { jsonbLiteral, literal } from "../sql/quoting.ts";
import type { Event } from "./events.ts";

/** A request with an idempotency key. */
interface KeyedRequest {
  key: string;
  bodyHash: string;
  /** For a webhook when it was sent, in seconds since 1970; else null. */
  webhookSentAt: number | null;
  /** How long it is kept, in days. */
  days: number;
}

/** A request to be recorded. */
interface MadeRequest extends KeyedRequest {
  request_id: string;
  operation: Event["operation"];
  actor: string;
}

/** The part of an answer that is known before the change is made. */
export type PlannedAnswer = Pick<
  OperationAnswer,
  "batch_id" | "mode" | "plan_hash" | "statements" | "findings"
>;

/** What is recorded under a key. */
export interface RecordedRequest {
  request_id: string;
  operation: Event["operation"];
  body_hash: string;
  webhook_sent_at: number | null;
  /** The whole answer; null if only the change is recorded, or that the request was refused. */
  answer: OperationAnswer | null;
  /** What was recorded in the transaction of the change; null if the request was refused. */
  made: {
    planned: PlannedAnswer;
    migration_ids: string[];
    lock: LockFigures | null;
    /** How long ago, in milliseconds. */
    age_ms: number;
  } | null;
}

/** Most rows that one request prunes. */
const PRUNED_AT_ONCE = 100;

/** Seed of the keys' hash, so that they are not another application's. */
const SEED = 7_264;

/** Tries to take the advisory lock of the key until the end of the transaction. */
const tryKey = (key: string) =>
  `pg_try_advisory_xact_lock(hashtextextended(${literal(key)}, ${SEED}))`;

const oldest = (days: number) => `now() - ${literal(`${days} days`)}::interval`;

/** Statement that tries to reserve the key for this transaction, without waiting. */
export const tryRequest = ({ key }: KeyedRequest): string => `select ${tryKey(key)} as alone`;

/** Reads the answer of `tryRequest`. */
export const isAlone = ([row]: Record<string, unknown>[]): boolean => Boolean(row.alone);

/** Under the table's full name: the error about a missing column has it then, and is recognized (`isTrackingError`). */
const column = (name: string) => `sys_table_migration_requests.${name}`;

/** Query for what is recorded under the key; rows past their time count as pruned. */
export function recordedRequest({ key, days }: KeyedRequest): string {
  return `
select ${column("request_id")}, ${column("operation")}, ${column("body_hash")},
  extract(epoch from ${column("webhook_sent_at")})::float8 as webhook_sent_at,
  ${column("finished_at")} is not null as finished, ${column("response_body")},
  to_jsonb(e.migration_ids) as migration_ids,
  case when e.id is not null then jsonb_build_object(
    'attempts', e.lock_attempts, 'waited_ms', e.lock_waited_ms, 'held_ms', e.lock_held_ms)
  end as lock,
  (extract(epoch from clock_timestamp() - coalesce(e.occurred_at, ${column("created_at")}))
    * 1000)::float8 as age_ms
from table_rename.sys_table_migration_requests
left join table_rename.sys_table_migration_events e
  on e.request_id = ${column("request_id")} and e.outcome = 'succeeded'
where ${column("idempotency_key")} = ${literal(key)} and ${column("created_at")} > ${oldest(days)}`;
}

/** Reads the answer of `recordedRequest`; null if the key is new. */
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
 * Statements that record a request in the transaction of its change, which has reserved the key: the row exists if and
 * only if the change was made. They replace a row that is past its time, or whose request was refused.
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

/** Statement that records the whole answer, so that a second attempt gets the same. */
export function keepAnswer(key: string, requestId: string, answer: OperationAnswer): string {
  return `
update table_rename.sys_table_migration_requests r
set finished_at = clock_timestamp(), response_status = 200,
  response_body = ${jsonbLiteral(answer)}
where r.idempotency_key = ${literal(key)} and r.request_id = ${literal(requestId)}::uuid`;
}

/**
 * Statement that records that a webhook was refused. Its sender may try again, with a later time; the same message,
 * intercepted by somebody else, must not succeed. If another attempt has reserved the id, that one decides.
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

/** Statement that deletes some rows that are past their time, without waiting for others who do so. */
export function pruneRequests(days: number): string {
  return `
delete from table_rename.sys_table_migration_requests r
where r.idempotency_key in (
  select o.idempotency_key from table_rename.sys_table_migration_requests o
  where o.created_at <= ${oldest(days)}
  order by o.created_at limit ${PRUNED_AT_ONCE} for update skip locked)`;
}

function columns({ key, operation, actor, bodyHash, request_id, webhookSentAt }: MadeRequest) {
  const sentAt = webhookSentAt === null ? "null" : `to_timestamp(${webhookSentAt})`;
  return [
    ...[key, operation, actor, bodyHash].map(literal),
    `${literal(request_id)}::uuid`,
    `${sentAt}::timestamptz`,
    "clock_timestamp()",
  ].join(", ");
}
