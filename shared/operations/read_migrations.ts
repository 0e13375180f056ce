/** Migrations as an answer tells of them. */
import type { Migration } from "../contract/responses.ts";
import { migrationsById, migrationsFromRows } from "../tracking/migrations.ts";
import type { OperationContext } from "./context.ts";

/** The rows of these migrations, in this order. */
export async function readMigrations(
  { database }: OperationContext,
  ids: string[],
): Promise<Migration[]> {
  if (ids.length === 0) return [];
  const rows = migrationsFromRows(
    await database.whileReachable(() => database.query(migrationsById(ids))),
  );
  const byId = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => byId.get(id) ?? []);
}
