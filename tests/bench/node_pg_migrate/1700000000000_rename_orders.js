/**
 * The rename as a user of node-pg-migrate writes it: the hand-written statements, each a step of a migration.
 * The transaction around them is node-pg-migrate's.
 */
import { handWritten, pairs } from "../tables.ts";

/** @param {import("node-pg-migrate").MigrationBuilder} pgm */
export function up(pgm) {
  for (const statement of handWritten(pairs(1))) {
    if (statement !== "begin" && statement !== "commit") pgm.sql(statement);
  }
}

export const down = false;
