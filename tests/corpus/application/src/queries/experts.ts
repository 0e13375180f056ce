import type { Client } from "../lib/client.ts";
import type { Expert, ExpertCard, ExpertChange, NewExpert } from "../lib/types.ts";

const EXPERTS = "experts";

export async function listExperts(client: Client, city?: string): Promise<Expert[]> {
  let query = client.from(EXPERTS).select("*").order("name");
  if (city !== undefined) query = query.eq("city", city);
  const { data, error } = await query;
  if (error) throw error;
  return data;
}

export async function expertById(client: Client, id: string): Promise<Expert | null> {
  const { data, error } = await client.from(EXPERTS).select().eq("id", id).maybeSingle();
  if (error) throw error;
  return data;
}

export async function addExpert(client: Client, expert: NewExpert): Promise<string> {
  const { data, error } = await client.from("experts").insert(expert).select("id").single();
  if (error) throw error;
  return data.id;
}

export async function changeExpert(client: Client, id: string, change: ExpertChange) {
  const { error } = await client.from("experts").update(change).eq("id", id);
  if (error) throw error;
}

export async function removeExpert(client: Client, id: string) {
  const tags = await client.from("expert_tags").delete().eq("expert_id", id);
  if (tags.error) throw tags.error;
  const { error } = await client.from("experts").delete().eq("id", id);
  if (error) throw error;
}

/** Experts with their tags, through the table between the two, and the number of their bookings. */
export async function expertCards(client: Client): Promise<ExpertCard[]> {
  const { data, error } = await client
    .from("experts")
    .select(`
      id,
      name,
      expert_tags ( tags ( label ) ),
      bookings ( count )
    `)
    .order("name");
  if (error) throw error;
  return data.map((expert) => ({
    id: expert.id,
    name: expert.name,
    tags: expert.expert_tags.map(({ tags }) => tags.label),
    bookings: expert.bookings[0]?.count ?? 0,
  }));
}

/** Those who have a tag: an inner join, with a filter on what is embedded. */
export async function expertsWithTag(client: Client, label: string): Promise<string[]> {
  const { data, error } = await client
    .from("experts")
    .select("name, expert_tags!inner(tags!inner(label))")
    .eq("expert_tags.tags.label", label);
  if (error) throw error;
  return data.map(({ name }) => name);
}

/** Counts rows of several tables at once. */
export async function counts(client: Client): Promise<Record<string, number>> {
  const found: Record<string, number> = {};
  for (const table of ["experts", "bookings", "customers"] as const) {
    const { count, error } = await client.from(table).select("*", { count: "exact", head: true });
    if (error) throw error;
    found[table] = count ?? 0;
  }
  return found;
}
