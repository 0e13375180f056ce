/** After the renames: code may use old names, new names, and both in one query. */
import { type Client, connect } from "../app/database.ts";
import { type Equal, expectType } from "../app/equal.ts";
import type { Database as Generated } from "../app/types/database.types.ts";
import type {
  Constants,
  Database,
  DatabaseWithAliases,
  Enums,
  TableAliases,
  Tables,
  TablesInsert,
  TablesUpdate,
} from "../app/types/table-aliases.ts";

type Public = DatabaseWithAliases["public"];

// Database is the one with the aliases, whatever it is called.
expectType<Equal<Database, DatabaseWithAliases>>();
expectType<Equal<Enums<"expert_status">, Generated["public"]["Enums"]["expert_status"]>>();
expectType<
  Equal<(typeof Constants)["public"]["Enums"]["expert_status"][0], "invited">
>();

// The aliases in the words of the requirement.
expectType<
  Equal<TableAliases["experts"], Generated["public"]["Tables"]["expert_profiles"]>
>();
expectType<Equal<Tables, Generated["public"]["Tables"] & TableAliases>>();
expectType<Equal<Tables["experts"]["Row"], Tables["expert_profiles"]["Row"]>>();
expectType<Equal<keyof TableAliases, AliasNames>>();
type AliasNames =
  | "document_types"
  | "documents"
  | "expert_topics"
  | "expert_subjects_1"
  | "experts"
  | "letters";

// An old name is the table under another name: what is required stays required.
type Old = Public["Tables"]["experts"];
type New = Public["Tables"]["expert_profiles"];
expectType<
  Equal<[Old["Row"], Old["Insert"], Old["Update"]], [New["Row"], New["Insert"], New["Update"]]>
>();
expectType<Equal<Tables<"experts">, Tables<"expert_profiles">>>();
expectType<Equal<TablesInsert<"documents">, TablesInsert<"zz_documents">>>();
expectType<Equal<TablesUpdate<"document_types">, TablesUpdate<"doc_types">>>();
expectType<
  Equal<Tables<{ schema: "sales" }, "Invoices">, Tables<{ schema: "sales" }, "Rechnungen">>
>();

// A table that was renamed twice has three names.
expectType<Equal<Tables<"expert_topics">, Tables<"expert_subjects">>>();
expectType<Equal<Tables<"expert_subjects_1">, Tables<"expert_subjects">>>();

// No compatibility view is left among the views; the application's own is.
expectType<Equal<keyof Public["Views"], "expert_directory">>();
expectType<Equal<keyof DatabaseWithAliases["sales"]["Views"], never>>();
expectType<Equal<Public["Functions"], Generated["public"]["Functions"]>>();

// No name has a foreign key twice for the same relation.
type Referred<Table extends keyof Public["Tables"]> =
  Public["Tables"][Table]["Relationships"] extends
    infer All extends { referencedRelation: string }[]
    ? { [Index in keyof All]: All[Index]["referencedRelation"] }
    : never;
expectType<
  Equal<Referred<"expert_profiles">, ["expert_directory", "expert_profiles", "profiles"]>
>();
expectType<Equal<Referred<"experts">, ["expert_directory", "experts", "profiles"]>>();

// A column that was added after the rename is not in the view, so it has no old name; a computed field has.
expectType<Equal<Tables<"letters">, { id: number; text: string; shout: string | null }>>();
expectType<
  Equal<Tables<"messages">, { id: number; sender: string; text: string; shout: string | null }>
>();
expectType<Equal<TablesInsert<"letters">, { id?: never; text: string }>>();

export async function mixed(client: Client) {
  const oldToNew = await client.from("documents").select(
    "title, expert_profiles!author_id(headline, expert_subjects(level)), doc_types(code)",
  ).single().throwOnError();
  expectType<
    Equal<typeof oldToNew.data, {
      title: string;
      expert_profiles: { headline: string; expert_subjects: { level: number }[] };
      doc_types: { code: string };
    }>
  >();

  const newToOld = await client.from("zz_documents").select(
    "title, experts!reviewer_id(headline, expert_topics(level)), document_types(code)",
  ).single().throwOnError();
  expectType<
    Equal<typeof newToOld.data, {
      title: string;
      experts: { headline: string; expert_topics: { level: number }[] } | null;
      document_types: { code: string };
    }>
  >();

  const reverse = await client.from("experts").select(
    "zz_documents!documents_author_id_fkey(title), documents!documents_reviewer_id_fkey(id)",
  ).single().throwOnError();
  expectType<
    Equal<typeof reverse.data, { zz_documents: { title: string }[]; documents: { id: number }[] }>
  >();

  const neighbours = await client.from("profiles").select("a:experts(id), b:expert_profiles(id)")
    .single().throwOnError();
  expectType<
    Equal<typeof neighbours.data, { a: { id: number } | null; b: { id: number } | null }>
  >();

  const many = await client.from("topics").select("experts(id), expert_profiles(headline)")
    .single().throwOnError();
  expectType<
    Equal<typeof many.data, { experts: { id: number }[]; expert_profiles: { headline: string }[] }>
  >();

  const lines = await client.schema("sales").from("invoice_lines").select("Rechnungen(number)")
    .single().throwOnError();
  expectType<Equal<typeof lines.data, { Rechnungen: { number: string } }>>();

  const family = await client.from("expert_profiles").select(
    "mentor:mentor_id(id), pupils:expert_profiles!experts_mentor_id_fkey(id), relatives:experts_mentor_id_fkey(id)",
  ).single().throwOnError();
  expectType<
    Equal<typeof family.data, {
      mentor: { id: number } | null;
      pupils: { id: number }[];
      relatives: { id: number }[];
    }>
  >();

  await client.from("letters").insert({ text: "x" });
  // @ts-expect-error the old name does not know the new column
  await client.from("letters").insert({ text: "x", sender: "y" });
  // @ts-expect-error the new name demands it
  await client.from("messages").insert({ text: "x" });
  // @ts-expect-error under its new name, too, a headline is required
  await client.from("expert_profiles").insert({ profile_id: "", hourly_rate: 1 });
  // @ts-expect-error finalized: the old name is gone
  await client.from("drafts").select();
  await client.from("notes").select();
  // @ts-expect-error rolled back: the new name is gone
  await client.from("subjects").select();
  // @ts-expect-error renamed without a view: the old name is gone
  await client.from("leaflets").select();
}

// @ts-expect-error finalized
export type Finalized = Tables<"drafts">;
// @ts-expect-error rolled back
export type RolledBack = TableAliases["subjects"];

export const client: Client = connect("https://project.test", "key");
