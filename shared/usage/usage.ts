/**
 * The use of old names: from what the server and the record say, whether each is still used, and what has to
 * be kept for the next look. Never "quiet" where something can have been missed.
 */
import type { TextFacts } from "../facts/facts.ts";
import type { NamedEntry } from "./counting.ts";
import type {
  StatementStatistics,
  UsageFacts,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "../facts/usage_facts.ts";
import { type Look, lookAt } from "./usage_sample.ts";
import { namedInStatement, namedInText, wantedNames } from "./name_matches.ts";
import { statementKind } from "./statement_kinds.ts";

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
    for (const [migration, naming] of namedInStatement(entry, wanted)) {
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
  const scans = new Map(facts.reads.map(({ relation, scans }) => [relation, scans]));
  const readsOf = ({ view_oid }: UsedMigration) => {
    const found = view_oid === null ? undefined : scans.get(view_oid);
    return found === undefined ? null : { scans: found, reset: facts.scans_reset };
  };
  const byId = new Map(records.map((record) => [record.migration_id, record]));
  return new Map(
    viewed.map((migration) => [
      migration.id,
      lookAt(migration, byId.get(migration.id) ?? null, {
        at: facts.at,
        serverVersion: facts.server_version,
        statistics,
        statements: facts.statements,
        reads: readsOf(migration),
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
