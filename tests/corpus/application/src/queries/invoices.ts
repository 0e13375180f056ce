import type { Client } from "../lib/client.ts";
import type { Invoice } from "../lib/types.ts";

export async function unpaid(client: Client): Promise<Invoice[]> {
  const { data, error } = await client.schema("billing").from("invoices").select()
    .is("paid_at", null);
  if (error) throw error;
  return data;
}

export async function pay(client: Client, id: string, at: string): Promise<void> {
  const billing = client.schema("billing");
  const { error } = await billing.from("invoices").update({ paid_at: at }).eq("id", id);
  if (error) throw error;
}
