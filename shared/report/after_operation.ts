/** How to go on after an operation or its plan, as requests or command lines. */
import type { OperationAnswer } from "../contract/responses.ts";
import {
  type Block,
  type CommandFor,
  field,
  itemsOf,
  name,
  type Operation,
  step,
  toned,
} from "./document/document.ts";
import { breakingCodes } from "./findings.ts";

export interface OperationContext {
  operation: Operation;
  url?: string;
  /** Codes that the request acknowledged. Default: none. */
  acknowledged?: string[];
  commandFor?: CommandFor;
  file?: string;
  /** The commands to go on with after a rename, of the selection as arguments. Default: none are shown. */
  afterRename?: (selection: string[]) => string[];
  /** The option that names the database for the Supabase CLI, for a shell. Default: none, the linked project. */
  database?: string;
  /** Describe only what somebody has to know who is asked whether to go on. Default: false. */
  asking?: boolean;
}

export const openCodes = ({ findings }: OperationAnswer, { acknowledged = [] }: OperationContext) =>
  breakingCodes(findings).filter((code) => !acknowledged.includes(code));

export function afterPlan(
  answer: OperationAnswer,
  context: OperationContext,
  more: Block,
): (Block | null)[][] {
  const { plan_hash, statements, would_be_refused: refusal } = answer;
  const { commandFor, acknowledged = [], file } = context;
  if (file !== undefined) {
    const commands = [supabaseCommand("db push", context)];
    return [
      [{ is: "text", text: [toned("✓ Written", "good"), "  ", name(file)] }],
      [{ is: "step", text: "To apply it, and have it tracked", commands }, more],
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
    ? "To accept that, and apply exactly this plan"
    : "To apply exactly this plan";
  const refused = refusal === undefined || open.length > 0 ? [] : [{
    mark: toned("An apply would be refused", "bad"),
    text: name(refusal.code),
    body: [refusal.detail],
    remedy: refusal.hint,
  }];
  return [
    [itemsOf(refused)],
    [field("Plan hash", name(plan_hash), "verbose")],
    [
      statements.length === 0
        ? null
        : step(text, { endpoint: "same", fields }, { commandFor, note: IF_SAME }),
      more,
    ],
  ];
}

/** What usually follows a rename, as commands; an endpoint's caller has others. */
function commandsAfter(
  { afterRename }: OperationContext,
  { table, schema, batch_id }: { table?: string; schema?: string; batch_id?: string | null },
): Block[] {
  if (afterRename === undefined) return [];
  const commands = afterRename(
    table === undefined
      ? ["--batch-id", batch_id!]
      : [...(schema === undefined ? [] : ["--schema", schema]), table],
  );
  return [{ is: "step", text: "To go on: test the old names, then change your code", commands }];
}

const IF_SAME = "It is refused if the plan has changed by then.";

export function afterwards(answer: OperationAnswer, context: OperationContext): Block[] {
  const { operation, commandFor } = context;
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
  const viewed = migrations.some((one) => one.compatibility_view_created);
  const [{ schema_name: schema, old_name: table }] = migrations;
  const selection = migrations.length === 1 || batch_id === null
    ? { table, ...(schema !== "public" && { schema }) }
    : { batch_id };
  if (operation === "refresh") return [rollback("To roll the rename back", selection)];
  return [
    rollback("To roll it back", selection),
    ...(viewed ? commandsAfter(context, selection) : []),
  ];
}

/** A command of the Supabase CLI, for the database that was used. */
export const supabaseCommand = (command: string, { database = "" }: OperationContext): string =>
  `npx supabase ${command} ${database}`.trim();
