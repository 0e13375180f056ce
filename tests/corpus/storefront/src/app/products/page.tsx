import { listProducts, productPages } from "@/data/products";
import { formatPrice } from "@/lib";
import { ProductCard } from "@/components/card";

export async function generateStaticParams() {
  return (await listProducts()).map(({ slug }) => ({ slug }));
}

export default async function ProductsPage() {
  const products = await productPages();
  return (
    <section aria-label="products">
      {products.map((product) => (
        <ProductCard
          key={product.slug}
          title={product.title}
          price={formatPrice(product.price)}
          href={"/products/" + product.slug}
          kind="products"
        />
      ))}
    </section>
  );
}
