/** The answer to a rename, rollback, finalize or refresh: what was done or would be done, and how to go on. */
import type { LockFigures, OperationAnswer, Verification } from "../contract/responses.ts";
import {
  type Block,
  type BlockOf,
  type Document,
  documentOf,
  field,
  itemsOf,
  name,
  type Operation,
  type ShownName,
  type Span,
  statementsBlock,
  toned,
} from "./document/document.ts";
import {
  afterPlan,
  afterwards,
  openCodes,
  type OperationContext,
  supabaseCommand,
} from "./after_operation.ts";
import { findingsCounted, findingsSection, notesOf } from "./findings.ts";
import { markdownOf } from "./document/markdown.ts";
import { isJudged, reasonsOf } from "./migrations.ts";
import { counted } from "./document/text.ts";

export type { OperationContext } from "./after_operation.ts";
export type { Operation } from "./document/document.ts";

/** The answer for an endpoint's caller. */
export const operationInMarkdown = (answer: OperationAnswer, context: OperationContext): string =>
  markdownOf(describeOperation(answer, context));

export function describeOperation(answer: OperationAnswer, context: OperationContext): Document {
  const { mode, plan_hash, batch_id, findings, statements, verification, tables } = answer;
  const { operation } = context;
  // A proposal that is withdrawn keeps its direction: nothing was renamed.
  const names = namesOf(answer, operation).map((one) =>
    isWithdrawal(answer, context) ? { ...one, from: one.to, to: one.from } : one
  );
  const planned = mode !== "apply";
  const more: Block = {
    is: "more",
    statements: planned ? statements.length : 0,
    notes: notesOf(findings).length,
  };
  const first = [
    [title(answer, context, names.length), ...verdict(answer, context, names)],
    [tableOfNames(answer, names)],
    evidence(answer),
    findingsSection(findings),
  ];
  if (context.asking) return documentOf(first);
  return documentOf([
    ...first,
    textsSection(answer, planned),
    [statementsBlock(statements, planned)],
    [tables === undefined ? null : { is: "graph", tables, operation }],
    ...(mode === "plan" ? afterPlan(answer, context, more) : []),
    [answer.lock && locks(answer.lock)],
    verification === null ? [] : verificationSection(verification),
    answer.history === undefined ? [] : history(answer.history, context),
    [...afterwards(answer, context), ...(mode === "plan" ? [] : [more])],
  ], {
    // Nothing that a caller chose is in it.
    comment: `operation=${operation} mode=${mode} plan_hash=${plan_hash}` +
      (batch_id === null ? "" : ` batch_id=${batch_id}`),
  });
}

/** The changed lines of routines and cron jobs, each under its name. */
function textsSection({ rewritten_texts: texts = [] }: OperationAnswer, planned: boolean): Block[] {
  if (texts.length === 0) return [];
  const heading = planned ? "Texts that change" : "Changed texts";
  return [
    { is: "heading", text: heading, note: counted(texts.length, "text") },
    ...texts.flatMap(({ object, diff }): Block[] => [
      { is: "text", text: [name(object)] },
      { is: "diff", lines: diff.split("\n") },
    ]),
  ];
}

/** Why old names can be given up, as far as they can. */
function evidence({ mode, migrations }: OperationAnswer): (Block | null)[] {
  const ready = migrations.filter(isJudged).filter((one) => one.ready_to_finalize.ready);
  return mode === "plan" ? [itemsOf(reasonsOf(ready))] : [];
}

const NOUNS: Record<Operation, string> = {
  rename: "rename",
  rollback: "rollback of the rename",
  finalize: "finalization of the rename",
  refresh: "new compatibility view",
};

const DONE: Record<Operation, (tables: string) => string> = {
  rename: (tables) => `Renamed ${tables}`,
  rollback: (tables) => `Rolled back the rename of ${tables}`,
  finalize: (tables) => `Finalized the rename of ${tables}`,
  refresh: (tables) => `Refreshed the compatibility view of ${tables}`,
};

