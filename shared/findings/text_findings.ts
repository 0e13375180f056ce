/** Findings about texts that name a table which is to be renamed, and the evidence that a name is still used. */
import type { FindingCode } from "../contract/findings.ts";
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding } from "../contract/responses.ts";
import type { Facts, RelationFacts, TextFacts } from "../facts/facts.ts";
import { MARKS_OF_OWN } from "../sql/own_statements.ts";
import { PREPARED_PREFIX } from "../plan/plan.ts";
import { qualified } from "../sql/quoting.ts";
import { type CodeRule, RULES, type Subject } from "./text_rules.ts";
import type { NamedRelation } from "../sql/parser/table_index.ts";
import {
  type Certainty,
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

export interface TextFindingOptions {
  /** What the tables will be called, by OID. Default: not decided. */
  newNames?: Map<number, string>;
  /** Whether compatibility views take the old names. Default: true. */
  hasView?: boolean;
}

/** A text with what is found in it. */
export interface ReadText extends SourceReferences {
  text: TextFacts;
}

/** The texts, and what is known beside them of the names in them. */
export type TextsOf = Pick<Facts, "texts" | "dynamic_sql_routines" | "same_named_relations">;

/** Reads the texts, each once, for what they do with these tables; those of the server and ours are left out. */
export function readTexts(
  { texts, dynamic_sql_routines, same_named_relations }: TextsOf,
  tables: NamedRelation[],
  newNames?: Map<number, string>,
): ReadText[] {
  const index = tableIndex(tables, newNames, dynamic_sql_routines, same_named_relations);
  return texts.filter(isUsers).map((text) => ({ text, ...readIn(text, index) }));
}

/**
 * What the caller should know of texts before these tables are renamed: one finding for each text and code, or
 * several where the tables are used in different ways.
 * What a view cannot serve is breaking, what it serves otherwise is a warning; so is what only may be the case.
 */
export function textFindings(
  texts: ReadText[],
  tables: NamedRelation[],
  serverVersion: number,
  { newNames, hasView = true }: TextFindingOptions = {},
): Finding[] {
  const byOid = new Map(tables.map((table) => [table.oid, table]));
  return texts.flatMap(({ text, references: uses }) => {
    const groups = hasView ? codesOf(text, uses, serverVersion) : codesWithoutView(text, uses);
    return [...groups].flatMap(([code, group]) =>
      usedAlike(code, group).flatMap((alike) =>
        findingOf(text, code, alike, byOid, newNames ?? new Map())
      )
    );
  });
}

/** What findings about a text call it. */
export const textObject = ({ kind, identity }: TextFacts) =>
  kind === "routine" ? identity : `${kind} ${identity}`;

/** A text that names a table. */
export interface NamedInText {
  kind: TextFacts["kind"];
  identity: string;
  /** The table, with its schema and quoted. */
  table: string;
  /** `possible`: the text may mean something else. */
  certainty: Certainty;
  excerpt: string;
}

/**
 * Which texts name the tables at all, once for each text and table. Recorded statements that define something
 * and have run once are left out: they are done with.
 */
export function namedIn(
  { texts, dynamic_sql_routines, same_named_relations }: TextsOf,
  tables: Pick<RelationFacts, "schema" | "name">[],
): NamedInText[] {
  // Numbers that are no table's OIDs, so that no text is a trigger function of theirs.
  const index = tableIndex(
    tables.map(({ schema, name }, n) => ({ oid: -1 - n, schema, name, ...NOTHING_ELSE })),
    undefined,
    dynamic_sql_routines,
    same_named_relations,
  );
  return texts.filter(isUsers).flatMap((text) => {
    const byTable = Map.groupBy(readIn(text, index).references, ({ table }) => table.oid);
    return [...byTable.values()].map((uses) => {
      const { table, certainty, excerpt } = strongest(uses);
      return {
        kind: text.kind,
        identity: text.identity,
        table: qualified(table.schema, table.name),
        certainty,
        excerpt,
      };
    });
  });
}

const NOTHING_ELSE = { kind: "v" as const, columns: [], constraints: [], children: [] };

/** What the server or this tool runs itself names what it names by right. */
function isUsers({ kind, schema, text, calls }: TextFacts): boolean {
  if (kind === "routine") return schema === null || !isProtectedSchema(schema);
  if (kind !== "statement") return true;
  // What has run more than once will run again, whatever it defines.
  if ((calls ?? 0) <= 1 && isOneTimeStatement(text)) return false;
  // Foreign keys are checked by queries that the server writes anew after a rename (ri_triggers.c).
  const isForeignKeyCheck = /\bonly\b/i.test(text) && /operator\(pg_catalog\./i.test(text);
  return !isForeignKeyCheck && !text.includes(PREPARED_PREFIX) &&
    !MARKS_OF_OWN.some((mark) => text.includes(mark));
}

/** A recorded statement has been read by the server; where it cannot be read here, it is because it was cut. */
function readIn(text: TextFacts, index: TableIndex): SourceReferences {
  const { references: uses, rows } = readReferences(text, index);
  if (text.kind !== "statement") return { references: uses, rows };
  const readable = uses.filter(({ code }) => code !== "unparsed_text");
  return { references: withLookupsByParameter(text.text, readable), rows };
}

function codesOf(
  text: TextFacts,
  uses: TableReference[],
  serverVersion: number,
): Map<FindingCode, TableReference[]> {
  const found = new Map<FindingCode, TableReference[]>();
  const add = (code: FindingCode, use: TableReference) => {
    const others = found.get(code);
    if (others) others.push(use);
    else found.set(code, [use]);
  };
  for (const use of uses) {
    if (use.code !== null && !(use.code === "merge" && serverVersion >= MERGE_INTO_VIEWS)) {
      add(use.code, use);
    }
    if (text.kind === "cron job") add("cron_mentions", use);
  }
  return found;
}

/** Servers from 17 on can MERGE into a view (release notes). */
const MERGE_INTO_VIEWS = 170_000;

/** Without a view nothing has the old name; what names it in recorded statements is for its senders to know. */
function codesWithoutView(
  text: TextFacts,
  uses: TableReference[],
): Map<FindingCode, TableReference[]> {
  const asked = uses.filter(({ code }) => code === "tg_table_name");
  const others = text.kind === "statement"
    ? []
    : uses.filter(({ code }) => code !== "tg_table_name");
  return new Map([["tg_table_name", asked], ["old_name_gone", others]]);
}

/**
 * The uses in groups that one message and one remedy are right for: tables of which different columns are meant,
 * or constraints, must not be mixed up.
 */
function usedAlike(code: FindingCode, uses: TableReference[]): TableReference[][] {
  const rule: CodeRule | undefined = RULES[code];
  if (rule?.each) {
    return [...Map.groupBy(uses, ({ table, detail }) => `${table.oid} ${detail}`).values()];
  }
  const byTable = [...Map.groupBy(uses, ({ table }) => table.oid).values()];
  const likeness = (group: TableReference[]) => {
    const details = [...new Set(group.map(({ detail }) => detail))].sort();
    const alone = details.some((detail) => rule?.apart?.(detail));
    return alone ? String(group[0].table.oid) : JSON.stringify(details);
  };
  return [...Map.groupBy(byTable, likeness).values()].map((groups) => groups.flat());
}

function findingOf(
  text: TextFacts,
  code: FindingCode,
  uses: TableReference[],
  tables: Map<number, NamedRelation>,
  newNames: Map<number, string>,
): Finding[] {
  const rule: CodeRule | undefined = RULES[code];
  if (uses.length === 0 || rule === undefined) return [];
  const shown = rule.worst?.(uses) ?? strongest(uses);
  const severity = severityOf(code, rule, text, shown);
  if (severity === null) return [];
  const concerned = [...new Set(uses.map(({ table }) => table.oid))];
  const subject: Subject = {
    text,
    tables: listed(concerned.map((oid) => qualifiedName(tables.get(oid)!))),
    first: tables.get(shown.table.oid)!,
    newName: concerned.length > 1 ? null : newNames.get(shown.table.oid) ?? null,
    detail: shown.detail ?? "",
  };
  const perhaps = shown.certainty === "possible" && !POSSIBLE_BY_NATURE.has(code) ? " perhaps" : "";
  return [{
    code,
    severity,
    object: textObject(text),
    message: `${who(text)}${perhaps} ${rule.does(subject)}: ${shown.excerpt}`,
    remedy: rule.remedy(subject),
  }];
}

/** Their sentences say themselves that it is not certain. */
const POSSIBLE_BY_NATURE = new Set<FindingCode>(["unparsed_text", "name_as_argument"]);

const qualifiedName = ({ schema, name }: NamedRelation) => qualified(schema, name);

function severityOf(
  code: FindingCode,
  rule: CodeRule,
  text: TextFacts,
  use: TableReference,
): Finding["severity"] | null {
  const severity = rule.severity(text.kind, use.detail);
  if (severity !== "breaking") return severity;
  // A recorded definition that somebody has to undo before it can run again is no regular use.
  const isTried = code === "ddl_on_old_name" && text.kind === "statement" &&
    !isRepeatable(text.text);
  return isTried || use.certainty === "possible" ? "warning" : severity;
}

const MAX_LISTED = 5;

function listed(names: string[]): string {
  const more = names.length - MAX_LISTED;
  return names.slice(0, MAX_LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function who({ kind, calls, role }: TextFacts): string {
  if (kind === "routine") return "The routine";
  if (kind === "cron job") return "The job";
  return `The statement, run ${calls === 1 ? "once" : `${calls ?? 0} times`} as ${role ?? "?"},`;
}
