/**
 * Old names in the bodies of routines and in cron jobs' commands, replaced by the new ones; and back. All else of a
 * routine stays what it is: CREATE OR REPLACE keeps its identity, owner and privileges.
 */
import type { Dependent } from "../dependents/dependents.ts";
import type { Finding, RewrittenTextAnswer } from "../contract/responses.ts";
import type { Facts, RoutineDefinition, TextFacts } from "../facts/facts.ts";
import type { RecordedRename, RewrittenText } from "../facts/migration.ts";
import { lastingTexts } from "../findings/removed_names.ts";
import { textObject } from "../findings/text_findings.ts";
import { dollarQuoted, literal } from "../sql/quoting.ts";
import { ROUTINE_DIGEST } from "../sql/stored_routine.ts";
import { rewriteReferences } from "../sql/references/rewrite_references.ts";
import { tableIndex } from "../sql/references/table_references.ts";
import { ofThisDatabase, type PlanStatement } from "./plan.ts";
import { checkAtOnce } from "./verification/checks.ts";

/** A table whose old name is replaced. */
interface NewlyNamed {
  schema: string;
  from: string;
  to: string;
}

export const newlyNamed = (
  { schema_name, old_name }: Pick<RecordedRename, "schema_name" | "old_name">,
  name: string,
): NewlyNamed => ({ schema: schema_name, from: old_name, to: name });

/** What the server says of the texts that are to be written anew. */
export interface Definitions {
  routines: RoutineDefinition[];
  /** Jobs that can be altered. */
  jobs: string[];
  /** Why routines would no longer work with the new names, by identity: what plpgsql_check finds. Default: nothing. */
  errors?: Map<string, string>;
}

export interface TextRewrites {
  /** For `Plan.beforeLocks`: no client waits for them. */
  statements: PlanStatement[];
  texts: RewrittenText[];
  /** The texts as they are afterwards, all of them. */
  after: TextFacts[];
  /** Those that name a table with certainty, and yet are left as they are, with the reason. */
  left: { text: TextFacts; reason: string }[];
}

const NOTHING: TextRewrites = { statements: [], texts: [], after: [], left: [] };

/** The texts of which `Definitions` are needed, as they are and as they would be. */
export const textsToRewrite = (
  facts: Facts,
  tables: NewlyNamed[],
): { text: TextFacts; after: string }[] =>
  rewritten(facts, tables).filter(({ unsure }) => unsure === null);

/** Statement that gives a routine a body, and leaves all else of it as it is. */
export const replacingBody = ({ head }: RoutineDefinition, body: string): string =>
  `${head}${dollarQuoted(body, "function")}`;

/**
 * What of the texts is certain gets the new names; the rest is left to a person.
 *
 * @param definitions Null: nothing is changed.
 * @param dependents What is built on the views, and made again with its present text.
 */
export function rewriteTexts(
  facts: Facts,
  tables: NewlyNamed[],
  definitions: Definitions | null = null,
  dependents: Dependent[],
): TextRewrites {
  if (definitions === null) return { ...NOTHING, after: facts.texts };
  const except = signaturesOf(dependents);
  const texts = new Map(facts.texts.map((text) => [text, text]));
  const left: TextRewrites["left"] = [];
  const done: RewrittenText[] = [];
  for (const { text, after, unsure } of rewritten(facts, tables)) {
    const reason = unsure !== null
      ? `it is not certain that it means the table: ${unsure}`
      : except.has(text.identity)
      ? "it depends on the view, and is made again with its present text"
      : whyNot(text, definitions) ?? definitions.errors?.get(text.identity) ?? null;
    if (reason !== null) {
      left.push({ text, reason });
      continue;
    }
    texts.set(text, { ...text, text: after });
    const { kind, identity, text: before } = text;
    done.push({ kind: kind as RewrittenText["kind"], identity, before, after });
  }
  return {
    statements: statementsFor(done, definitions, "Use the new name"),
    texts: done,
    after: [...texts.values()],
    left,
  };
}

