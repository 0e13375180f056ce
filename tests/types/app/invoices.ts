/** Invoices: a schema of its own, with names that need quotes. */
import {
  type Client,
  dataOf,
  type Tables,
  type TablesInsert,
  type TablesUpdate,
} from "./database.ts";

export type Invoice = Tables<{ schema: "sales" }, "Invoices">;
export type NewInvoice = TablesInsert<{ schema: "sales" }, "Invoices">;
export type InvoiceChanges = TablesUpdate<{ schema: "sales" }, "Invoices">;
export type Line = Tables<{ schema: "sales" }, "invoice_lines">;

export async function invoices(client: Client): Promise<Invoice[]> {
  return dataOf("invoices", await client.schema("sales").from("Invoices").select("*"));
}

export async function total(client: Client, number: string): Promise<number> {
  const found = dataOf(
    "total",
    await client.schema("sales").from("Invoices").select(`"Total Amount", invoice_lines(amount)`)
      .eq("number", number).single(),
  );
  return found.invoice_lines.reduce((sum, { amount }) => sum + amount, 0);
}

export async function bill(client: Client, expert_id: number, lines: string[]): Promise<Line[]> {
  const invoice: NewInvoice = { number: "2026-1", expert_id, "Total Amount": 100 * lines.length };
  const sales = client.schema("sales");
  const { id } = dataOf("billing", await sales.from("Invoices").insert(invoice).select().single());
  const rows = lines.map((text) => ({ invoice_id: id, text, amount: 100 }));
  return dataOf("lines", await sales.from("invoice_lines").insert(rows).select());
}

export async function numbersOfLines(client: Client): Promise<string[]> {
  const found = dataOf(
    "lines",
    await client.schema("sales").from("invoice_lines").select("text, Invoices(number)"),
  );
  return found.map(({ text, Invoices }) => `${Invoices.number}: ${text}`);
}

export async function correct(client: Client, id: Invoice["id"], changes: InvoiceChanges) {
  await client.schema("sales").from("Invoices").update(changes).eq("id", id).throwOnError();
}
