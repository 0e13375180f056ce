import { client, Stock, TABLES } from "@/lib";
import { cached } from "@/lib/cache";
import type { Product } from "@/lib/types";

/** All products, by their titles. */
export async function listProducts(limit = 100): Promise<Product[]> {
  const { data, error } = await client().from(TABLES.products).select().order("title").limit(limit);
  if (error) throw new Error(`products cannot be listed: ${error.message}`);
  return data;
}

/** Products with their category, images and reviews. */
export async function productPages() {
  const { data, error } = await client()
    .from(TABLES.products)
    .select(`
      id, slug, title, price,
      category:categories(title, slug),
      product_images(path, position),
      reviews(stars, body, customers(name))
    `)
    .order("id");
  if (error) throw error;
  return data.map((product) => ({
    ...product,
    stars: mean(product.reviews.map(({ stars }) => stars)),
    cover: product.product_images.toSorted((a, b) => a.position - b.position)[0]?.path ?? null,
    authors: product.reviews.map(({ customers }) => customers?.name ?? "a guest"),
  }));
}

const mean = (numbers: number[]): number | null =>
  numbers.length === 0 ? null : numbers.reduce((sum, one) => sum + one, 0) / numbers.length;

/** How many of each product are where. */
export const stockByProduct = () =>
  cached(["products", "stock"], async () => {
    const { data, error } = await client()
      .from(Stock.Levels)
      .select("quantity, products(slug), warehouses(name)")
      .order("product_id").order("warehouse_id");
    if (error) throw error;
    return data.map(({ quantity, products, warehouses }) =>
      `${quantity} ${products.slug} in ${warehouses.name}`
    );
  });

export async function warehouses(): Promise<string[]> {
  const { data } = await client().from(Stock.Places).select("name").order("name");
  return (data ?? []).map(({ name }) => name);
}

/** Not run by the test of this application, since it writes. */
export async function setPrice(slug: string, price: number): Promise<void> {
  await client().from("products").update({ price }).eq("slug", slug).throwOnError();
}

export async function takeOff(ids: number[]): Promise<number> {
  const { count } = await client().from(TABLES.products)
    .update({ active: false }, { count: "exact" })
    .in("id", ids)
    .throwOnError();
  return count ?? 0;
}

export async function searchProducts(text: string) {
  return await client().from('products')
    .select('title, slug, reviews!inner(stars)')
    .ilike('title', `%${text}%`)
    .gte('reviews.stars', 4)
    .order('stars', { referencedTable: 'reviews' });
}

export const imageUrl = (path: string): string =>
  client().storage.from("products").getPublicUrl(path).data.publicUrl;
