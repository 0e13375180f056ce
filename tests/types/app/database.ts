/** The one place that names the generated types. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "./types/table-aliases.ts";

export type {
  Database,
  Enums,
  Json,
  Tables,
  TablesInsert,
  TablesUpdate,
} from "./types/table-aliases.ts";

export type Client = SupabaseClient<Database>;

export function connect(url: string, key: string): Client {
  return createClient<Database>(url, key, { auth: { persistSession: false } });
}

/** What went wrong, with the name of what was being done. */
export class StoreError extends Error {
  override name = "StoreError";

  constructor(doing: string, cause: { message: string }) {
    super(`${doing}: ${cause.message}`, { cause });
  }
}

/** The data of an answer; an answer without data is an error. */
export function dataOf<Data>(
  doing: string,
  answer: { data: Data; error: { message: string } | null },
): NonNullable<Data> {
  if (answer.error) throw new StoreError(doing, answer.error);
  if (answer.data === null || answer.data === undefined) {
    throw new StoreError(doing, { message: "no data" });
  }
  return answer.data;
}
