import { client, formatPrice, plural, TABLES as T } from "@/lib";
import { cached, forget } from "@/lib/cache";
import type { NewOrderLine, Order, OrderStatus } from "@/lib/types";

const WITH_LINES = "id, status, order_items(quantity, price, products(title)), customers(name)";

/** Orders with their lines, the oldest first. */
export async function orders() {
  const { data, error } = await client().from(T.orders).select(WITH_LINES).order("id");
  if (error) throw error;
  return data.map(({ id, status, order_items: lines, customers: { name } }) => ({
    id,
    status,
    name,
    lines: lines.map(({ quantity, products }) => `${quantity} × ${products.title}`).toSorted(),
    total: formatPrice(lines.reduce((sum, line) => sum + line.quantity * line.price, 0)),
  }));
}

export async function ordersInWords(): Promise<string> {
  const all = await cached(["orders"], orders);
  const open = all.filter(({ status }) => status === "new");
  return `${plural("orders", all.length)}, ${open.length} of them new`;
}

export async function placeOrder(customer: number, lines: Omit<NewOrderLine, "order_id">[]) {
  const { data: order } = await client().from("orders")
    .insert({ customer_id: customer })
    .select()
    .single()
    .throwOnError();
  await client().from(T.lines)
    .insert(lines.map((line) => ({ ...line, order_id: order.id })))
    .throwOnError();
  forget("orders");
  return order;
}

export async function setStatus(order: Pick<Order, "id">, status: OrderStatus): Promise<void> {
  const { error } = await client().from(T.orders).update({ status }).eq("id", order.id);
  if (error) throw new Error("orders: " + error.message);
}

export async function withAProduct(slug: string) {
  return await client()
    .from("orders")
    .select("id, order_items!inner(product_id, products!inner(slug))")
    .eq("order_items.products.slug", slug);
}

export async function salesOf(product: number): Promise<number> {
  const { data } = await client().from("order_items")
    .select("quantity")
    .eq("product_id", product)
    .throwOnError();
  return data.reduce((sum, { quantity }) => sum + quantity, 0);
}

/** Each change of an order, as it comes. */
export function watchOrders(changed: (id: number) => void): () => void {
  const channel = client().channel("orders")
    .on(
      "postgres_changes",
      { event: "*", schema: "public", table: "orders" },
      ({ new: row }) => changed((row as Order).id),
    )
    .on("broadcast", { event: "orders" }, () => forget("orders"))
    .subscribe();
  return () => void channel.unsubscribe();
}

export function watchTables(changed: (table: string) => void) {
  let channel = client().channel("tables");
  for (const table of [T.orders, T.lines]) {
    channel = channel.on(
      "postgres_changes",
      { event: "*", schema: "public", table },
      () => changed(table),
    );
  }
  return channel.subscribe();
}
