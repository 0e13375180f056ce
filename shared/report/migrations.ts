/** The answer of list-migrations: the tracked renames, and what was asked about them. */
import type {
  ListMigrationsAnswer,
  Migration,
  NotificationsReport,
  ReadyToFinalize,
  Usage,
} from "../contract/responses.ts";
import {
  type Block,
  type Document,
  documentOf,
  type Item,
  itemsOf,
  name,
  section,
  statementsBlock,
  table,
  type Text,
  toned,
} from "./document/document.ts";
import { findingsSection } from "./findings.ts";
import { counted, inUtc } from "./document/text.ts";

interface MigrationsContext {
  nextPage: (cursor: string) => string;
  verbose: boolean;
  /** The command line that finalizes what is ready. Default: none is shown. */
  finalizeReady?: string;
}

export function describeMigrations(
  { migrations, next_cursor, notifications }: ListMigrationsAnswer,
  { nextPage, verbose, finalizeReady }: MigrationsContext,
): Document {
  return documentOf([
    [
      migrations.length === 0
        ? { is: "text", text: "There are no such migrations." }
        : tableOfMigrations(migrations, verbose),
    ],
    keptSection(migrations),
    ...migrations.map(planSection),
    driftSection(migrations),
    usageSection(migrations, finalizeReady),
    // There can be notifications of failed requests without any migration.
    notifications === undefined ? [] : notificationsSection(notifications),
    [
      next_cursor === null ? null : {
        is: "step",
        text: "There are more",
        commands: [nextPage(next_cursor)],
      },
    ],
  ]);
}

function tableOfMigrations(migrations: Migration[], verbose: boolean): Block | null {
  const more = verbose ? ["Migration", "Batch", "By", "Notes"] : [];
  return table(
    ["Status", "Schema", "Old name", "New name", "Since", ...more],
    migrations.map((migration) => [
      migration.status,
      name(migration.schema_name),
      name(migration.old_name),
      name(migration.new_name),
      inUtc(since(migration)),
      ...(verbose
        ? [name(migration.id), migration.batch_id, migration.requested_by, migration.notes]
        : []),
    ]),
  );
}

/** When it came to the status it has. */
const since = ({ status, requested_at, ...migration }: Migration): string =>
  ({
    pending: requested_at,
    active: migration.migrated_at,
    rolled_back: migration.rollback_at,
    finalized: migration.finalized_at,
  })[status] ?? requested_at;

/** What was recorded of verifications and source code; nothing unless it was asked for. */
function keptSection(migrations: Migration[]): Block[] {
  const asked = migrations.filter(({ last_verified, uses_in_code }) =>
    last_verified !== undefined || uses_in_code !== undefined
  );
  return section(
    "Verified, and left in code",
    table(
      ["Old name", "Verified", "By", "In code", "Reported"],
      asked.map(({ schema_name, old_name, last_verified, uses_in_code }) => [
        name(shownName(schema_name, old_name)),
        last_verified === undefined ? null : verifiedText(last_verified),
        last_verified == null ? null : name(last_verified.by),
        uses_in_code === undefined ? null : inCodeText(uses_in_code),
        uses_in_code == null ? null : inUtc(uses_in_code.reported_at),
      ]),
    ),
  );
}

/** `2026-11-29, 1 of 5 failed`, or `never`. */
export function verifiedText(last: Migration["last_verified"]): Text {
  if (last == null) return "never";
  const day = inUtc(last.at).slice(0, 10);
  return last.passed
    ? toned(day, "good")
    : toned(`${day}, ${last.failed} of ${last.checks} failed`, "bad");
}

/** `3 certain, 1 possible`, `none`, or `not known`. */
export function inCodeText(uses: Migration["uses_in_code"]): Text {
  if (uses == null) return "not known";
  const { certain, possible } = uses;
  if (certain + possible === 0) return toned("none", "good");
  return toned(possible === 0 ? `${certain}` : `${certain} and ${possible} possible`, "warning");
}

function planSection({ plan, schema_name, old_name, new_name, status }: Migration): Block[] {
  if (plan === undefined) return [];
  return section(
    `Plan of ${shownName(schema_name, old_name)} → ${new_name}`,
    plan.acknowledged.length === 0
      ? null
      : { is: "text", text: `Acknowledged: ${plan.acknowledged.join(", ")}` },
    statementsBlock(plan.statements, status === "pending"),
  );
}

function driftSection(migrations: Migration[]): Block[] {
  const asked = migrations.flatMap(({ drift }) => drift === undefined ? [] : [drift]);
  const drift = asked.flat();
  if (asked.length > 0 && drift.length === 0) {
    return [{ is: "text", text: "No drift: the database is as recorded." }];
  }
  return findingsSection(drift, "Drift", "each");
}

type Judged = Migration & { ready_to_finalize: ReadyToFinalize };

export const isJudged = (migration: Migration): migration is Judged =>
  migration.ready_to_finalize !== undefined;

const MAX_ROLES = 3;
const MAX_NAMES = 5;

