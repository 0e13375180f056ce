/** Findings about texts (routines, cron jobs, recorded statements) that name a table which is to be renamed. */
import type { FindingCode } from "../contract/findings.ts";
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts, TextFacts } from "../facts/facts.ts";
import { PREPARED_PREFIX } from "../plan/plan.ts";
import { MARKS_OF_OWN } from "../sql/own_statements.ts";
import { qualified } from "../sql/quoting.ts";
import type { NamedRelation } from "../sql/parser/table_index.ts";
import {
  isOneTimeStatement,
  isRepeatable,
  readReferences,
  type SourceReferences,
  strongest,
  type TableIndex,
  tableIndex,
  type TableReference,
  withLookupsByParameter,
} from "../sql/references/table_references.ts";
import { RULES, type TextRule } from "./text_rules.ts";
import { listed } from "./wording.ts";

export interface TextFindingOptions {
  /** What the tables will be called, by OID. Default: not decided. */
  newNames?: Map<number, string>;
  /** Whether compatibility views take the old names. Default: true. */
  hasView?: boolean;
}

export interface ReadText extends SourceReferences {
  text: TextFacts;
}

/** The texts, and what it takes to understand the names in them. */
export type TextsOf = Pick<Facts, "texts" | "dynamic_sql_routines" | "same_named_relations">;

/** Reads each text once for what it does with these tables. The server's own texts and ours are left out. */
export function readTexts(
  { texts, dynamic_sql_routines, same_named_relations }: TextsOf,
  tables: NamedRelation[],
  newNames?: Map<number, string>,
): ReadText[] {
  const index = tableIndex(tables, newNames, dynamic_sql_routines, same_named_relations);
  return texts.filter(isUsers).map((text) => ({ text, ...readIn(text, index) }));
}

export const textObject = ({ kind, identity }: Pick<TextFacts, "kind" | "identity">) =>
  kind === "routine" ? identity : `${kind} ${identity}`;

/** Whether a user wrote it: the server's own texts and ours may go on naming what they name. */
function isUsers({ kind, schema, text, calls }: TextFacts): boolean {
  if (kind === "routine") return schema === null || !isProtectedSchema(schema);
  if (kind !== "statement") return true;
  // What has run more than once will run again, whatever it defines.
  if ((calls ?? 0) <= 1 && isOneTimeStatement(text)) return false;
  // The server builds its foreign key checks anew after a rename (ri_triggers.c).
  const isForeignKeyCheck = /\bonly\b/i.test(text) && /operator\(pg_catalog\./i.test(text);
  return !isForeignKeyCheck && !text.includes(PREPARED_PREFIX) &&
    !MARKS_OF_OWN.some((mark) => text.includes(mark));
}

/** The server has parsed every recorded statement; one that we cannot parse was cut off. */
function readIn(text: TextFacts, index: TableIndex): SourceReferences {
  const { references, rows } = readReferences(text, index);
  if (text.kind !== "statement") return { references, rows };
  const readable = references.filter(({ code }) => code !== "unparsed_text");
  return { references: withLookupsByParameter(text.text, readable), rows };
}

/**
 * Findings about texts that use these tables: one for each text and code, or several where the tables are used
 * in different ways. What fails through a view is breaking; what works differently, or only may fail, is a
 * warning.
 */
export function textFindings(
  texts: ReadText[],
  tables: NamedRelation[],
  serverVersion: number,
  { newNames = new Map(), hasView = true }: TextFindingOptions = {},
): Finding[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  return texts.flatMap(({ text, references }) => {
    const coded = references.flatMap((use) =>
      codesOf(text, use, serverVersion, hasView).map((code) => ({ code, use }))
    );
    return [...Map.groupBy(coded, ({ code }) => code)].flatMap(([code, group]) => {
      const rule = RULES[code];
      return rule === undefined ? [] : usedAlike(rule, group.map(({ use }) => use))
        .map((alike) => findingOf(text, code, rule, alike, byOid, newNames));
    });
  });
}

/** PostgreSQL 17 and later can MERGE into a view (release notes). */
const MERGE_INTO_VIEWS = 170_000;

function codesOf(
  { kind }: TextFacts,
  { code }: TableReference,
  serverVersion: number,
  hasView: boolean,
): FindingCode[] {
  if (!hasView && code !== "tg_table_name") {
    // Recorded statements are left to those who send them.
    return kind === "statement" ? [] : ["old_name_gone"];
  }
  const codes: FindingCode[] = kind === "cron job" && hasView ? ["cron_mentions"] : [];
  const works = code === null || (code === "merge" && serverVersion >= MERGE_INTO_VIEWS);
  return works ? codes : [code, ...codes];
}

/** The uses in groups, such that one message and one remedy are right for all of a group. */
function usedAlike(rule: TextRule, uses: TableReference[]): TableReference[][] {
  if (rule.each) {
    return [...Map.groupBy(uses, ({ table, detail }) => `${table.oid} ${detail}`).values()];
  }
  const byTable = [...Map.groupBy(uses, ({ table }) => table.oid).values()];
  const likeness = (group: TableReference[]) => {
    const details = [...new Set(group.map(({ detail }) => detail))].sort();
    const alone = details.some((detail) => rule.apart?.(detail));
    return alone ? String(group[0].table.oid) : JSON.stringify(details);
  };
  return [...Map.groupBy(byTable, likeness).values()].map((groups) => groups.flat());
}

function findingOf(
  text: TextFacts,
  code: FindingCode,
  rule: TextRule,
  uses: TableReference[],
  tables: Map<number, NamedRelation>,
  newNames: Map<number, string>,
): Finding {
  const shown = rule.worst?.(uses) ?? strongest(uses);
  const concerned = [...new Set(uses.map(({ table }) => table.oid))];
  const use = {
    text,
    tables: listed(concerned.map((oid) => qualifiedName(tables.get(oid)!)), MAX_TABLES),
    first: tables.get(shown.table.oid)!,
    newName: concerned.length > 1 ? null : newNames.get(shown.table.oid) ?? null,
    detail: shown.detail ?? "",
  };
  const perhaps = shown.certainty === "possible" && !SAY_THEMSELVES.has(code) ? " perhaps" : "";
  return {
    code,
    severity: severityOf(code, rule, text, shown),
    object: textObject(text),
    message: `${nounFor(text)}${perhaps} ${rule.does(use)}: ${shown.excerpt}`,
    remedy: rule.remedy(use),
  };
}

/** Codes whose messages say themselves that it is not certain. */
const SAY_THEMSELVES = new Set<FindingCode>(["unparsed_text", "name_as_argument"]);

const qualifiedName = ({ schema, name }: NamedRelation) => qualified(schema, name);

const MAX_TABLES = 5;

function severityOf(code: FindingCode, rule: TextRule, text: TextFacts, use: TableReference) {
  const severity = typeof rule.severity === "function"
    ? rule.severity(text.kind, use.detail)
    : rule.severity;
  if (severity !== "breaking") return severity;
  // A recorded definition that has to be undone before it can run again is no regular use.
  const ranOnce = code === "ddl_on_old_name" && text.kind === "statement" &&
    !isRepeatable(text.text);
  return ranOnce || use.certainty === "possible" ? "warning" : severity;
}

function nounFor({ kind, calls, role }: TextFacts): string {
  if (kind === "routine") return "The routine";
  if (kind === "cron job") return "The cron job";
  return `The statement, run ${calls === 1 ? "once" : `${calls ?? 0} times`} as ${role ?? "?"},`;
}