/** Whether what is taken back was only proposed, so that no table changes. */
const isWithdrawal = ({ migrations }: OperationAnswer, { operation }: OperationContext): boolean =>
  operation === "rollback" && migrations.length > 0 &&
  migrations.every(({ migrated_at }) => migrated_at === null);

function title(
  answer: OperationAnswer,
  context: OperationContext,
  count: number,
): BlockOf<"title"> {
  const { mode } = answer;
  const { operation, url } = context;
  const tables = counted(count, "table");
  if (isWithdrawal(answer, context)) {
    const text = counted(count, "rename");
    return mode === "apply"
      ? { is: "title", tone: "good", text: `Withdrew the proposal of ${text}`, url }
      : { is: "title", tone: "notice", label: "Plan", text: `withdrawal of ${text}`, url };
  }
  if (mode === "apply") return { is: "title", tone: "good", text: DONE[operation](tables), url };
  const label = mode === "plan" ? "Plan" : "Proposed";
  return { is: "title", tone: "notice", label, text: `${NOUNS[operation]} of ${tables}`, url };
}

/** What becomes of the names, then whether something breaks and, in what is done, how long clients waited. */
function verdict(
  answer: OperationAnswer,
  context: OperationContext,
  names: ShownName[],
): Block[] {
  const { mode, findings, lock, verification, would_be_refused } = answer;
  const effect: Block = { is: "text", text: effectOf(answer, context, names) };
  if (mode === "apply") {
    if (lock === null) return [effect];
    const passed = verification?.passed ? " The verification passed." : "";
    const attempts = lock.attempts > 1 ? `; the locks took ${lock.attempts} attempts` : "";
    const waited = `Other clients were kept waiting for ${lock.held_ms} ms at most${attempts}.`;
    return [effect, { is: "text", text: `${waited}${passed}` }];
  }
  if (context.asking && !findings.some(({ severity }) => severity === "breaking")) return [effect];
  const unchanged = mode === "plan" ? "Nothing was changed." : "No table was changed.";
  const open = openCodes(answer, context);
  const breaking = findings.filter(({ severity }) => severity === "breaking");
  const counted = findingsCounted(findings);
  const text: (string | Span)[] = open.length > 0
    ? [
      `${unchanged} `,
      toned(`It would be refused, since ${reasonOf(open)}`, "bad"),
      `: ${counted}.`,
    ]
    : would_be_refused !== undefined
    ? [`${unchanged} `, toned("It would be refused", "bad"), `: ${would_be_refused.code}.`]
    : breaking.length > 0
    ? [`${unchanged} What breaks is acknowledged: ${counted}.`]
    : findings.some(({ code }) => code === "old_name_use_unknown")
    ? [
      `${unchanged} `,
      toned("Whether something would break is unknown", "warning"),
      `: ${counted}.`,
    ]
    : [
      mode === "plan"
        ? "Nothing was changed, and nothing would break"
        : `${unchanged} Nothing would break`,
      findings.length === 0 ? "." : `: ${counted}.`,
    ];
  return [effect, { is: "text", text }];
}

function reasonOf(open: string[]): string {
  if (open.includes("old_name_in_use")) return "the old name is used";
  if (open.every((code) => code === "not_quiet_long_enough")) return "it is too early";
  return "something would break";
}

const OLD_NAME = {
  view: "a view",
  free: "free",
};

