import type { Client } from "./client.ts";
import type { Booking } from "./types.ts";

/** Calls back at each change of a booking of the expert, until the returned function is called. */
export function watchBookings(client: Client, expertId: string, changed: (row: Booking) => void) {
  const channel = client.channel(`bookings:${expertId}`)
    .on<Booking>(
      "postgres_changes",
      { event: "*", schema: "public", table: "bookings", filter: `expert_id=eq.${expertId}` },
      ({ new: row }) => {
        if ("id" in row) changed(row);
      },
    )
    .subscribe();
  return () => client.removeChannel(channel);
}
