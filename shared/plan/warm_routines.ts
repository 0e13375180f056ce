/**
 * Routines that sessions keep compiled. Whatever changes their row in pg_proc has every session compile
 * them again; setting what they are set to already does that, and changes nothing else.
 */
import { isProtectedSchema } from "../contract/names.ts";
import type { Finding, Statement } from "../contract/responses.ts";
import type { RoutineFacts, TextFacts } from "./facts.ts";

/** The PL/pgSQL routines among texts: those that sessions keep compiled. */
export function plpgsqlRoutines(
  texts: Pick<
    TextFacts,
    "kind" | "language" | "schema" | "identity" | "security_definer" | "owned"
  >[],
): RoutineFacts[] {
  return texts.filter(({ kind, language }) => kind === "routine" && language === "plpgsql").map((
    { schema, identity, security_definer, owned },
  ) => ({ schema: schema!, identity, security_definer, owned }));
}

/** Statements that have the routines compiled again where they name the old name. */
export function recompile(routines: RoutineFacts[]): Statement[] {
  // Facts come in no order.
  const inOrder = routines.filter(({ owned }) => owned)
    .sort((a, b) => (a.identity < b.identity ? -1 : a.identity > b.identity ? 1 : 0));
  return inOrder.map(({ identity, security_definer }) => ({
    sql: `alter routine ${identity} security ${security_definer ? "definer" : "invoker"}`,
    purpose:
      "Have sessions compile the routine again: its variables can have the old name's row type",
  }));
}

/** Says which routines cannot be had compiled again; the platform's own name no tables of users. */
export function staleRoutineFindings(routines: RoutineFacts[]): Finding[] {
  const others = routines.filter(({ owned, schema }) => !owned && !isProtectedSchema(schema));
  return others.map(({ identity }) => ({
    code: "routine_kept_compiled",
    severity: "warning",
    object: identity,
    message:
      "The routine names the old name and belongs to another role. Where it uses a variable of the " +
      "table's row type as a whole, sessions that have run it before fail with 42804 until they reconnect.",
    remedy:
      "Have its owner replace it right after the rename, or grant its owner's role to this one before.",
  }));
}
