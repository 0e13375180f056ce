import { orders, ordersInWords } from "@/data/orders";
import { messages } from "@/lib/format";

export const metadata = { title: "orders" };
export const revalidate = 60;

export default async function OrdersPage() {
  const all = await orders();
  if (all.length === 0) return <p className="orders">{messages.empty}</p>;
  return (
    <main id="orders" data-table="orders">
      <h1>{messages["nav.orders"]}</h1>
      <p>{await ordersInWords()}</p>
      <ul className="orders">
        {all.map((order) => (
          <li key={order.id}>
            <a href={`/orders/${order.id}`}>{order.name}</a> {order.total}
          </li>
        ))}
      </ul>
    </main>
  );
}
