/** What is asked of the endpoint, and the same as a command. */
import type { RenameInput } from "../../../contract/requests.ts";
import { shellQuoted } from "../../../report/document/shell.ts";
import type { Draft, DraftOptions, DraftRename } from "./draft.ts";

/** What decides a plan: renames with their options, or a proposal. */
export type PlanRequest = RenamesToPlan | { batch_id: string };

interface RenamesToPlan {
  renames: DraftRename[];
  compatibility_view?: false;
  rename_indexes?: true;
  count_use?: true;
}

/** What was reviewed and accepted. */
export interface Reviewed {
  plan_hash: string;
  /** Codes of breaking findings. */
  acknowledge: string[];
}

export const planRequestOf = ({ renames, options }: Draft): RenamesToPlan => ({
  renames,
  ...(!options.compatibility_view && { compatibility_view: false }),
  ...(options.rename_indexes && { rename_indexes: true }),
  // Without a view there is nothing that counts.
  ...(options.count_use && options.compatibility_view && { count_use: true }),
});

/** The request that makes exactly the plan that was reviewed. Defaults are left out. */
export function changeRequest(
  request: PlanRequest,
  { notes, lock_timeout_ms, max_wait_ms }: DraftOptions,
  { plan_hash, acknowledge }: Reviewed,
): RenameInput {
  return {
    ...request,
    ...(acknowledge.length > 0 && { acknowledge }),
    ...(notes.trim() !== "" && { notes: notes.trim() }),
    ...(lock_timeout_ms !== undefined && { lock_timeout_ms }),
    ...(max_wait_ms !== undefined && { max_wait_ms }),
    expected_plan_hash: plan_hash,
  };
}

const PROGRAM = "npx table-rename rename-table";

/** The file of a command that makes several renames; another plan does not overwrite it. */
const listOf = ({ expected_plan_hash = "" }: RenameInput): string =>
  `renames-${expected_plan_hash.slice("sha256:".length, "sha256:".length + 8)}.json`;

/** The command that makes the same as the request; several renames are written to a file first. */
export function commandOf(request: RenameInput): string {
  const several = "renames" in request ? request.renames : [];
  const one = several.length === 1 ? several[0] : undefined;
  const options = optionsOf(request);
  if (one !== undefined) {
    const schema = one.schema ?? "public";
    const names = [one.old_name, one.new_name];
    // A name that begins with a hyphen would be read as an option.
    const end = names.some((name) => name.startsWith("-")) ? ["--"] : [];
    return line([...(schema === "public" ? [] : ["--schema", schema]), ...options], [
      ...end,
      ...names,
    ]);
  }
  if (several.length === 0) return line(options, []);
  const list = listOf(request);
  const command = line(["--from-file", list, ...options], []);
  return `cat > ${list} <<'END'\n${listed(several)}\nEND\n${command}`;
}

function optionsOf(request: RenameInput): string[] {
  const { acknowledge = [], notes, lock_timeout_ms, max_wait_ms, expected_plan_hash } = request;
  return [
    ...("batch_id" in request ? ["--batch-id", request.batch_id] : []),
    ...("compatibility_view" in request && request.compatibility_view === false
      ? ["--no-view"]
      : []),
    ...("rename_indexes" in request && request.rename_indexes ? ["--rename-indexes"] : []),
    ...("count_use" in request && request.count_use ? ["--count-use"] : []),
    ...(acknowledge.length > 0 ? ["--acknowledge", acknowledge.join(",")] : []),
    ...(notes === undefined ? [] : ["--notes", notes]),
    ...(lock_timeout_ms === undefined ? [] : ["--lock-timeout", String(lock_timeout_ms)]),
    ...(max_wait_ms === undefined ? [] : ["--max-wait", String(max_wait_ms)]),
    ...(expected_plan_hash === undefined ? [] : ["--expected-plan-hash", expected_plan_hash]),
  ];
}

/** Options stand first, since nothing behind `--` is one. */
const line = (options: string[], names: string[]): string =>
  [PROGRAM, ...[...options, ...names].map(shellQuoted)].join(" ");

/** One rename a line, in ASCII: nothing in it is invisible or turns the direction of the text. */
const listed = (renames: { schema?: string; old_name: string; new_name: string }[]): string =>
  `[\n${
    renames.map((one) =>
      `  ${
        JSON.stringify(one).replace(
          /[^\x20-\x7e]/g,
          (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
        )
      }`
    ).join(",\n")
  }\n]`;
