/** Everything that is wrong with the renames of a file, at once: in its lines, and by the endpoint's checks. */
import { RenameError } from "../../client/client.ts";
import { UsageError } from "../exit_codes.ts";
import { optionWords } from "../arguments/option_words.ts";
import { inPlaces } from "./places.ts";
import type { RenameEntry, RenamesFile } from "./renames_file.ts";

interface Issue {
  path: string;
  message: string;
  code?: string;
  hint?: string;
}

type AskForPlan = (renames: RenameEntry[]) => Promise<unknown>;

/** Most times that the endpoint is asked; it reports at most 20 wrong names at a time. */
const MOST_ROUNDS = 60;

/**
 * The endpoint's issues with the renames, with their indices in `path`. It looks into the database only when all
 * names are valid, so those that are not are left out, and the rest is sent again.
 */
async function issuesOf(renames: RenameEntry[], ask: AskForPlan): Promise<Issue[]> {
  const found: Issue[] = [];
  let left = renames.map((rename, index) => ({ rename, index }));
  for (let round = 0; round < MOST_ROUNDS && left.length > 0; round++) {
    const issues = await refusedOf(left.map(({ rename }) => rename), ask);
    const wrong = new Set(issues.map((issue) => indexOf(issue)));
    found.push(...issues.map((issue) => ({
      ...issue,
      path: issue.path.replace(/^renames\.\d+/, `renames.${left[indexOf(issue)!].index}`),
    })));
    // If a refusal has a code, all names were looked up in the database.
    if (issues.length === 0 || issues.some(({ code }) => code !== undefined)) break;
    left = left.filter((_, index) => !wrong.has(index));
  }
  return found.toSorted((a, b) => indexOf(a)! - indexOf(b)!);
}

/** The issues about single renames of the problem that a plan ends with; none if it is about all of it. */
async function refusedOf(renames: RenameEntry[], ask: AskForPlan): Promise<Issue[]> {
  try {
    await ask(renames);
    return [];
  } catch (error) {
    if (!(error instanceof RenameError)) throw error;
    const issues = (error.problem?.issues ?? []) as Issue[];
    return issues.filter((issue) => (indexOf(issue) ?? renames.length) < renames.length);
  }
}

function indexOf({ path }: Issue): number | undefined {
  const index = /^renames\.(\d+)\b/.exec(path)?.[1];
  return index === undefined ? undefined : Number(index);
}

/** The error of a file with faults, by line, with the endpoint's issues with the rest if it can be reached. */
export async function fileError(
  path: string,
  { renames, places, faults }: RenamesFile,
  ask: AskForPlan,
): Promise<UsageError> {
  let refused: { line: number; what: string }[] = [];
  try {
    refused = (await issuesOf(renames, ask)).map((issue) => ({
      line: Number(/\d+$/.exec(places[indexOf(issue)!])![0]),
      what: optionWords([inPlaces(issue.message, places), issue.hint ?? ""].join(" ").trim()),
    }));
  } catch {
    // A problem with the connection is reported once the file is right.
  }
  const lines = [...faults, ...refused].toSorted((a, b) => a.line - b.line)
    .map(({ line, what }) => `${path}, line ${line}: ${what}`);
  return new UsageError(lines.join("\n       "));
}

/** The same problem with all issues, if it has only those that are found without the database. */
export async function withAllIssues(
  error: unknown,
  renames: RenameEntry[],
  ask: AskForPlan,
): Promise<unknown> {
  if (!(error instanceof RenameError) || error.problem === undefined) return error;
  const { code, problem } = error;
  if (code !== "invalid_request" && code !== "invalid_identifier") return error;
  const issues = (problem.issues ?? []) as Issue[];
  if (issues.length === 0 || issues.some((issue) => issue.code || indexOf(issue) === undefined)) {
    return error;
  }
  const all = await issuesOf(renames, ask);
  return new RenameError(code, error.detail.replace(/ \(and \d+ more\)$/, "") + more(all), {
    ...error,
    problem: { ...problem, issues: all, issues_total: all.length },
    cause: error,
  });
}

const more = ({ length }: Issue[]) => length > 1 ? ` (and ${length - 1} more)` : "";
