/** What the queries answer, to the letter. */
import type {
  Client,
  Database,
  Enums,
  Json,
  Tables,
  TablesInsert,
  TablesUpdate,
} from "./database.ts";
import { type Equal, expectType } from "./equal.ts";

type Expert = {
  headline: string;
  hourly_rate: number;
  id: number;
  languages: string[];
  mentor_id: number | null;
  profile_id: string;
  status: "invited" | "active" | "retired";
};

expectType<Equal<Tables<"experts">, Expert>>();
expectType<Equal<Database["public"]["Tables"]["experts"]["Row"], Expert>>();
expectType<Equal<Enums<"expert_status">, Expert["status"]>>();
expectType<
  Equal<TablesInsert<"experts">, {
    headline: string;
    hourly_rate: number;
    id?: never;
    languages?: string[];
    mentor_id?: number | null;
    profile_id: string;
    status?: Expert["status"];
  }>
>();
expectType<
  Equal<TablesUpdate<{ schema: "sales" }, "Invoices">, {
    expert_id?: number;
    id?: string;
    number?: string;
    "Total Amount"?: number;
  }>
>();

export async function answers(client: Client) {
  const experts = await client.from("experts").select("*").throwOnError();
  expectType<Equal<typeof experts.data, Expert[]>>();

  const written = await client.from("experts").insert({
    profile_id: "",
    headline: "",
    hourly_rate: 1,
  }).select("id, status").single().throwOnError();
  expectType<Equal<typeof written.data, { id: number; status: Expert["status"] }>>();

  const joined = await client.from("documents").select(
    "meta, author:experts!documents_author_id_fkey(headline), reviewer:experts!reviewer_id(id), document_types(code)",
  ).single().throwOnError();
  expectType<
    Equal<typeof joined.data, {
      meta: Json;
      author: { headline: string };
      reviewer: { id: number } | null;
      document_types: { code: string };
    }>
  >();

  const nested = await client.from("document_types")
    .select(
      "documents(title, author:experts!author_id(headline, expert_topics(level, topics(label))))",
    )
    .single().throwOnError();
  expectType<
    Equal<typeof nested.data, {
      documents: {
        title: string;
        author: {
          headline: string;
          expert_topics: { level: number; topics: { label: string } }[];
        };
      }[];
    }>
  >();

  const family = await client.from("experts").select(
    "mentor:mentor_id(id), pupils:experts!experts_mentor_id_fkey(id), relatives:experts_mentor_id_fkey(id)",
  ).single().throwOnError();
  expectType<
    Equal<typeof family.data, {
      mentor: { id: number } | null;
      pupils: { id: number }[];
      relatives: { id: number }[];
    }>
  >();

  const many = await client.from("topics").select("experts(headline)").single().throwOnError();
  expectType<Equal<typeof many.data, { experts: { headline: string }[] }>>();

  const one = await client.from("profiles").select("experts(*)").single().throwOnError();
  expectType<Equal<typeof one.data, { experts: Expert | null }>>();

  const found = await client.rpc("search_experts", { query: "x" }).throwOnError();
  expectType<Equal<typeof found.data, Expert[]>>();

  const bills = await client.schema("sales").from("invoice_lines").select("Invoices(*)").single()
    .throwOnError();
  expectType<
    Equal<typeof bills.data.Invoices, {
      expert_id: number;
      id: string;
      number: string;
      "Total Amount": number;
    }>
  >();
}