/** The verdict of each active rename, then the reasons, once for all names of which they are true. */
/** What `finalize-rename --ready` would finalize, and why not the others. */
export function describeReady(migrations: Migration[], { url }: { url?: string }): Document {
  const judged = migrations.filter(isJudged);
  const ready = judged.filter(({ ready_to_finalize: { ready } }) => ready);
  const waiting = judged.filter((one) => !ready.includes(one));
  return documentOf([
    [
      {
        is: "title",
        tone: "notice",
        label: "Ready",
        text: `${ready.length} of ${counted(judged.length, "active rename")}`,
        url,
      },
      ...(ready.length === 0 ? [] : [{ is: "text", text: DROPS } as const]),
    ],
    [
      ready.length === 0 ? null : {
        is: "names",
        oldName: "Old name will be",
        names: ready.map(({ schema_name: schema, old_name: from, new_name: to, id }) => (
          { schema, from, to, oldName: "free", unusual: false, migration: id }
        )),
      },
    ],
    [itemsOf(reasonsOf(ready))],
    section("Not ready", itemsOf(reasonsOf(waiting))),
  ]);
}

const DROPS =
  "Their compatibility views will be dropped: queries that use the old names fail then. " +
  "This cannot be undone.";

function usageSection(migrations: Migration[], finalizeReady?: string): Block[] {
  const judged = migrations.filter(isJudged);
  if (judged.length === 0) return [];
  const moment = (timestamp: string | null = null) => timestamp && inUtc(timestamp);
  const rows = judged.map(({ schema_name, old_name, usage, ready_to_finalize: verdict }) => [
    name(shownName(schema_name, old_name)),
    verdictOf(verdict),
    usage === undefined ? null : callsText(usage),
    usage === undefined ? null : callers(usage),
    moment(usage?.last_used_at),
  ]);
  const ready = judged.filter(({ ready_to_finalize: { ready } }) => ready).length;
  return section(
    "Ready to finalize",
    {
      is: "text",
      text: ready === 0
        ? "None is ready."
        : ready === judged.length
        ? "All are ready."
        : `${ready} of ${judged.length} ${ready === 1 ? "is" : "are"} ready.`,
    },
    table(["Old name", "Ready", "Calls", "By", "Last used"], rows),
    itemsOf(reasonsOf(judged)),
    ready === 0 || finalizeReady === undefined ? null : {
      is: "step",
      text: "To finalize what is ready",
      commands: [finalizeReady],
    },
  );
}

export const shownName = (schema: string, name: string): string =>
  schema === "public" ? name : `${schema}.${name}`;

function verdictOf({ ready, earliest, reasons }: ReadyToFinalize): Text {
  if (ready && reasons.some(({ code }) => code === "use_not_known")) {
    return toned("use unknown", "warning");
  }
  if (ready) return toned("yes", "good");
  return earliest === null ? "no" : `no, ${inUtc(earliest).slice(0, 10)} at the earliest`;
}

/** No call that was seen is no call only where all were seen. */
const callsText = ({ state, calls }: Usage): Text =>
  state === "unknown" && !calls ? toned("unknown", "warning") : String(calls ?? "?");

function callers({ roles }: Usage): string {
  const named = roles.slice(0, MAX_ROLES).map(({ role, calls }) => `${role} (${calls})`);
  const more = roles.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

/** What stands in the way or, of a rename that is ready, the evidence. */
export function reasonsOf(judged: Judged[]): Item[] {
  const told = judged.map(({ schema_name, old_name, usage, ready_to_finalize }) => {
    const [example] = ready_to_finalize.ready ? [] : usage?.examples ?? [];
    const body = [
      ...ready_to_finalize.reasons.map(({ message }) => message),
      ...(example === undefined ? [] : [`For example: ${example.statement}`]),
    ];
    const unknown = ready_to_finalize.reasons.some(({ code }) => code === "use_not_known");
    const { ready } = ready_to_finalize;
    const mark = !ready
      ? toned("not ready", "warning")
      : unknown
      ? toned("use unknown", "warning")
      : toned("ready", "good");
    return { old: shownName(schema_name, old_name), mark, body };
  });
  const groups = Map.groupBy(told, ({ mark, body }) => JSON.stringify([mark, body]));
  return [...groups.values()].map((group): Item => {
    const [{ mark, body }] = group;
    const more = group.length - MAX_NAMES;
    const names = group.slice(0, MAX_NAMES).map(({ old }) => old).join(", ");
    return {
      mark,
      text: name(more > 0 ? `${names} and ${counted(more, "more", "more")}` : names),
      body,
    };
  });
}

function notificationsSection(report: NotificationsReport): Block[] {
  const { receivers, undelivered, settings_errors } = report;
  return section(
    "Notifications",
    ...settings_errors.map((text): Block => ({ is: "text", text: toned(text, "bad") })),
    receivers.length === 0
      ? { is: "text", text: "No notifications were sent in the last 30 days." }
      : null,
    table(
      ["Receiver", "Delivered", "Pending", "Given up", "Last error"],
      receivers.map(({ host, configured, delivered, pending, given_up, last_error }) => [
        configured ? name(host) : [name(host), " (no longer configured)"],
        ...[delivered, pending, given_up].map(String),
        last_error,
      ]),
    ),
    table(
      ["Not delivered", "Since", "Receiver", "Attempts", "State", "ID"],
      undelivered.map(({ type, created_at, host, attempts, state, id }) => [
        name(type),
        inUtc(created_at),
        name(host),
        String(attempts),
        state.replace("_", " "),
        name(id),
      ]),
    ),
  );
}
