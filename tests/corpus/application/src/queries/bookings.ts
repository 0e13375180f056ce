import type { Client } from "../lib/client.ts";
import type { Booking, NewBooking } from "../lib/types.ts";

export interface Visit {
  id: string;
  startsAt: string;
  expert: string;
  customer: string;
  stars: number[];
}

export async function book(client: Client, booking: NewBooking): Promise<Booking> {
  const { data, error } = await client.from("bookings").insert(booking).select().single();
  if (error) throw error;
  return data;
}

export async function cancel(client: Client, id: string): Promise<void> {
  const { error } = await client.from("bookings").update({ status: "bookings" }).eq("id", id);
  if (error) throw error;
}

/** All visits of a day, with both sides and their reviews. */
export async function visitsOn(client: Client, day: string): Promise<Visit[]> {
  const { data, error } = await client
    .from("bookings")
    .select(
      "id, starts_at, experts!bookings_expert_id_fkey(name), customers(email), reviews(stars)",
    )
    .gte("starts_at", `${day}T00:00:00Z`)
    .lt("starts_at", `${day}T24:00:00Z`)
    .order("starts_at")
    .order("stars", { referencedTable: "reviews", ascending: false });
  if (error) throw error;
  return data.map(({ id, starts_at, experts, customers, reviews }) => ({
    id,
    startsAt: starts_at,
    expert: experts.name,
    customer: customers.email,
    stars: reviews.map(({ stars }) => stars),
  }));
}

/** Bookings with experts of a city; what is embedded has a name of its own. */
export async function visitsIn(client: Client, city: string) {
  const { data, error } = await client
    .from("bookings")
    .select("id, who:experts!inner(name, city)")
    .eq("who.city", city);
  if (error) throw error;
  return data.map(({ id, who }) => ({ id, name: who.name, city: who.city }));
}

/** Reviews, with the booking and its expert two levels deep. */
export async function reviewsOf(client: Client, expertId: string) {
  const { data, error } = await client
    .from("reviews")
    .select("stars, body, bookings!inner(minutes, experts!inner(id, name))")
    .eq("bookings.experts.id", expertId);
  if (error) throw error;
  return data.map(({ stars, body, bookings }) => ({
    stars,
    body,
    minutes: bookings.minutes,
    expert: bookings.experts.name,
  }));
}

/** Customers and the name of their mentor, in one row. */
export async function mentors(client: Client) {
  const { data, error } = await client.from("customers").select("email, ...experts(name, rate)");
  if (error) throw error;
  return data.map(({ email, name, rate }) => ({ email, mentor: name, rate }));
}

/** Everybody whom an expert has met. */
export async function customersOf(client: Client, expertId: string): Promise<string[]> {
  const { data, error } = await client.from("experts")
    .select("bookings(customers(email))").eq("id", expertId).single();
  if (error) throw error;
  return [...new Set(data.bookings.map(({ customers }) => customers.email))];
}
