/**
 * The use of old names: from what the server and the record say, whether each is still used, and what has to
 * be kept for the next look. Never "quiet" where something can have been missed.
 */
import { Problem } from "../contract/problems.ts";
import type { Usage } from "../contract/responses.ts";
import type { TextFacts } from "./facts.ts";
import { qualified } from "./quoting.ts";
import type { NamedEntry } from "./usage/counting.ts";
import type {
  StatementStatistics,
  UsageFacts,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "./usage/facts.ts";
import { type Look, lookAt } from "./usage/look.ts";
import { namedInStatement, namedInText, wantedNames } from "./usage/naming.ts";
import { statementKind } from "./usage/statement_kinds.ts";

/** What one look at several migrations is made from. */
export interface UsageReading {
  facts: UsageFacts;
  statistics: StatementStatistics;
  /** Routines and cron jobs that may name one of the old names. */
  texts: TextFacts[];
  records: UsageRecord[];
}

/**
 * Looks at the use of each migration's old name. Migrations without a compatibility view have none: their old
 * names lead nowhere.
 */
export function usageOf(
  migrations: UsedMigration[],
  { facts, statistics, texts, records }: UsageReading,
): Map<string, Look> {
  const viewed = migrations.filter((one) => one.compatibility_view_created);
  const wanted = wantedNames(viewed, facts);
  const perMigration = new Map(viewed.map((migration) => [migration, emptyFindings()]));
  for (const entry of facts.statements?.entries ?? []) {
    const kind = statementKind(entry.text, facts.server_version);
    if (kind === "no use") continue;
    for (const [migration, naming] of namedInStatement(entry.text, wanted)) {
      perMigration.get(migration)!.named.push({ entry, kind, naming });
    }
  }
  for (const text of texts) {
    if (text.kind === "statement") continue;
    for (const [migration, naming] of namedInText(text, wanted)) {
      const found = perMigration.get(migration)!;
      (naming === "certain" ? found.texts : found.unclearTexts).push(textReason(text, naming));
    }
  }
  const byView = new Map(viewed.map((migration) => [migration.view_oid, migration]));
  for (const { relation, role, sessions } of facts.sessions) {
    perMigration.get(byView.get(relation)!)?.sessions.push({
      code: "running_now",
      message: `${sessions === 1 ? "A session" : `${sessions} sessions`}${
        role === null ? "" : ` of the role ${role}`
      } had a lock on the view at this moment, as a statement that names it takes it.`,
    });
  }
  const byId = new Map(records.map((record) => [record.migration_id, record]));
  return new Map(
    viewed.map((migration) => [
      migration.id,
      lookAt(migration, byId.get(migration.id) ?? null, {
        at: facts.at,
        serverVersion: facts.server_version,
        statistics,
        statements: facts.statements,
        ...perMigration.get(migration)!,
      }),
    ]),
  );
}

interface Found {
  named: NamedEntry[];
  texts: UsageReason[];
  unclearTexts: UsageReason[];
  sessions: UsageReason[];
}

const emptyFindings = (): Found => ({ named: [], texts: [], unclearTexts: [], sessions: [] });

function textReason(text: TextFacts, naming: "certain" | "unclear"): UsageReason {
  const what = text.kind === "routine" ? "routine" : "cron job";
  const place = text.kind === "routine" ? "text" : "command";
  return naming === "certain"
    ? {
      code: text.kind === "routine" ? "named_in_routine" : "named_in_cron_job",
      message: `The ${what} ${text.identity} names it in its ${place}.`,
    }
    : {
      code: "possibly_named",
      message: `The ${what} ${text.identity} may name it in its ${place}.`,
    };
}

/** What somebody who ends a rename asks for. */
export interface QuietWanted {
  acknowledge: string[];
  /** Days for which no use must have been seen, or undefined. */
  quiet_for_days?: number | undefined;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/**
 * Refuses to end renames whose old names are in use, or have not been quiet for as long as asked. Where
 * usage is unknown, that alone refuses nothing unless quiet days were asked for.
 *
 * @param looks One a migration; those without a view have none.
 * @throws {Problem} `old_name_in_use`, with `usage` of each such migration, unless that is acknowledged.
 */
export function requireUnused(
  migrations: UsedMigration[],
  looks: Map<string, Look>,
  at: string,
  wanted: QuietWanted,
): void {
  if (wanted.acknowledge.includes("old_name_in_use")) return;
  const days = wanted.quiet_for_days;
  const refused = migrations.flatMap((migration) => {
    const usage = looks.get(migration.id)?.usage;
    if (usage === undefined) return [];
    const why = refusal(usage, at, days);
    return why === null ? [] : [{
      migration_id: migration.id,
      object: qualified(migration.schema_name, migration.old_name),
      why,
      usage,
    }];
  });
  if (refused.length === 0) return;
  const [first] = refused;
  throw new Problem(
    "old_name_in_use",
    `${first.object} ${first.why}` +
      (refused.length > 1 ? ` (and ${refused.length - 1} more old names).` : "."),
    {
      hint:
        "See `usage` for who uses it; move that to the new name, and look again with list-migrations " +
        '?include=usage. To go on all the same, send "acknowledge": ["old_name_in_use"].',
      fields: { usage: refused },
    },
  );
}

function refusal(usage: Usage, at: string, days: number | undefined): string | null {
  if (usage.state === "used") {
    return `is in use: ${usage.reasons[0].message.replace(/\.$/, "")}`;
  }
  if (days === undefined) return null;
  const asked = `has not been quiet for ${days} ${days === 1 ? "day" : "days"}`;
  if (usage.quiet_since === null) {
    const reason = usage.reasons[0]?.message.replace(/\.$/, "");
    return `${asked} as far as can be known: ${reason}`;
  }
  if (Date.parse(at) - Date.parse(usage.quiet_since) >= days * DAY_MS) return null;
  return `${asked}, only since ${usage.quiet_since}`;
}
