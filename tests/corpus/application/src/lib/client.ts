import { createClient, type SupabaseClient } from "@supabase/supabase-js";
import type { Database } from "./database.types.ts";

export type Client = SupabaseClient<Database>;

export function makeClient(url: string, key: string): Client {
  return createClient<Database>(url, key, { auth: { persistSession: false } });
}

/** Pictures of experts; the bucket has the name that the table had, and keeps it. */
export function pictureUrl(client: Client, id: string): string {
  return client.storage.from("experts").getPublicUrl(`${id}.png`).data.publicUrl;
}
