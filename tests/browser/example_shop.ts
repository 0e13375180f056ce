/** A shop in the middle of its renames, made by the endpoints themselves, for pictures of the page. */
import postgres from "postgres";
import { createRenameClient, RenameError } from "../../shared/client/client.ts";
import type { Stack } from "../../shared/local/stack.ts";

/** The project file: three phases. */
export const PROJECT_FILE = {
  phases: [
    {
      name: "people",
      renames: [
        { from: "customers", to: "clients" },
        { from: "addresses", to: "client_addresses" },
      ],
    },
    {
      name: "catalog",
      renames: [
        { from: "products", to: "articles" },
        { from: "product_images", to: "article_images" },
        { from: "coupons", to: "vouchers" },
      ],
    },
    {
      name: "orders",
      renames: [
        { from: "orders", to: "purchases" },
        { from: "order_items", to: "purchase_items" },
        { from: "payments", to: "purchase_payments" },
        { from: "shipments", to: "purchase_shipments" },
      ],
    },
  ],
};

/** How often the old names are used, by role. */
const USES = { authenticated: 40, service_role: 12 };

/** Makes the shop, renames some of it, and uses old names. */
export async function makeShop({ databaseUrl, url, secretKey }: Stack): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1, onnotice: () => {} });
  const as = (actor: string) => createRenameClient({ url, key: secretKey, actor });
  try {
    await sql.unsafe(await Deno.readTextFile(new URL("shop.sql", import.meta.url))).simple();
    await as("ada").rename({
      renames: [
        { old_name: "customers", new_name: "clients" },
        { old_name: "addresses", new_name: "client_addresses" },
      ],
      notes: "First phase: the people. The app follows next week.",
    });
    await as("ada").rename({ old_name: "coupons", new_name: "vouchers" });
    await as("ada").finalize({
      table: "coupons",
      quiet_for_days: 0,
      acknowledge: ["not_quiet_long_enough", "old_name_in_use"],
    });
    await as("eve").rename({ old_name: "carts", new_name: "baskets" });
    await as("eve").rollback({ table: "carts", notes: "The checkout is frozen until Monday." });
    await refused(as("eve").finalize({ table: "customers" }));
    await refused(as("grace").rename({ old_name: "prodcuts", new_name: "articles" }));
    await as("grace").rename({
      renames: [
        { old_name: "products", new_name: "articles" },
        { old_name: "product_images", new_name: "article_images" },
      ],
      mode: "propose",
      notes: "Please review: search uses products, too.",
    });
    for (const [role, times] of Object.entries(USES)) {
      await sql.begin(async (transaction) => {
        await transaction.unsafe(`set local role ${role}`);
        for (let time = 0; time < times; time++) {
          await transaction.unsafe("select name from public.customers where id = 17");
        }
      });
    }
    // Each look records the use that it sees.
    await as("ada").listMigrations({ status: "active", include: "usage" });
  } finally {
    await sql.end({ timeout: 5 });
  }
}

/** @throws {Error} It was done. */
async function refused(request: Promise<unknown>): Promise<void> {
  try {
    await request;
  } catch (error) {
    if (error instanceof RenameError && error.problem !== undefined) return;
    throw error;
  }
  throw new Error("A request of the example was done that should have been refused.");
}
