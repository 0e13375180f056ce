import { createClient } from "@supabase/supabase-js";
import type { Database } from "../../../src/lib/database.types.ts";

/** Mails everybody who has a booking tomorrow. */
export async function remind(url: string, key: string, send: (to: string, text: string) => void) {
  const client = createClient<Database>(url, key);
  const { data, error } = await client.from("bookings")
    .select("starts_at, experts(name), customers(email)").eq("status", "open");
  if (error) throw error;
  for (const { starts_at, experts, customers } of data) {
    send(customers.email, `See you at ${starts_at}: ${experts.name}`);
  }
}
