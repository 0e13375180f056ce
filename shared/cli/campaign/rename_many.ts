/** `rename-table` for many tables: by patterns, by phase, and in waves. */
import { writeFile } from "node:fs/promises";
import type { RenameClient } from "../../client/client.ts";
import { MAX_RENAMES } from "../../contract/names.ts";
import type { AnalyzedTable } from "../../contract/responses.ts";
import { describeWanted } from "../../report/waves.ts";
import { commandLine } from "../arguments/command_line.ts";
import { mustAsk, requireSomebody } from "../terminal/confirm.ts";
import { type CommandContext, printAnswer, runCommand } from "../context.ts";
import { EXIT, messageOf, UsageError } from "../exit_codes.ts";
import { callerPath, codeOf } from "../files/paths.ts";
import { runOperation } from "../operation.ts";
import { printed } from "../terminal/print.ts";
import { allMigrations } from "../../client/all_migrations.ts";
import {
  type Fields,
  type ManyOptions,
  placeOf,
  renameOf,
  showWanted,
  Waves,
} from "./run_waves.ts";
import type { Wanted } from "../../contract/new_names.ts";
import { leavingOutProposed, requirePossible } from "./wanted.ts";
import { inWaves } from "./waves.ts";

export interface Found {
  wanted: Wanted[];
  tables: AnalyzedTable[];
}

/**
 * Finds the renames, prints them, and makes them: in one batch or, where they are too many for one, in waves.
 *
 * @param find The renames that are wanted, and the tables of their schemas.
 */
export async function renameMany(
  context: CommandContext,
  options: ManyOptions,
  fields: Fields,
  find: (client: RenameClient) => Promise<Found>,
): Promise<void> {
  const { write, wave = MAX_RENAMES } = options;
  if (wave < 1 || wave > MAX_RENAMES) {
    throw new UsageError(`--wave should be 1 to ${MAX_RENAMES}, the most that a batch takes`);
  }
  let batch: Wanted[] | undefined;
  await runCommand(context, options, async ({ client, url }) => {
    const all = await find(client);
    const found = options.propose
      ? {
        ...all,
        wanted: leavingOutProposed(all.wanted, await allMigrations(client, { status: "pending" })),
      }
      : all;
    const toDo = found.wanted.filter(({ done }) => !done);
    requirePossible(found.wanted, found.tables);
    if (write !== undefined) return await writeRenames(context, write, toDo);
    if (toDo.length === 0) return nothingToDo(context, options, found.wanted);
    const waves = inWaves(found.wanted, found.tables, wave);
    const asks = mustAsk("rename", options, url);
    if (asks) requireSomebody(context, "rename", url);
    if (waves.length > 1) {
      return await new Waves(context, options, { client, url, fields }, waves).run(asks);
    }
    if (!asks && !options.plan) showWanted(context, options, found.wanted);
    batch = toDo;
    return EXIT.done;
  });
  if (batch === undefined) return;
  const request = { ...fields, renames: batch.map(renameOf) };
  const places = batch.map(placeOf);
  await runOperation(
    context,
    "rename",
    options,
    (client, call, changes) => client.rename({ ...request, ...changes }, call),
    places,
  );
}

function nothingToDo(context: CommandContext, options: ManyOptions, wanted: Wanted[]): number {
  const one = wanted.length === 1;
  const proposed = wanted.some((one) => one.proposed);
  const text = `Nothing to do: ${one ? "the table" : `all ${wanted.length} tables`} ${
    proposed
      ? `${one ? "is" : "are"} proposed, or ${one ? "has its new name" : "have their new names"},`
      : one
      ? "has its new name"
      : "have their new names"
  } already.`;
  printAnswer(context, { waves: [], already: wanted.map(renameOf) }, () => ({
    sections: [[{ is: "text", text }]],
  }), options);
  return EXIT.done;
}

/** @throws {UsageError} The file cannot be written, or is there already. */
async function writeRenames(
  { terminal: { env, out } }: CommandContext,
  given: string,
  renames: Wanted[],
): Promise<number> {
  if (!/\.(csv|json)$/i.test(given)) {
    throw new UsageError(`--write ${given}: the name should end in .csv or .json`);
  }
  if (renames.length === 0) {
    throw new UsageError("there is nothing to write: all is renamed already");
  }
  const text = /json$/i.test(given)
    ? `${JSON.stringify({ renames: renames.map(renameOf) }, null, 2)}\n`
    : csvOf(renames);
  try {
    await writeFile(callerPath(given, env), text, { flag: "wx" });
  } catch (cause) {
    const why = codeOf(cause) === "EEXIST" ? "it exists already" : messageOf(cause);
    throw new UsageError(`${given} cannot be written: ${why}`, { cause });
  }
  out.write(printed(describeWanted(renames, []), out));
  out.write(
    `\nWritten to ${given}; nothing was renamed. To rename them:\n  ${
      commandLine(["rename-table", "--from-file", given])
    }`,
  );
  return EXIT.done;
}

const csvOf = (renames: Wanted[]): string =>
  [
    "old_name,new_name,schema",
    ...renames.map(({ old_name, new_name, schema }) =>
      [old_name, new_name, schema].map(csvCell).join(",")
    ),
    "",
  ].join("\n");

const csvCell = (text: string): string =>
  /^\w+$/.test(text) ? text : `"${text.replaceAll('"', '""')}"`;
