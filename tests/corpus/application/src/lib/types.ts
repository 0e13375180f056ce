import type { Database, Tables, TablesInsert, TablesUpdate } from "./database.types.ts";

export type Expert = Tables<"experts">;
export type NewExpert = TablesInsert<"experts">;
export type ExpertChange = TablesUpdate<"experts">;
export type Booking = Database["public"]["Tables"]["bookings"]["Row"];
export type NewBooking = Database["public"]["Tables"]["bookings"]["Insert"];
export type Invoice = Tables<{ schema: "billing" }, "invoices">;

type PublicTables = Database["public"]["Tables"];
export type ExpertTag = PublicTables["expert_tags"]["Row"];
export type Tag = PublicTables["tags"]["Row"];

/** What a page shows of an expert. */
export interface ExpertCard {
  id: Expert["id"];
  name: Expert["name"];
  tags: Tag["label"][];
  bookings: number;
}