/** Findings about what names a table and is left as it is. */
export const leftTexts = ({ left }: TextRewrites): Finding[] =>
  left.map(({ text, reason }) => ({
    code: "text_not_rewritten",
    severity: "warning",
    object: textObject(text),
    message: `The ${text.kind} keeps the old name, since ${reason}.`,
    remedy: "Change it to the new name yourself before the rename is finalized." +
      (text.kind === "routine"
        ? ` Its text: select pg_get_functiondef(${literal(text.identity)}::regprocedure).`
        : ""),
  }));

/**
 * What a rollback gives back: texts that nobody has changed since, the last ones first.
 *
 * @param migrations Newest first.
 */
export function restoreTexts(
  migrations: Pick<RecordedRename, "texts">[],
  facts: Facts,
  definitions: Definitions | null = null,
  dependents: Dependent[],
): TextRewrites {
  if (definitions === null) return { ...NOTHING, after: facts.texts };
  const except = signaturesOf(dependents);
  const present = new Map(lastingTexts(facts).map((text) => [keyOf(text), text]));
  const restored = new Map<string, RewrittenText>();
  for (const { texts = [] } of migrations) {
    for (const { kind, identity, before, after } of texts.toReversed()) {
      const key = keyOf({ kind, identity });
      const text = present.get(key);
      if (text === undefined || except.has(identity) || whyNot(text, definitions) !== null) {
        continue;
      }
      const now = restored.get(key)?.after ?? text.text;
      if (now === after) restored.set(key, { kind, identity, before: text.text, after: before });
    }
  }
  const texts = [...restored.values()];
  return {
    ...NOTHING,
    statements: statementsFor(texts, definitions, "Give back the text from before"),
    texts,
    after: facts.texts.map((text) => ({
      ...text,
      text: restored.get(keyOf(text))?.after ?? text.text,
    })),
  };
}

const signaturesOf = (dependents: Dependent[]): Set<string | undefined> =>
  new Set(dependents.map(({ object }) => object.routine?.signature));

const keyOf = ({ kind, identity }: Pick<TextFacts, "kind" | "identity">) => `${kind} ${identity}`;

interface Candidate {
  text: TextFacts;
  after: string;
  /** A use that is not certain; null: all are. */
  unsure: string | null;
}

function rewritten(facts: Facts, tables: NewlyNamed[]): Candidate[] {
  // Negative numbers are no OIDs, so that no text is taken for a trigger function of these tables.
  const named = tables.map(({ schema, from }, n) => (
    { oid: -1 - n, schema, name: from, kind: "v", columns: [], constraints: [], children: [] }
  ));
  const newNames = new Map(tables.map(({ to }, n) => [-1 - n, to]));
  const index = tableIndex(named, newNames, facts.dynamic_sql_routines, facts.same_named_relations);
  return lastingTexts(facts).flatMap((text) => {
    const { unsure: [first], text: after } = rewriteReferences(text, index, text.parameters);
    const unsure = first?.excerpt ?? null;
    return after === text.text && unsure === null ? [] : [{ text, after, unsure }];
  });
}

/** Why a text cannot be replaced, in words; null where it can. */
function whyNot(
  { kind, identity, owned, text }: TextFacts,
  { routines, jobs }: Definitions,
): string | null {
  if (kind === "cron job") {
    return jobs.includes(identity)
      ? null
      : "the job, or one of the same name, is another role's, or pg_cron has no cron.alter_job";
  }
  const definition = routines.find((one) => one.identity === identity);
  if (definition === undefined || definition.body !== text) return "it was changed at this moment";
  if (!owned) return "it belongs to another role";
  if (definition.extension !== null) return `it belongs to the extension ${definition.extension}`;
  return definition.leakproof ? "it is LEAKPROOF, which only a superuser can define" : null;
}

/** The statement by which checks of new bodies are switched: names in them are looked up by their callers' search path. */
const checkBodies = (value: "on" | "off", purpose: string): PlanStatement => ({
  sql: `select pg_catalog.set_config('check_function_bodies', ${literal(value)}, true)`,
  purpose,
});

