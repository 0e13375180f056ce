import { client, REVIEWS, TABLES } from "@/lib";
import * as tables from "@/lib/tables";
import type { CustomerChanges } from "@/lib/types";

const db = () => client();

/** Who bought how often, and what they say. */
export async function customers() {
  const { data, error } = await db().from(TABLES.customers)
    .select("name, orders, bought:orders(id, status), reviews(stars, products(title))")
    .order("name");
  if (error) throw error;
  return data.map(({ name, orders: counted, bought, reviews }) => ({
    name,
    counted,
    bought: bought.length,
    reviews: reviews.map(({ stars, products }) => `${products.title}: ${stars}`),
  }));
}

export async function reviewsOfAll() {
  const { data } = await db().from(tables.REVIEWS)
    .select("id, stars, product:products(title)")
    .order("id")
    .throwOnError();
  return data.map(({ stars, product }) => ({ stars, title: product.title }));
}

export const addReview = (product_id: number, stars: number, body?: string) =>
  client().from(REVIEWS).insert({ product_id, stars, body });

export async function changeCustomer(id: number, changes: CustomerChanges): Promise<void> {
  await db().from("customers").update(changes).eq("id", id).throwOnError();
}

/** Deletes everything about a customer, the rows that refer to others first. */
export async function forgetCustomer(id: number): Promise<void> {
  for (const table of ["reviews", "wishlist", "orders"] as const) {
    await db().from(table).delete().eq("customer_id", id).throwOnError();
  }
  await db().from("customers").delete().eq("id", id).throwOnError();
}

/** What of a customer is exported, by table. */
type Exported = "orders" | "reviews";

export async function exportOf(id: number, what: Exported) {
  return await db().from(what).select().eq("customer_id", id);
}
