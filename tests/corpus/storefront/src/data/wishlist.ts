import { client, WISHLIST } from "@/lib";
import { cached, forget } from "@/lib/cache";

export const wishes = () =>
  cached([WISHLIST], async () => {
    const { data } = await client().from(WISHLIST)
      .select("customers(name), products(title)")
      .order("customer_id").order("product_id")
      .throwOnError();
    return data.map(({ customers, products }) => `${customers.name} wants ${products.title}`);
  });

export async function wish(customer_id: number, product_id: number): Promise<void> {
  await client().from(WISHLIST).upsert({ customer_id, product_id }).throwOnError();
  forget(WISHLIST);
}
