import { customers } from "@/data/customers";
import { client } from "@/lib";
import type { Tab } from "@/lib/types";

const TABS: Tab[] = ["orders", "reviews", "wishlist"];

export async function GET(request: Request): Promise<Response> {
  const tab = new URL(request.url).searchParams.get("tab") ?? "orders";
  if (!TABS.some((one) => one === tab)) return new Response("no such tab", { status: 404 });
  if (tab === "reviews") {
    const { data } = await client().from("reviews").select("stars, body").order("id");
    return Response.json(data);
  }
  return Response.json({ tab, customers: await customers() });
}

export const config = { matcher: ["/orders/:path*", "/account/reviews"] };
