/** What has to be refused. Each mistake is the line below its comment, and nothing else is. */
import type { Client, Tables, TablesInsert, TablesUpdate } from "./database.ts";

export async function mistakes(client: Client) {
  // @ts-expect-error headline and hourly_rate are required
  await client.from("experts").insert({ profile_id: "6b0f2f0e" });
  // @ts-expect-error so are they in every row of many
  await client.from("experts").insert([{ profile_id: "6b0f2f0e", headline: "x" }]);
  // @ts-expect-error a rate is a number
  await client.from("experts").update({ hourly_rate: "90" });
  // @ts-expect-error required columns cannot become null
  await client.from("experts").update({ headline: null });
  // @ts-expect-error identity columns are not for us to set
  await client.from("experts").insert({ id: 1, profile_id: "x", headline: "x", hourly_rate: 1 });
  // @ts-expect-error generated columns are not for us to set
  await client.from("documents").update({ title_length: 3 });
  // @ts-expect-error there is no such column
  await client.from("document_types").insert({ code: "a", label: "b", colour: "red" });
  // @ts-expect-error there is no such table
  await client.from("expert").select("*");
  // @ts-expect-error there is no such table in this schema
  await client.from("Invoices").select("*");
  // @ts-expect-error there is no such status
  await client.from("experts").update({ status: "x" });
  // @ts-expect-error a total is required
  await client.schema("sales").from("Invoices").insert({ number: "1", expert_id: 1 });
  // @ts-expect-error there is no such argument
  await client.rpc("search_experts", { text: "x" });

  const { data: document } = await client.from("documents").select("title, body, experts(headline)")
    .single().throwOnError();
  // @ts-expect-error two foreign keys lead to experts, and none is chosen
  document.experts.headline;
  // @ts-expect-error a body can be null
  document.body.length;
  // @ts-expect-error it was not selected
  document.meta;
  const { data: unknown } = await client.from("experts").select("headlines").single()
    .throwOnError();
  // @ts-expect-error there is no such column
  unknown.headlines;
  const { data: unrelated } = await client.from("topics").select("documents(title)").single()
    .throwOnError();
  // @ts-expect-error topics and documents have nothing to do with each other
  unrelated.documents[0].title;
  const { data: expert } = await client.from("experts").select(
    "profiles(name), mentor_id(headline)",
  )
    .single().throwOnError();
  // @ts-expect-error a profile is one object
  expert.profiles[0];
  // @ts-expect-error an expert may have no mentor
  expert.mentor_id.headline;
}

// @ts-expect-error there is no such table
export type Unknown = Tables<"expert">;
// @ts-expect-error views are not for inserting
export type IntoView = TablesInsert<"expert_directory">;
// @ts-expect-error there is no such table in this schema
export type Elsewhere = TablesUpdate<{ schema: "sales" }, "experts">;
// @ts-expect-error a name cannot be null
export const nameless: Tables<"profiles"> = { id: "", locale: "", name: null, settings: {} };
// @ts-expect-error a headline is missing
export const faceless: TablesInsert<"experts"> = { profile_id: "", hourly_rate: 1 };
