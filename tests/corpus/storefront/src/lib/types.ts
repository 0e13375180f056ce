import type { Database, Tables, TablesInsert, TablesUpdate } from "./database.types";

export type Product = Tables<"products">;
export type Order = Tables<"orders">;
export type OrderLine = Database["public"]["Tables"]["order_items"]["Row"];
export type NewOrderLine = TablesInsert<"order_items">;
export type Customer = Tables<'customers'>;
export type CustomerChanges = TablesUpdate<"customers">;
export type Review = Tables<"reviews">;
export type Image = Tables<"product_images">;
export type StockLevel = Database["public"]["Tables"]["stock_levels"]["Row"];

export type OrderStatus = "new" | "paid" | "sent";

/** A product with all that its page shows. */
export interface ProductDetails extends Product {
  images: Pick<Image, "path" | "position">[];
  reviews: Pick<Review, "stars" | "body">[];
}

/** What the tabs of the account are called; not tables. */
export type Tab = "orders" | "reviews" | "wishlist";
