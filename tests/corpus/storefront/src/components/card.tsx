interface CardProps {
  title: string;
  price: string;
  href: string;
  kind: "products" | "reviews";
}

export function ProductCard({ title, price, href, kind }: CardProps) {
  const label = kind === "reviews" ? "What customers say" : "Buy";
  return (
    <article className={`card card-${kind}`}>
      <a href={href}>{title}</a>
      <b>{price}</b>
      <span>{label}</span>
    </article>
  );
}
