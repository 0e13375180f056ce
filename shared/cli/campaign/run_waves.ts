/** Renames in waves: batches that follow each other, until one is refused. */
import { createHash } from "node:crypto";
import { type RenameClient, RenameError } from "../../client/client.ts";
import type { RenameInput } from "../../contract/requests.ts";
import type { OperationAnswer } from "../../contract/responses.ts";
import { shownName } from "../../report/migrations.ts";
import { counted } from "../../report/document/text.ts";
import { describeWanted, describeWaves, isStopped, type ShownWave } from "../../report/waves.ts";
import { commandLine, optionIn } from "../arguments/command_line.ts";
import { ask } from "../terminal/confirm.ts";
import { type CommandContext, notVerified, printAnswer, printProblem } from "../context.ts";
import { EXIT, exitCodeOf, UsageError } from "../exit_codes.ts";
import { interruptible } from "../terminal/interrupt.ts";
import { type OperationOptions, showsProgress } from "../arguments/options.ts";
import { printed } from "../terminal/print.ts";
import { withProgress } from "../terminal/progress.ts";
import type { Wanted } from "../../contract/new_names.ts";

export interface ManyOptions extends OperationOptions {
  /** Most tables of a wave. Default: as many as a batch takes. */
  wave?: number;
  /** A file to write, in place of renaming. */
  write?: string;
}

/** The request's fields beside the renames. */
export type Fields = Omit<Extract<RenameInput, { renames: unknown }>, "renames">;

export const renameOf = ({ schema, old_name, new_name }: Wanted) => ({
  schema,
  old_name,
  new_name,
});

export const placeOf = ({ place, schema, old_name }: Wanted): string =>
  place ?? shownName(schema, old_name);

function alreadyDone(wanted: Wanted[]): string[] {
  const done = wanted.filter(({ done }) => done);
  const proposed = done.filter((one) => one.proposed).length;
  return [
    [done.length - proposed, "table has its new name", "tables have their new names"] as const,
    [proposed, "table is proposed", "tables are proposed"] as const,
  ].flatMap(([count, one, several]) =>
    count === 0
      ? []
      : [`${counted(count, one, several)} already, and ${count === 1 ? "is" : "are"} left out.`]
  );
}

export function showWanted(
  { terminal: { err } }: CommandContext,
  { json, markdown, quiet, verbose }: ManyOptions,
  wanted: Wanted[],
): void {
  if (json || markdown || quiet) return;
  const document = describeWanted(wanted.filter(({ done }) => !done), alreadyDone(wanted));
  err.write(`${printed(document, { ...err, verbose })}\n`);
}

interface Connection {
  client: RenameClient;
  url: string;
  fields: Fields;
}

const ENDED = new Set<ShownWave["state"]>(["done", "proposed", "already"]);

/** Batches that follow each other, until one is refused. */
export class Waves {
  readonly #context: CommandContext;
  readonly #options: ManyOptions;
  readonly #connection: Connection;
  readonly #waves: Wanted[][];
  readonly #shown: ShownWave[];
  readonly #answers: OperationAnswer[] = [];

