/** What the work on a request has from the server's side: the database, the time, and where to report to. */
import type { Progress } from "../contract/responses.ts";
import type { Database } from "./database.ts";
import type { Limits } from "./limits.ts";

export interface DatabaseContext {
  database: Database;
  /** Until when the work may go on. */
  limits: Limits;
  /** Called with the phase that the work has reached. */
  progress: (progress: Progress) => void;
  /** Called with what the caller is not to know; never with secrets or rows. */
  log: (message: string, details: Record<string, unknown>) => void;
}
