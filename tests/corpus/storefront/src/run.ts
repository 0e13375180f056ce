/** Runs what only reads, and prints it, for the test of this application. */
import { GET } from "@/app/account/route";
import { customers, reviewsOfAll } from "@/data/customers";
import { orders, ordersInWords } from "@/data/orders";
import { listProducts, productPages, stockByProduct, warehouses } from "@/data/products";
import { wishes } from "@/data/wishlist";

const get = async (tab: string) => await (await GET(new Request(`http://x/?tab=${tab}`))).json();

console.log(JSON.stringify(
  {
    products: await listProducts(),
    pages: await productPages(),
    stock: await stockByProduct(),
    warehouses: await warehouses(),
    orders: await orders(),
    words: await ordersInWords(),
    customers: await customers(),
    reviews: await reviewsOfAll(),
    wishes: await wishes(),
    tabs: { orders: await get("orders"), reviews: await get("reviews") },
  },
  null,
  1,
));
