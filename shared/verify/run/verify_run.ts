/** What the tests of verify work with: the relations, who is tried, and a way to run a trial within limits. */
import type { RecordedRename } from "../../facts/migration.ts";
import { remainingMs, requireTime } from "../../postgres/limits.ts";
import type { Session } from "../../postgres/database.ts";
import { isCancelled, statementError } from "../../postgres/database_errors.ts";
import { wholeTransaction } from "../../postgres/transaction.ts";
import type { VerifyRequest } from "../../contract/requests.ts";
import type { VerifyCheck, VerifyFailure, VerifySession } from "../../contract/responses.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { brokenAlike } from "../broken.ts";
import type { VerifyFacts } from "../../facts/verify_facts.ts";
import type { OwnTable } from "../own_row.ts";
import type { ReadTarget } from "../reads.ts";
import {
  LEAVE_NOTHING,
  type NameOutcome,
  outcomeOf,
  trialMessage,
  type TrialOptions,
} from "../trial.ts";
import type { NotTried, Persona } from "../personas.ts";
import type { DatabaseContext } from "../../postgres/database_context.ts";

export interface Subject {
  migration: RecordedRename;
  table: RelationFacts;
  view: RelationFacts;
  proof: VerifyFacts;
  own: OwnTable;
  target: ReadTarget;
  personas: Persona[];
  notTried: NotTried[];
  /** In whose session things are tried, and whether they may be. */
  session: VerifySession;
}

/** Longest time that one test takes, in milliseconds; what it has not got to by then is told. */
const TEST_MS = 20_000;

/** Time that is left for the answer, in milliseconds. */
const RESERVE_MS = 5_000;

/** A trial that was not made, or not to its end. */
export class Untried {
  constructor(readonly why: string, readonly sqlstate: string | null = null) {}
}

/** Runs trials until the test's time is up. */
export class VerifyRun {
  readonly #started = performance.now();

  constructor(
    readonly context: DatabaseContext,
    readonly session: Session,
    readonly request: VerifyRequest,
    readonly subject: Subject,
  ) {}

  /** Why nothing may be run or explained; null where it may. */
  get barred(): string | null {
    const { executed, detail } = this.subject.session;
    return executed ? null : detail;
  }

  /** What is wrong where both names were refused alike; null where nothing is. */
  broken(
    persona: Persona,
  ): (outcome: NameOutcome) => Pick<VerifyFailure, "expected" | "got"> | null {
    const first = persona === this.subject.personas[0];
    return (outcome) => brokenAlike(outcome, this.request.acknowledge, first);
  }

  /** Milliseconds that this test still has. */
  get remainingMs(): number {
    const own = this.#started + TEST_MS - performance.now();
    return Math.max(0, Math.min(own, remainingMs(this.context.limits) - RESERVE_MS));
  }

  /**
   * Runs a block in a transaction that is rolled back.
   *
   * @throws {Problem} `deadline_exceeded` where the caller is gone; what the loss of the connection is.
   */
  async run<Outcome>(
    block: string,
    options: Partial<TrialOptions> = {},
  ): Promise<Outcome | Untried> {
    requireTime(this.context.limits);
    if (this.barred !== null) return new Untried(this.barred);
    const timeoutMs = Math.min(options.timeoutMs ?? this.request.max_ms, this.remainingMs);
    if (timeoutMs < 1) return new Untried("the time for this test was up");
    const { table: { schema }, session, personas: [first] } = this.subject;
    // Its login can do nothing by itself.
    const role = session.separate ? { role: first.role.name } : {};
    const message = trialMessage(block, { ...options, ...role, schema, timeoutMs });
    try {
      return outcomeOf(await this.session.runWhole(message, timeoutMs));
    } catch (error) {
      await this.session.rollback();
      const sqlstate = statementError(error);
      if (sqlstate === null) throw error;
      await this.session.runWhole(wholeTransaction(LEAVE_NOTHING));
      return isCancelled(error)
        ? new Untried(`it took longer than ${Math.round(timeoutMs)} ms`, sqlstate)
        : new Untried(`the server refused the trial with ${sqlstate}`, sqlstate);
    }
  }
}

/** Most failures that one test lists. */
const MAX_FAILURES = 20;

/** Puts a test's result together. */
export function check(
  name: string,
  sentences: (string | false | null | undefined)[],
  failures: VerifyFailure[],
  figures?: Record<string, unknown>,
): VerifyCheck {
  const more = failures.length - MAX_FAILURES;
  return {
    name,
    passed: failures.length === 0,
    detail: [...sentences, more > 0 && `${more} more failures are not listed.`]
      .filter((sentence) => typeof sentence === "string" && sentence !== "").join(" "),
    ...(figures && { figures }),
    failures: failures.slice(0, MAX_FAILURES),
  };
}

/** A test that could not be made. */
export const skipped = (name: string, why: string): VerifyCheck => ({
  name,
  passed: true,
  skipped: true,
  detail: why,
  failures: [],
});

/** `a, b and c`, at most ten of them. */
export function listed(items: string[]): string {
  const unique = [...new Set(items)];
  const shown = unique.slice(0, 10);
  if (unique.length > shown.length) return `${shown.join(", ")} and ${unique.length - 10} more`;
  if (shown.length < 2) return shown.join("");
  return `${shown.slice(0, -1).join(", ")} and ${shown.at(-1)}`;
}

/** `1 role`, `3 roles`. */
export const counted = (count: number, noun: string): string =>
  `${count} ${noun}${count === 1 ? "" : "s"}`;

/** Which roles and trials were left out, and why. */
export function notTriedSentence(roles: NotTried[], trials: string[]): string | null {
  const all = [...roles.map(({ role, why }) => `${role} (${why})`), ...trials];
  return all.length === 0 ? null : `Not tried: ${listed(all)}.`;
}
