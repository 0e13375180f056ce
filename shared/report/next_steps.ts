/** What a person can do about a refusal, as requests and statements to paste. */
import type { Blocker, Finding } from "../contract/responses.ts";
import { type Block, type CommandFor, type Request, step } from "./document/document.ts";
import { breakingCodes } from "./findings.ts";

interface Refusal {
  code: string;
  [field: string]: unknown;
}

interface Renamed {
  schema: string;
  old_name: string;
  table_gone: boolean;
}

interface Next {
  text: string;
  request: Request;
}

const same = (text: string, fields: Request["fields"]): Next => ({
  text,
  request: { endpoint: "same", fields },
});

/** Nothing where the next step is not one request or statement. */
export function nextSteps(problem: Refusal, commandFor?: CommandFor): Block[] {
  return [
    ...requestsFor(problem).map(({ text, request }) => step(text, request, { commandFor })),
    ...endingOfBlockers(problem),
  ];
}

function requestsFor(problem: Refusal): Next[] {
  const { code, findings, plan_hash, changes } = problem;
  const acknowledge = acceptableCodes(problem);
  const accept = acknowledge.length === 0
    ? []
    : [same("To accept that and go on", { acknowledge })];
  switch (code) {
    case "plan_changed":
      // A proposal keeps its plan; it is made again.
      return typeof plan_hash !== "string" || Array.isArray(changes)
        ? withdrawal(problem)
        : [same("To apply the plan as it is now", { expected_plan_hash: plan_hash })];
    case "already_renamed":
    case "name_taken":
      return holderSteps(problem);
    case "drifted":
      return [...accept, ...driftSteps(problem)];
    case "old_name_in_use": {
      const texts = ((findings ?? []) as Finding[])
        .some(({ remedy }) => /\brewrite[_-]texts\b/.test(remedy));
      return texts
        ? [same("To write the new name into these texts, too", { rewrite_texts: true })]
        : [];
    }
    default:
      return accept;
  }
}

/** What a migration that holds a name can make way by. */
function holderSteps(problem: Refusal): Next[] {
  const { migration_status, renamed, batch_id } = problem;
  if (migration_status === "pending" && typeof batch_id === "string") {
    return [
      { text: "To apply the proposal", request: { endpoint: "rename", fields: { batch_id } } },
      ...withdrawal(problem),
    ];
  }
  if (migration_status !== "active" || typeof renamed !== "object" || renamed === null) return [];
  const { schema, old_name, table_gone } = renamed as Renamed;
  const fields = {
    table: old_name,
    ...(schema !== "public" && { schema }),
    ...(table_gone && { acknowledge: ["table_missing"] }),
  };
  const text = table_gone ? "To close the record" : "To take that rename back";
  return [{ text, request: { endpoint: "rollback", fields } }];
}

const withdrawal = ({ batch_id }: Refusal): Next[] =>
  typeof batch_id !== "string" ? [] : [{
    text: "To withdraw the proposal",
    request: { endpoint: "rollback", fields: { batch_id } },
  }];

function driftSteps({ differences }: Refusal): Next[] {
  const found = (differences ?? []) as { code?: string; migration_id?: string }[];
  if (found.length === 0) return [];
  if (found.every(({ code }) => code === "copied_database")) {
    return [same("If they are the right ones", { relocate: true })];
  }
  const [{ code, migration_id }] = found;
  return code !== "table_missing" || typeof migration_id !== "string" ? [] : [{
    text: "To close the record",
    request: { endpoint: "rollback", fields: { migration_id, acknowledge: ["table_missing"] } },
  }];
}

/** Codes whose acknowledgement would let the request through. */
function acceptableCodes({ code, findings, differences }: Refusal): string[] {
  if (code === "breaking_findings") return breakingCodes((findings ?? []) as Finding[]);
  const found = (differences ?? []) as { code?: string }[];
  const onlyView = found.length > 0 && found.every(({ code }) => code === "view_missing");
  return code === "drifted" && onlyView ? ["view_missing"] : [];
}

/** Most sessions that are named; more at once is somebody's whole application. */
const MAX_SESSIONS = 5;

/** A session that is idle in a transaction ends it only when its program goes on, so it is named. */
function endingOfBlockers({ blockers }: Refusal): Block[] {
  const idle = ((blockers ?? []) as Blocker[]).filter(({ pid, state }) =>
    Number.isInteger(pid) && state?.startsWith("idle in transaction")
  );
  if (idle.length === 0 || idle.length > MAX_SESSIONS) return [];
  return [{
    is: "step",
    text: "To end the transactions that are idle, with their sessions, in the SQL editor",
    commands: idle.map(({ pid }) => `select pg_terminate_backend(${pid});`),
  }];
}
