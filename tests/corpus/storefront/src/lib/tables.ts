/** The tables of the shop, in one place. */
export const TABLES = {
  products: "products",
  images: "product_images",
  categories: "categories",
  orders: "orders",
  lines: "order_items",
  customers: "customers",
} as const;

export const REVIEWS = "reviews";

/** Of the warehouse. */
export enum Stock {
  Levels = "stock_levels",
  Places = "warehouses",
}

/** Also the key of the cache, so that it is for a person to decide. */
export const WISHLIST = "wishlist";
