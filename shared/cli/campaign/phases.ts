/** Phases of the project file: which renames they are. */
import { join } from "node:path";
import type { RenameClient } from "../../client/client.ts";
import type { AnalyzedTable } from "../../contract/responses.ts";
import type { CommandContext } from "../context.ts";
import { UsageError } from "../exit_codes.ts";
import { readRenamesFile } from "../files/renames_file.ts";
import { defaultSchema } from "../project/defaults.ts";
import { PROJECT_FILE } from "../project/find_project_file.ts";
import type { Phase } from "../project/project_file.ts";
import { tablesOf } from "./tables.ts";
import { byPattern, type Wanted, type WantedRename } from "../../contract/new_names.ts";
import { byList, patternsFrom } from "./wanted.ts";

/**
 * The phase with this name.
 *
 * @throws {UsageError} There is none.
 */
export function phaseNamed({ project }: CommandContext, name: string): Phase {
  const phases = project?.settings.phases ?? [];
  const phase = phases.find((one) => one.name === name);
  if (phase !== undefined) return phase;
  throw new UsageError(
    project === undefined
      ? `--phase needs a ${PROJECT_FILE}; there is none in this folder or above`
      : phases.length === 0
      ? `${project.path} has no phases`
      : `there is no phase "${name}"; ${project.path} has ${
        phases.map((one) => `"${one.name}"`).join(", ")
      }`,
  );
}

/** A phase's renames as far as they can be known without the database. */
interface ReadPhase {
  phase: Phase;
  /** Undefined if the phase is a pattern. */
  renames?: (WantedRename & { place?: string })[];
  schemas: string[];
}

/** @throws {UsageError} The file of the phase is not as it should be. */
export async function readPhase(context: CommandContext, phase: Phase): Promise<ReadPhase> {
  const { project } = context;
  const schema = defaultSchema(context) ?? "public";
  if (phase.match !== undefined) {
    return { phase, schemas: phase.schemas ?? project?.settings.schemas ?? ["public"] };
  }
  const renames = phase.file === undefined
    ? phase.renames!.map(({ from, to, ...more }) => (
      { schema: more.schema ?? schema, old_name: from, new_name: to }
    ))
    : await renamesOfFile(join(project!.dir, phase.file), phase.file, schema);
  return { phase, renames, schemas: schemasOf(renames) };
}

export const schemasOf = (renames: WantedRename[]): string[] => [
  ...new Set(renames.map(({ schema }) => schema)),
];

async function renamesOfFile(path: string, given: string, schema: string) {
  const { renames, places, faults } = await readRenamesFile(path, given);
  if (faults.length > 0) {
    const lines = faults.map(({ line, what }) => `${given}, line ${line}: ${what}`);
    throw new UsageError(lines.join("\n       "));
  }
  return renames.map((one, index) => ({ schema, ...one, place: places[index] }));
}

/** The phase's renames, of the tables of its schemas. */
export function wantedOf(
  { phase, renames, schemas }: ReadPhase,
  tables: AnalyzedTable[],
): Wanted[] {
  if (renames !== undefined) return byList(tables, renames);
  const isOfPhase = schemas.map(schemaPattern);
  return byPattern(
    tables.filter(({ schema }) => isOfPhase.some((one) => one.test(schema))),
    patternsFrom([phase.match!], [phase.to!]),
  );
}

/** A schema's name, in which `*` is any text. */
const schemaPattern = (schema: string): RegExp =>
  new RegExp(
    `^${schema.split("*").map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, "\\$&")).join(".*")}$`,
    "su",
  );

/** The renames of a phase, and the tables of its schemas. */
export async function findPhase(
  context: CommandContext,
  client: RenameClient,
  name: string,
): Promise<{ wanted: Wanted[]; tables: AnalyzedTable[] }> {
  const read = await readPhase(context, phaseNamed(context, name));
  const tables = await tablesOf(client, read.schemas);
  const wanted = wantedOf(read, tables);
  if (wanted.length > 0) return { wanted, tables };
  throw new UsageError(`no table of the phase "${name}": nothing matches ${read.phase.match}`);
}