function statementsFor(
  texts: RewrittenText[],
  { routines }: Definitions,
  purpose: string,
): PlanStatement[] {
  const bodies = texts.filter(({ kind }) => kind === "routine").map((text) => ({
    ...text,
    definition: routines.find(({ identity }) => identity === text.identity)!,
  }));
  const jobs = texts.filter(({ kind }) => kind === "cron job");
  return [
    ...(bodies.length === 0 ? [] : [
      // Whoever replaces one of them at this moment fails, and neither change is lost.
      ...bodies.map(({ identity, definition }) => ({
        sql: `alter routine ${identity} security ${
          definition.security_definer ? "definer" : "invoker"
        }`,
        purpose: "Keep others from changing the routine",
      })),
      checkState(bodies.map(({ definition, before }) => ({ ...definition, body: before })), {
        name: "texts_before",
        purpose: "Check that the routines are as they were read",
      }),
      checkBodies("off", "Names in a body mean what they mean to its callers, not here"),
      ...bodies.map(({ definition, after }) => ({
        sql: replacingBody(definition, after),
        purpose: `${purpose} in the routine's body`,
      })),
      checkBodies("on", "Check the bodies of functions again"),
      checkState(bodies.map(({ definition, after }) => ({ ...definition, body: after })), {
        name: "texts_after",
        purpose: "Check that nothing but the bodies has changed",
      }),
    ]),
    ...jobs.map(({ identity, before, after }) => ({
      sql: `select cron.alter_job(job_id := j.jobid, command := ${literal(after)})
from cron.job j
where ${OWN_JOBS} and ${JOB_NAME} = ${literal(identity)} and j.command = ${literal(before)}`,
      purpose: `${purpose} in the job's command`,
    })),
    ...(jobs.length === 0 ? [] : [checkJobs(jobs)]),
  ];
}

/** Another role, or another database, can have a job of the same name. */
const OWN_JOBS = "j.username = current_user and j.database = pg_catalog.current_database()";

/** `TextFacts.identity` of a job. */
const JOB_NAME = "coalesce(j.jobname, j.jobid::pg_catalog.text)";

/** A job whose command was another one at that moment is not changed, and must not be recorded as if it were. */
function checkJobs(jobs: RewrittenText[]): PlanStatement {
  const rows = jobs.map(({ identity, after }) => `(${literal(identity)}, ${literal(after)})`);
  return checkAtOnce({
    name: "jobs_after",
    purpose: "Check that the jobs have their new commands",
    query: `
  select pg_catalog.string_agg('the cron job ' || e.identity || ' was changed by somebody else', '; ')
  from (values ${rows.join(",\n    ")}) as e(identity, command)
  where not exists (
    select from cron.job j
    where ${OWN_JOBS} and ${JOB_NAME} = e.identity and j.command = e.command)`,
  });
}

function checkState(
  expected: Pick<RoutineDefinition, "oid" | "identity" | "digest" | "body">[],
  check: { name: string; purpose: string },
): PlanStatement {
  const rows = expected.map(({ oid, identity, digest, body }) =>
    `(${ofThisDatabase(oid)}::int8, ${literal(identity)}, ${ofThisDatabase(literal(digest))}, ${
      literal(body)
    })`
  );
  return checkAtOnce({
    ...check,
    query: `
  select pg_catalog.string_agg(e.identity || ' was changed by somebody else', '; ')
  from (values ${rows.join(",\n    ")}) as e(oid, identity, digest, body)
  left join pg_catalog.pg_proc p on p.oid::int8 = e.oid
  where (p.prosrc = e.body and ${ROUTINE_DIGEST} = e.digest) is not true`,
  });
}

/** The changed lines of each text, for people. */
export const describeRewrites = (texts: RewrittenText[]): RewrittenTextAnswer[] =>
  texts.map(({ kind, identity, before, after }) => (
    { kind, object: textObject({ kind, identity }), diff: changedLines(before, after) }
  ));

/** Edits add no lines, unless a name has some, so that each line has its counterpart. */
function changedLines(before: string, after: string): string {
  const [old, now] = [before, after].map((text) => text.split("\n"));
  if (old.length !== now.length) {
    return [
      ...old.map((line) => `-${line}`),
      ...now.map((line) => `+${line}`),
    ].join("\n");
  }
  return old.flatMap((line, n) =>
    line === now[n] ? [] : [`@@ line ${n + 1} @@`, `-${line}`, `+${now[n]}`]
  )
    .join("\n");
}
