const WORDS: Record<string, [one: string, several: string]> = {
  orders: ["order", "orders"],
  products: ["product", "products"],
  reviews: ["review", "reviews"],
};

/** `plural("orders", 2)` is "2 orders". */
export function plural(what: keyof typeof WORDS, count: number): string {
  const [one, several] = WORDS[what] ?? [what, what];
  return `${count} ${count === 1 ? one : several}`;
}

export const formatPrice = (value: number, currency = "EUR"): string =>
  new Intl.NumberFormat("en", { style: "currency", currency }).format(value);

/** Names of months and the like are translated; so are these. */
export const messages = {
  "nav.orders": "Your orders",
  "nav.products": "All products",
  "nav.reviews": "What customers say",
  empty: "There are no orders yet",
};
