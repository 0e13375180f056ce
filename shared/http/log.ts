/**
 * What functions log: one line of JSON per event. No secrets, no rows, no statements with values; table names are
 * logged, as callers see them too.
 */
import type { Problem } from "../contract/problems.ts";
import type { Progress } from "../contract/responses.ts";
import { describeCause, withoutControls, withoutSecrets } from "./log_redaction.ts";
import { LOG_LEVELS, type LogLevel, type Settings } from "./settings.ts";

/** Most migration ids in one line. */
const MAX_IDS = 100;

/** Logs what went wrong beside a request's work, and that its caller is not told. */
export type Log = (message: string, details: Record<string, unknown>) => void;

/** The log of one request. Its last line, `request`, reports the outcome. */
export class RequestLog {
  readonly #settings: Settings;
  readonly #started: number;
  readonly #request: { request_id: string; function: string; method: string };
  readonly #phases = new Map<string, number>();
  #phase: { name: string; since: number } | undefined;
  #actor: string | undefined;

  /** @param started When the request came in, on the clock of `performance.now()`. */
  constructor(request: Request, requestId: string, settings: Settings, started: number) {
    this.#settings = settings;
    this.#started = started;
    this.#request = {
      request_id: requestId,
      // The platform's path is /NAME, that of a gateway can be longer.
      function: new URL(request.url).pathname.split("/").filter(Boolean).at(-1)?.slice(0, 50) ?? "",
      method: request.method,
    };
  }

  /** Sets who called, once that is known. */
  setActor(actor: string): void {
    this.#actor = actor;
  }

  readonly notice: Log = (message, { cause, ...details }): void => {
    this.#write("error", "notice", {
      message,
      ...details,
      ...(cause === undefined ? {} : { cause: describeCause(cause) }),
    });
  };

  /** Notes the phase that the work has reached. */
  readonly progress = (progress: Progress): void => {
    const { phase, attempt, waited_ms, blockers, done, total } = progress;
    if (phase !== this.#phase?.name) this.#enter(phase);
    this.#write("debug", "phase", {
      phase,
      attempt,
      waited_ms,
      // Only the caller is told who they are and what they run.
      blockers: blockers?.length,
      done,
      total,
    });
  };

  /** The last line of a request that was answered. */
  answered(status: number, answer: unknown): void {
    this.#write("info", "request", { ...this.#outcome(), status, ...figuresOf(answer) });
  }

  /** The last line of a request that was refused or failed. */
  failed({ status, code, message, fields, cause }: Problem): void {
    const { attempts, waited_ms, blockers } = fields;
    this.#write(status >= 500 ? "error" : "warn", "request", {
      ...this.#outcome(),
      status,
      code,
      lock: attempts === undefined ? undefined : { attempts, waited_ms },
      blockers: Array.isArray(blockers) ? blockers.length : undefined,
      ...(status >= 500 ? { message, cause: describeCause(cause) } : {}),
    });
  }

  #enter(name: string): void {
    const now = performance.now();
    if (this.#phase !== undefined) {
      const { name: before, since } = this.#phase;
      this.#phases.set(before, (this.#phases.get(before) ?? 0) + now - since);
    }
    this.#phase = { name, since: now };
  }

  #outcome() {
    if (this.#phase !== undefined) this.#enter("done");
    return {
      actor: this.#actor,
      duration_ms: hundredths(performance.now() - this.#started),
      phases_ms: this.#phases.size === 0 ? undefined : Object.fromEntries(
        [...this.#phases].map(([name, ms]) => [name, hundredths(ms)]),
      ),
    };
  }

  #write(
    level: Exclude<LogLevel, "silent">,
    event: string,
    details: Record<string, unknown>,
  ): void {
    const { logLevel = "info" } = this.#settings;
    if (LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(logLevel)) return;
    const time = new Date().toISOString();
    // JSON.stringify leaves out what is undefined.
    const line = JSON.stringify({ time, level, event, ...this.#request, ...details });
    // The platform takes the level from the console's method.
    console[level](withoutControls(withoutSecrets(line, this.#settings)));
  }
}

/** The figures of an answer, whichever operation gave it. */
function figuresOf(answer: unknown): Record<string, unknown> {
  if (typeof answer !== "object" || answer === null) return {};
  const { batch_id, mode, plan_hash, lock, verification, migrations, findings } = answer as Record<
    string,
    unknown
  >;
  const list = Array.isArray(migrations) ? migrations as { id?: unknown }[] : undefined;
  const { passed } = (verification ?? {}) as { passed?: unknown };
  return {
    mode,
    batch_id: batch_id ?? undefined,
    plan_hash,
    migrations: list?.length,
    migration_ids: mode === undefined ? undefined : list?.slice(0, MAX_IDS).map(({ id }) => id),
    findings: Array.isArray(findings) ? findings.length : undefined,
    lock: lock ?? undefined,
    verified: passed,
  };
}

const hundredths = (ms: number) => Math.round(ms * 100) / 100;
