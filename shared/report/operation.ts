/** The answer to a rename, rollback, finalize or refresh: what was done or would be done, and how to go on. */
import type {
  LockFigures,
  OperationAnswer,
  Statement,
  Verification,
} from "../contract/responses.ts";
import {
  type Block,
  type BlockOf,
  type CommandFor,
  type Document,
  documentOf,
  field,
  type GraphTable,
  itemsOf,
  name,
  type Operation,
  step,
  table,
  toned,
} from "./document.ts";
import { breakingCodes, findingsCounted, findingsSection } from "./findings.ts";
import { markdownOf } from "./markdown.ts";
import { counted } from "./text.ts";

export type { Operation } from "./document.ts";

export interface OperationContext {
  operation: Operation;
  url?: string;
  /** Codes that the request acknowledged. Default: none. */
  acknowledged?: string[];
  commandFor?: CommandFor;
  file?: string;
}

/** The answer for an endpoint's caller. */
export const operationInMarkdown = (answer: OperationAnswer, context: OperationContext): string =>
  markdownOf(describeOperation(answer, context));

export function describeOperation(answer: OperationAnswer, context: OperationContext): Document {
  const { mode, plan_hash, batch_id, findings, statements, verification } = answer;
  const { operation } = context;
  const tables = tablesOf(answer);
  const planned = mode !== "apply";
  return documentOf([
    [title(answer, context, tables.length), planned ? summary(answer, context) : null],
    [tableOfTables(answer, tables, operation)],
    [statementsBlock(statements, planned)],
    findingsSection(findings),
    [{ is: "graph", tables, operation }],
    ...(mode === "plan" ? afterPlan(answer, context) : []),
    [answer.lock && locks(answer.lock)],
    verification === null ? [] : verificationSection(verification),
    [answer.history === undefined ? null : history(answer.history)],
    afterwards(answer, context),
  ], {
    // Nothing that a caller chose is in it.
    comment: `operation=${operation} mode=${mode} plan_hash=${plan_hash}` +
      (batch_id === null ? "" : ` batch_id=${batch_id}`),
  });
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

function title(
  { mode }: OperationAnswer,
  context: OperationContext,
  count: number,
): BlockOf<"title"> {
  const { operation, url } = context;
  const tables = counted(count, "table");
  if (mode === "apply") return { is: "title", tone: "good", text: DONE[operation](tables), url };
  const label = mode === "plan" ? "Plan" : "Proposed";
  return { is: "title", tone: "notice", label, text: `${NOUNS[operation]} of ${tables}`, url };
}

function summary(answer: OperationAnswer, context: OperationContext): Block {
  const isPlan = answer.mode === "plan";
  const said = `${isPlan ? "Nothing" : "No table"} was changed: ${
    findingsCounted(answer.findings)
  }.`;
  return {
    is: "text",
    text: isPlan && openCodes(answer, context).length > 0
      ? [`${said} `, toned("Applying it is refused, since something would break.", "bad")]
      : said,
  };
}

const openCodes = ({ findings }: OperationAnswer, { acknowledged = [] }: OperationContext) =>
  breakingCodes(findings).filter((code) => !acknowledged.includes(code));

/** The tables of a plan. Of what is done there is the record: what depended on the tables then. */
function tablesOf({ tables, migrations }: OperationAnswer): GraphTable[] {
  return tables ?? migrations.map((migration) => ({
    schema: migration.schema_name,
    old_name: migration.old_name,
    new_name: migration.new_name,
    compatibility_view: migration.compatibility_view_created,
    dependants: Object.fromEntries(
      Object.entries(migration.dependencies).map(([kind, names]) => [
        kind,
        Array.isArray(names) ? names.map((name) => ({ name: String(name), effect: null })) : [],
      ]),
    ),
  }));
}

function tableOfTables(
  { mode, migrations }: OperationAnswer,
  tables: GraphTable[],
  operation: Operation,
): Block | null {
  const key = (schema: string, table: string) => JSON.stringify([schema, table]);
  const ids = new Map(
    migrations.map(({ schema_name, old_name, id }) => [key(schema_name, old_name), id]),
  );
  const rows = tables.map(({ schema, old_name, new_name, compatibility_view }) => {
    const id = ids.get(key(schema, old_name));
    const names = operation === "rollback" ? [new_name, old_name] : [old_name, new_name];
    const oldName = operation === "rollback"
      ? null
      : operation === "finalize" || !compatibility_view
      ? "free"
      : "a view";
    return [...[schema, ...names].map(name), oldName, id === undefined ? null : name(id)];
  });
  const oldName = mode === "apply" ? "Old name is now" : "Old name will be";
  return table(["Schema", "From", "To", oldName, "Migration"], rows, { of: "table" });
}

function statementsBlock(statements: Statement[], planned: boolean): Block | null {
  if (statements.length === 0) return null;
  const shown = statements.map((one) => ({ ...one, isCheck: CHECK.test(one.sql) }));
  return { is: "statements", statements: shown, planned };
}

const CHECK = /^(do\s+\$|prepare\s+table_rename_|explain\s.*execute\s+table_rename_)/i;

function locks({ attempts, waited_ms, held_ms }: LockFigures): Block {
  const text =
    `${counted(attempts, "attempt")}, waited for ${waited_ms} ms, held for ${held_ms} ms ` +
    "(the longest that other clients were kept waiting)";
  return field("Locks", text);
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
  return [{ is: "heading", text: "Verification", note }, { is: "items", items }];
}

function history({ version, name: title }: NonNullable<OperationAnswer["history"]>): Block {
  const text = [
    name(`${version}_${title}`),
    "; supabase migration fetch writes the file into the repository",
  ];
  return field("Migration history", text);
}

function afterPlan(answer: OperationAnswer, context: OperationContext): (Block | null)[][] {
  const { plan_hash, statements, would_be_refused: refusal } = answer;
  const { commandFor, acknowledged = [], file } = context;
  if (file !== undefined) {
    const commands = ["npx supabase db push"];
    return [
      [{ is: "text", text: [toned("✓ Written", "good"), "  ", name(file)] }],
      [{ is: "step", text: "To apply it, and have it tracked", commands }],
    ];
  }
  const open = openCodes(answer, context);
  const fields = {
    mode: "apply",
    // A command line has what was acknowledged already.
    ...(open.length > 0 && { acknowledge: commandFor ? open : [...acknowledged, ...open] }),
    expected_plan_hash: plan_hash,
  };
  const text = open.length > 0
    ? "To accept what breaks, and apply exactly this plan"
    : "To apply exactly this plan";
  const refused = refusal === undefined ? [] : [{
    mark: toned("An apply would be refused", "bad"),
    text: name(refusal.code),
    body: [refusal.detail],
    remedy: refusal.hint,
  }];
  return [
    [itemsOf(refused)],
    [field("Plan hash", name(plan_hash))],
    statements.length === 0
      ? []
      : [step(text, { endpoint: "same", fields }, { commandFor, note: IF_SAME })],
  ];
}

const IF_SAME = "It is refused if the plan has changed by then.";

function afterwards(answer: OperationAnswer, { operation, commandFor }: OperationContext): Block[] {
  const { mode, batch_id, migrations } = answer;
  const rollback = (text: string, fields: Record<string, unknown>) =>
    step(text, { endpoint: "rollback", fields }, { commandFor });
  if (mode === "propose") {
    return [
      step("To apply it", { endpoint: "rename", fields: { batch_id } }, {
        commandFor,
        note: IF_SAME,
      }),
      rollback("To withdraw it", { batch_id }),
    ];
  }
  if (mode === "plan" || migrations.length === 0) return [];
  if (operation !== "rename" && operation !== "refresh") return [];
  const selection = migrations.length === 1 || batch_id === null
    ? { migration_id: migrations[0].id }
    : { batch_id };
  const text = operation === "rename" ? "To roll it back" : "To roll the rename back";
  return [rollback(text, selection)];
}
