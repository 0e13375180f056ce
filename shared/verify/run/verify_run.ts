/** One test of verify while it is made: what is tested, the session, a way to run blocks, and what was found. */
import type { VerifyRequest } from "../../contract/requests.ts";
import type { VerifyCheck, VerifyFailure, VerifySession } from "../../contract/responses.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import type { RecordedRename } from "../../facts/migration.ts";
import type { SideEffectFacts, VerifyFacts } from "../../facts/verify_facts.ts";
import type { Session } from "../../postgres/connection/database.ts";
import type { DatabaseContext } from "../../postgres/connection/database_context.ts";
import { isCancelled, statementError } from "../../postgres/database_errors.ts";
import { remainingMs, requireTime } from "../../postgres/limits.ts";
import { wholeTransaction } from "../../postgres/transaction.ts";
import { blockMessage, type BlockOptions, blockOutcome, CLEAN_SESSION } from "../block.ts";
import {
  type Mismatch,
  type NameOutcome,
  type Names,
  refusedThroughBothNames,
} from "../both_names.ts";
import type { Persona, UntriedRole } from "../personas.ts";
import type { TestTable } from "../test_row.ts";

export interface VerifyTarget {
  migration: RecordedRename;
  table: RelationFacts;
  view: RelationFacts;
  facts: VerifyFacts;
  names: Names;
  testTable: TestTable;
  /** Who is tried; the first may do most. */
  personas: Persona[];
  untriedRoles: UntriedRole[];
  /** In whose session statements are run, and whether they may be. */
  session: VerifySession;
}

/** Longest time of one test, in milliseconds; what is not tried by then is named. */
const TEST_MS = 20_000;

/** Left for the answer. */
const RESERVE_MS = 5_000;

const MAX_FAILURES = 20;

/** A block that was not run, or not to its end. */
export class Untried {
  constructor(readonly why: string, readonly sqlstate: string | null = null) {}
}

export class VerifyRun {
  readonly failures: VerifyFailure[] = [];
  /** What could not be compared, and why: `anon: it took longer than 200 ms`. */
  readonly untried: string[] = [];
  readonly #started = performance.now();

  constructor(
    readonly context: DatabaseContext,
    readonly session: Session,
    readonly request: VerifyRequest,
    readonly target: VerifyTarget,
  ) {}

  /** Why nothing may be run or explained; null where it may. */
  get whyNothingRuns(): string | null {
    const { executed, detail } = this.target.session;
    return executed ? null : detail;
  }

  /** What could have an effect that no rollback undoes, of all that writing runs. */
  get sentOnWrite(): SideEffectFacts[] {
    return this.target.facts.side_effects.filter(({ kind }) => kind === "sends");
  }

  get sentOnRead(): SideEffectFacts[] {
    return this.sentOnWrite.filter(({ on_read }) => on_read);
  }

  /** The first persona, and those as whom requests of the Data API come. */
  get ownerAndApi(): Persona[] {
    const [owner, ...others] = this.target.personas;
    return [owner, ...others.filter(({ api }) => api)];
  }

  get remainingMs(): number {
    const own = this.#started + TEST_MS - performance.now();
    return Math.max(0, Math.min(own, remainingMs(this.context.limits) - RESERVE_MS));
  }

  /**
   * Runs a block in a transaction that is rolled back.
   *
   * @throws {Problem} `deadline_exceeded` where the caller is gone; what the loss of the connection is.
   */
  async execute<Outcome>(
    block: string,
    options: Partial<BlockOptions> = {},
  ): Promise<Outcome | Untried> {
    requireTime(this.context.limits);
    if (this.whyNothingRuns !== null) return new Untried(this.whyNothingRuns);
    const timeoutMs = Math.min(options.timeoutMs ?? this.request.max_ms, this.remainingMs);
    if (timeoutMs < 1) return new Untried("the time for this test was up");
    const { table: { schema }, session, personas: [first] } = this.target;
    // A login of its own may do nothing by itself.
    const role = session.separate ? { role: first.role.name } : {};
    const message = blockMessage(block, { ...options, ...role, schema, timeoutMs });
    try {
      return blockOutcome(await this.session.runWhole(message, timeoutMs));
    } catch (error) {
      await this.session.rollback();
      const sqlstate = statementError(error);
      if (sqlstate === null) throw error;
      await this.session.runWhole(wholeTransaction(CLEAN_SESSION));
      return isCancelled(error)
        ? new Untried(`it took longer than ${Math.round(timeoutMs)} ms`, sqlstate)
        : new Untried(`the server refused the test with ${sqlstate}`, sqlstate);
    }
  }

  /** Notes a failure where the names differ, or where both were refused since something is broken. */
  judge(persona: Persona, shown: string, mismatch: Mismatch | null, outcome: NameOutcome): void {
    const first = persona === this.target.personas[0];
    const wrong = mismatch ?? refusedThroughBothNames(outcome, this.request.acknowledge, first);
    if (wrong) this.failures.push({ statement: `as ${persona.label}: ${shown}`, ...wrong });
  }

  /** The test's result; sentences that are false or null are left out. */
  result(
    name: string,
    sentences: (string | false | null)[],
    figures: Record<string, unknown>,
    untriedRoles: UntriedRole[] = [],
  ): VerifyCheck {
    const untried = [...untriedRoles.map(({ role, why }) => `${role} (${why})`), ...this.untried];
    const more = this.failures.length - MAX_FAILURES;
    return {
      name,
      passed: this.failures.length === 0,
      detail: [
        ...sentences,
        untried.length > 0 && `Not tried: ${listed(untried)}.`,
        more > 0 && `${more} more failures are not listed.`,
      ].filter((sentence) => sentence).join(" "),
      figures,
      failures: this.failures.slice(0, MAX_FAILURES),
    };
  }
}

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

export const listedSideEffects = (found: SideEffectFacts[]): string =>
  listed(found.map(({ object, routine }) => `${object} (${routine})`));
