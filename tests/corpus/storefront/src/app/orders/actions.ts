"use server";
import { client, TABLES } from "@/lib";

function revalidatePath(path: string): string {
  return path;
}

export async function cancelOrder(form: FormData): Promise<string> {
  const id = Number(form.get("orders"));
  await client().from(TABLES.orders).delete().eq("id", id);
  return revalidatePath("/orders");
}

export async function addLine(form: FormData): Promise<string> {
  const { error } = await client().from(TABLES["lines"]).insert({
    order_id: Number(form.get("order")),
    product_id: Number(form.get("products")),
    quantity: 1,
    price: 0,
  });
  if (error?.code === "23503") return "There are no such products";
  return revalidatePath("/products");
}
