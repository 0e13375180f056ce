/** Names where ids are asked for: which migrations somebody means. */
import type { RenameClient } from "../../client/client.ts";
import type { Migration } from "../../contract/responses.ts";
import { UsageError } from "../exit_codes.ts";
import { readName } from "./table_names.ts";

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export interface Selection {
  migration_id?: string;
  batch_id?: string;
  table?: string;
  schema?: string;
}

/**
 * The selection as the endpoints take it: `schema.name` is taken apart if no migration is of a table that is called
 * so; a name in place of an id means the renames of the table that has it, old or new.
 *
 * @param otherwise The schema of a name without one. Default: the endpoint's own, public.
 * @throws {UsageError} No batch, or more than one, renamed the table.
 */
export async function withoutNames(
  client: RenameClient,
  selection: Selection,
  otherwise?: string,
): Promise<Selection> {
  const { migration_id, batch_id, table, schema } = selection;
  if (batch_id !== undefined) {
    return {
      batch_id: UUID.test(batch_id) ? batch_id : await batchOf(client, batch_id, otherwise),
    };
  }
  const name = table ?? migration_id!;
  if (UUID.test(name) && schema === undefined) return { migration_id: name };
  return await tableNamed(client, name, schema, otherwise);
}

async function tableNamed(
  client: RenameClient,
  name: string,
  schema?: string,
  otherwise?: string,
): Promise<{ table: string; schema?: string }> {
  if (schema !== undefined) return { table: name, schema };
  const read = readName(name);
  const inDefault = (table: string) => ({
    table,
    ...(otherwise !== undefined && { schema: otherwise }),
  });
  if (read.schema === undefined) return inDefault(read.name);
  const { migrations } = await client.listMigrations({ ...inDefault(name), limit: 1 });
  return migrations.length > 0 ? inDefault(name) : { table: read.name, schema: read.schema };
}

async function batchOf(client: RenameClient, name: string, otherwise?: string): Promise<string> {
  const { migrations } = await client.listMigrations({
    schema: "public",
    ...await tableNamed(client, name, undefined, otherwise),
    limit: 200,
  });
  const open = ({ status }: Migration) => status === "active" || status === "pending";
  const batches = new Set(migrations.filter(open).map(({ batch_id }) => batch_id));
  if (batches.size === 1) return [...batches][0];
  throw new UsageError(
    batches.size === 0
      ? `no batch that is proposed or active has a table ${name}`
      : `${batches.size} batches renamed ${name}; list-migrations --table ${name} --verbose shows their ids`,
  );
}
