/**
 * The use of old names: from what the server and the record say, whether each is still used, and what to keep for
 * the next sample. Never "quiet" if something may have been missed.
 */
import type { TextFacts } from "../facts/facts.ts";
import type {
  StatementStatistics,
  UsageFacts,
  UsageReason,
  UsageRecord,
  UsedMigration,
} from "../facts/usage_facts.ts";
import { namedInStatement, namedInText, type NameMatch, wantedNames } from "./name_matches.ts";
import { statementKind } from "./statement_kinds.ts";
import { type SampleInput, takeSample, type UsageSample } from "./usage_sample.ts";

/** What the samples of several migrations are made from. */
interface UsageReading {
  facts: UsageFacts;
  statistics: StatementStatistics;
  /** Routines and cron jobs that may name one of the old names. */
  texts: TextFacts[];
  records: UsageRecord[];
}

type Found = Pick<SampleInput, "named" | "texts" | "unclearTexts" | "sessions">;

/**
 * A sample of the use of each migration's old name. Migrations without a compatibility view are left out: their
 * old names lead nowhere.
 */
export function usageOf(
  migrations: UsedMigration[],
  { facts, statistics, texts, records }: UsageReading,
): Map<string, UsageSample> {
  const viewed = migrations.filter((one) => one.compatibility_view_created);
  const wanted = wantedNames(viewed, facts);
  const perMigration = new Map(viewed.map((migration): [UsedMigration, Found] => [
    migration,
    { named: [], texts: [], unclearTexts: [], sessions: [] },
  ]));
  for (const entry of facts.statements?.entries ?? []) {
    const kind = statementKind(entry.text, facts.server_version);
    if (kind === "no use") continue;
    for (const [migration, match] of namedInStatement(entry, wanted)) {
      perMigration.get(migration)!.named.push({ entry, kind, match });
    }
  }
  for (const text of texts) {
    if (text.kind === "statement") continue;
    for (const [migration, match] of namedInText(text, wanted)) {
      const found = perMigration.get(migration)!;
      (match === "certain" ? found.texts : found.unclearTexts).push(textReason(text, match));
    }
  }
  const byView = new Map(viewed.map((migration) => [migration.view_oid, migration]));
  for (const { relation, role, sessions } of facts.sessions) {
    const who = sessions === 1 ? "A session" : `${sessions} sessions`;
    const whose = role === null ? "" : ` of the role ${role}`;
    perMigration.get(byView.get(relation)!)?.sessions.push({
      code: "running_now",
      message: `${who}${whose} had a lock on the view just now, as statements take that name it.`,
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
      takeSample(migration, byId.get(migration.id) ?? null, {
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

function textReason({ kind, identity }: TextFacts, match: NameMatch): UsageReason {
  const isRoutine = kind === "routine";
  const subject = `The ${isRoutine ? "routine" : "cron job"} ${identity}`;
  const place = isRoutine ? "text" : "command";
  return match === "certain"
    ? {
      code: isRoutine ? "named_in_routine" : "named_in_cron_job",
      message: `${subject} names it in its ${place}.`,
    }
    : { code: "possibly_named", message: `${subject} may name it in its ${place}.` };
}
