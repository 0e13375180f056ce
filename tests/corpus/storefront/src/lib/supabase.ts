import { createClient as create, type SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "./database.types";

export type Shop = SupabaseClient<Database>;

let shared: Shop | undefined;

/** One client for all requests of this process. */
export function createClient(): Shop {
  return shared ??= create<Database>(
    process.env.SUPABASE_URL ?? "http://127.0.0.1:54321",
    process.env.SUPABASE_SECRET_KEY ?? "",
    { auth: { persistSession: false } },
  );
}