  constructor(
    context: CommandContext,
    options: ManyOptions,
    connection: Connection,
    waves: Wanted[][],
  ) {
    const { expectedPlanHash, migrationFile } = options;
    if (expectedPlanHash !== undefined || migrationFile !== undefined) {
      throw new UsageError(
        `these are ${waves.length} waves; --expected-plan-hash and --migration-file are for one batch`,
      );
    }
    this.#context = context;
    this.#options = options;
    this.#connection = connection;
    this.#waves = waves;
    this.#shown = waves.map((wave) => ({
      tables: wave.length,
      first: shownName(wave[0].schema, wave[0].old_name),
      last: shownName(wave.at(-1)!.schema, wave.at(-1)!.old_name),
      state: wave.every(({ done }) => done) ? "already" : "not_begun",
    }));
  }

  async run(asks: boolean): Promise<number> {
    const wanted = this.#waves.flat();
    const { url } = this.#connection;
    const toDo = wanted.filter(({ done }) => !done);
    if (asks) {
      const document = describeWanted(toDo, [
        ...alreadyDone(wanted),
        `They are renamed in ${
          counted(this.#waves.length, "wave")
        }, each a batch of its own: all of it or nothing.`,
      ]);
      const count = toDo.length;
      if (!await ask(this.#context, "rename", url, { count, document })) return EXIT.unexpected;
    } else showWanted(this.#context, this.#options, wanted);
    const error = await interruptible(
      (signal) => this.#each(signal),
      () => `Interrupted. ${this.#summary()} The wave under way may be done, too. ${this.#how()}`,
    );
    this.#print(error);
    if (error !== undefined) return exitCodeOf(error);
    if (this.#answers.some(({ would_be_refused }) => would_be_refused !== undefined)) {
      return EXIT.refused;
    }
    return this.#answers.some(({ verification }) => verification?.passed === false)
      ? notVerified(this.#context.terminal)
      : EXIT.done;
  }

  /** Stops at the first wave that is refused, and returns why; also after one that did not pass its verification. */
  async #each(signal: AbortSignal): Promise<RenameError | undefined> {
    for (const [index, wave] of this.#waves.entries()) {
      const renames = wave.filter(({ done }) => !done);
      if (renames.length === 0) continue;
      const shown = this.#shown[index];
      try {
        const answer = await this.#send(renames, index, signal);
        this.#answers.push(answer);
        shown.state = answer.would_be_refused !== undefined
          ? "refused"
          : this.#options.plan
          ? "planned"
          : this.#options.propose
          ? "proposed"
          : "done";
        Object.assign(shown, detailsOf(answer));
        if (answer.verification?.passed === false) return undefined;
      } catch (error) {
        if (!(error instanceof RenameError)) throw error;
        // Where the functions gave no answer of their own, it may be done.
        shown.state = error.problem === undefined ? "unknown" : "refused";
        shown.why = error.code;
        return error;
      }
    }
    return undefined;
  }

  async #send(renames: Wanted[], index: number, signal: AbortSignal): Promise<OperationAnswer> {
    const { client, url, fields } = this.#connection;
    const { terminal: { err } } = this.#context;
    const request = { ...fields, renames: renames.map(renameOf) };
    const wanted = showsProgress(this.#options);
    if (wanted && err.showLine === undefined) {
      err.write(`Wave ${index + 1} of ${this.#waves.length}: ${counted(renames.length, "table")}`);
    }
    const key = this.#options.plan ? {} : await waveKey(client, url, request);
    return await withProgress(
      err,
      wanted,
      (onProgress) => client.rename(request, { onProgress, signal, ...key }),
    );
  }

  #summary(): string {
    const done = this.#shown.filter(({ state }) => ENDED.has(state));
    const tables = done.reduce((sum, { tables }) => sum + tables, 0);
    const all = this.#waves.flat().length;
    const [are, have] = this.#options.propose
      ? ["proposed", "are proposed"]
      : ["done", "have their new names"];
    return `${done.length} of ${counted(this.#waves.length, "wave")} are ${are}: ${tables} of ${
      counted(all, "table")
    } ${have}.`;
  }

  /** A proposal is named by a table of it, so that another person can apply it. */
  #commandsToApply(): string[] {
    const more = optionIn(this.#context.args, "--db-url");
    return this.#waves.flatMap((wave, index) => {
      const one = wave.find(({ done }) => !done);
      if (one === undefined || this.#shown[index].state !== "proposed") return [];
      const table = shownName(one.schema, one.old_name);
      return [commandLine(["rename-table", "--batch-id", table, ...more])];
    });
  }

  #how(): string {
    return `To go on, where it stopped:\n  ${commandLine(this.#context.args)}`;
  }

  #print(error: RenameError | undefined): void {
    const { url } = this.#connection;
    const options = this.#options;
    const shown = this.#shown;
    const stopped = isStopped(shown);
    const planned = options.plan === true;
    const tables = counted(this.#waves.flat().length, "table");
    const answer = {
      waves: shown,
      answers: this.#answers,
      ...(error !== undefined && { problem: error.problem ?? { detail: error.detail } }),
    };
    const title = planned
      ? `rename of ${tables}`
      : stopped
      ? this.#summary()
      : options.propose
      ? `Proposed the rename of ${tables}`
      : `Renamed ${tables}`;
    const goOn = stopped && !planned ? commandLine(this.#context.args) : undefined;
    printAnswer(
      this.#context,
      answer,
      () => describeWaves(shown, { url, title, planned, goOn, apply: this.#commandsToApply() }),
      options,
    );
    if (error === undefined || options.json) return;
    const wave =
      this.#waves[shown.findIndex(({ state }) => state === "refused" || state === "unknown")];
    const places = wave.filter(({ done }) => !done).map(placeOf);
    printProblem(this.#context, error, { ...options, places });
  }
}

function detailsOf(
  { lock, findings, would_be_refused }: OperationAnswer,
): Pick<ShownWave, "waited" | "why"> {
  if (would_be_refused !== undefined) return { why: would_be_refused.code };
  if (lock !== null) return { waited: `${lock.held_ms} ms` };
  const grave = findings.filter(({ severity }) => severity !== "info").length;
  return grave === 0 ? {} : { why: counted(grave, "finding") };
}

/**
 * A key by which the same wave is known when it is asked for again. The latest migration is part of it: after a
 * rollback the same renames are new work.
 */
async function waveKey(client: RenameClient, url: string, request: object) {
  const { migrations: [latest] } = await client.listMigrations({ limit: 1 });
  const content = JSON.stringify([url, latest?.id, latest?.status, request]);
  const idempotencyKey = `wave-${createHash("sha256").update(content).digest("hex")}`;
  return { idempotencyKey, retries: "unanswered" as const };
}
