/** Experts: reading, joining, inserting, upserting, updating, deleting. */
import {
  type Client,
  dataOf,
  type Enums,
  type Tables,
  type TablesInsert,
  type TablesUpdate,
} from "./database.ts";

export type Expert = Tables<"experts">;
export type NewExpert = TablesInsert<"experts">;
export type ExpertChanges = TablesUpdate<"experts">;
export type Status = Enums<"expert_status">;

export async function expertById(client: Client, id: Expert["id"]): Promise<Expert> {
  return dataOf("reading", await client.from("experts").select("*").eq("id", id).single());
}

export async function activeExperts(client: Client, page: number, size = 20): Promise<Expert[]> {
  const status: Status = "active";
  return dataOf(
    "listing",
    await client.from("experts").select()
      .eq("status", status)
      .contains("languages", ["en"])
      .order("hourly_rate", { ascending: false })
      .range(page * size, (page + 1) * size - 1),
  );
}

/** One to one: a profile is an object, never null, never an array. */
export async function namesOfExperts(client: Client): Promise<string[]> {
  const found = dataOf(
    "joining",
    await client.from("experts").select("id, headline, profiles(name, locale)"),
  );
  return found.map(({ headline, profiles }) =>
    `${profiles.name.trim()} (${profiles.locale}): ${headline}`
  );
}

/** The other way round: at most one expert a profile. */
export async function headlineOf(client: Client, profileId: string): Promise<string | null> {
  const profile = dataOf(
    "reading",
    await client.from("profiles").select("name, experts(headline, status)").eq("id", profileId)
      .single(),
  );
  return profile.experts?.headline ?? null;
}

/** The mentor is an expert, too; several columns refer to experts, so a hint is needed. */
export async function mentors(client: Client) {
  const found = dataOf(
    "mentors",
    await client.from("experts").select(
      "id, mentor:mentor_id(id, headline), pupils:experts!experts_mentor_id_fkey(headline)",
    ),
  );
  return found.map(({ id, mentor, pupils }) => ({
    id,
    mentor: mentor?.headline.toUpperCase() ?? "nobody",
    pupils: pupils.map(({ headline }) => headline),
  }));
}

/** Many to many, by way of expert_topics. */
export async function topicsOf(client: Client, id: number): Promise<string[]> {
  const expert = dataOf(
    "topics",
    await client.from("experts").select("topics(label), expert_topics(level)").eq("id", id)
      .single(),
  );
  const best = Math.max(...expert.expert_topics.map(({ level }) => level));
  return expert.topics.map(({ label }) => `${label} (up to ${best})`);
}

export async function expertsOf(client: Client, topic: string) {
  return dataOf(
    "experts of a topic",
    await client.from("topics").select("label, experts(headline, hourly_rate)").eq("label", topic),
  ).flatMap(({ experts }) => experts.map(({ hourly_rate }) => hourly_rate.toFixed(2)));
}

export async function invite(
  client: Client,
  profile_id: string,
  headline: string,
): Promise<number> {
  const row: NewExpert = { profile_id, headline, hourly_rate: 90, languages: ["de"] };
  const { id } = dataOf("inviting", await client.from("experts").insert(row).select("id").single());
  return id;
}

export async function inviteAll(client: Client, rows: NewExpert[]): Promise<void> {
  const { error } = await client.from("experts")
    .upsert(rows, { onConflict: "profile_id", ignoreDuplicates: true });
  if (error) throw error;
}

export async function raise(client: Client, id: number, hourly_rate: number): Promise<Expert> {
  const changes: ExpertChanges = { hourly_rate, status: "active", mentor_id: null };
  return dataOf(
    "raising",
    await client.from("experts").update(changes).eq("id", id).select().single(),
  );
}

export async function retire(client: Client, ids: number[]): Promise<void> {
  const { error } = await client.from("experts").delete().in("id", ids);
  if (error) throw error;
}

export async function search(client: Client, query: string): Promise<string[]> {
  const found = dataOf("searching", await client.rpc("search_experts", { query, max_rows: 5 }));
  return found.map(({ headline, languages }) => `${headline}: ${languages.join(", ")}`);
}

export async function searchWithProfiles(client: Client, query: string) {
  return dataOf(
    "searching",
    await client.rpc("search_experts", { query }).select("headline, profiles(name)"),
  ).map(({ headline, profiles }) => `${headline}, ${profiles.name}`);
}

export async function count(client: Client): Promise<number> {
  return dataOf("counting", await client.rpc("expert_count", { only_status: "retired" }));
}

/** A view of its own, which the application had before. */
export async function directory(client: Client): Promise<Tables<"expert_directory">[]> {
  return dataOf("directory", await client.from("expert_directory").select("*").order("name"));
}
