/** What all work on a request needs: the database, its time limits, and where to report. */
import type { Progress } from "../../contract/responses.ts";
import type { Database } from "./database.ts";
import type { Limits } from "../limits.ts";

export interface DatabaseContext {
  database: Database;
  limits: Limits;
  /** Called with the phase that the work has reached. */
  progress: (progress: Progress) => void;
  /** Called with what the caller is not told; never with secrets or rows. */
  log: (message: string, details: Record<string, unknown>) => void;
}