function effectOf(
  answer: OperationAnswer,
  context: OperationContext,
  names: ShownName[],
): string {
  const { mode } = answer;
  const { operation } = context;
  const one = names.length === 1;
  const done = mode === "apply";
  const views = one ? "The compatibility view" : "The compatibility views";
  switch (operation) {
    case "rename": {
      const viewed = names.filter(({ oldName }) => oldName === OLD_NAME.view).length;
      const verb = done ? one ? "is" : "are" : "will be";
      const old = one ? "The old name" : "The old names";
      if (viewed === names.length) {
        return `${old} ${verb} ${one ? "a view" : "views"}, so applications can use either name.`;
      }
      if (viewed === 0) return `${old} ${verb} free: queries that use ${one ? "it" : "them"} fail.`;
      return `${old} ${verb} views, except where the list says that they are free.`;
    }
    case "rollback": {
      if (isWithdrawal(answer, context)) return "Nothing had been renamed: no table changes.";
      const have = done ? one ? "has its" : "have their" : one ? "gets its" : "get their";
      return `The ${one ? "table" : "tables"} ${have} old ${one ? "name" : "names"} back, ` +
        `and ${one ? "the new one is" : "the new ones are"} free.`;
    }
    case "finalize":
      return done
        ? `${views} ${one ? "is" : "are"} gone: queries that use ${
          one ? "the old name" : "the old names"
        } fail.`
        : `${views} will be dropped: queries that use ${
          one ? "the old name" : "the old names"
        } fail then. ` +
          "This cannot be undone.";
    case "refresh":
      return `${views} ${
        done ? one ? "has" : "have" : one ? "gets" : "get"
      } the columns, defaults and grants ` +
        `that ${one ? "its table has" : "their tables have"}.`;
  }
}

/** The tables of a plan or, of what is done, those of the record. */
function namesOf(
  { tables, migrations }: OperationAnswer,
  operation: Operation,
): ShownName[] {
  const key = (schema: string, table: string) => JSON.stringify([schema, table]);
  const ids = new Map(
    migrations.map(({ schema_name, old_name, id }) => [key(schema_name, old_name), id]),
  );
  const found = tables ?? migrations.map((migration) => ({
    schema: migration.schema_name,
    old_name: migration.old_name,
    new_name: migration.new_name,
    compatibility_view: migration.compatibility_view_created,
  }));
  return found.map(({ schema, old_name, new_name, compatibility_view }) => {
    const [from, to] = operation === "rollback" ? [new_name, old_name] : [old_name, new_name];
    const viewed = operation !== "finalize" && compatibility_view;
    const oldName = operation === "rollback" ? null : viewed ? OLD_NAME.view : OLD_NAME.free;
    const migration = ids.get(key(schema, old_name));
    return { schema, from, to, oldName, unusual: operation === "rename" && !viewed, migration };
  });
}

const tableOfNames = ({ mode }: OperationAnswer, names: ShownName[]): Block | null =>
  names.length === 0 ? null : {
    is: "names",
    names,
    oldName: mode === "apply" ? "Old name is now" : "Old name will be",
  };

function locks({ attempts, waited_ms, held_ms }: LockFigures): Block {
  const text =
    `${counted(attempts, "attempt")}, waited for ${waited_ms} ms, held for ${held_ms} ms ` +
    "(the longest that other clients were kept waiting)";
  return field("Locks", text, "verbose");
}

function verificationSection({ passed, checks }: Verification): Block[] {
  const items = checks.map(({ name, passed, detail, differences = [] }) => ({
    mark: passed ? toned("✓", "good") : toned("✗", "bad"),
    text: detail ? `${name}: ${detail}` : name,
    ...(differences.length > 0 && {
      comparison: {
        is: "comparison" as const,
        head: ["Object", "Before", "Now"],
        rows: differences.map(({ object, before, after }) => [object, before, after]),
      },
    }),
  }));
  const note = passed ? toned("passed", "good") : toned("did not pass", "bad");
  const only = passed ? "verbose" : undefined;
  return [{ is: "heading", text: "Verification", note, only }, { is: "items", items, only }];
}

function history(
  { version, name: title }: NonNullable<OperationAnswer["history"]>,
  context: OperationContext,
): Block[] {
  const commands = [supabaseCommand("migration fetch", context)];
  return [
    field("Migration history", name(`${version}_${title}`), "verbose"),
    { is: "step", text: "To get its migration file into your repository", commands },
  ];
}
