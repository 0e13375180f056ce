/** Documents: two ways to experts, JSON, generated columns, aggregates, spreads. */
import { type Client, type Database, dataOf, type Json, type Tables } from "./database.ts";

type Rows = Database["public"]["Tables"];
export type Document = Rows["documents"]["Row"];
export type DocumentType = Tables<"document_types">;
export type NewDocument = Rows["documents"]["Insert"];

export interface Page {
  title: string;
  author: string;
  reviewer: string | null;
  type: string;
}

/** Two foreign keys lead to experts: one is chosen by its name, the other by its column. */
export async function pages(client: Client): Promise<Page[]> {
  const found = dataOf(
    "pages",
    await client.from("documents").select(`
      title,
      author:experts!documents_author_id_fkey(headline),
      reviewer:experts!reviewer_id(headline),
      document_types(code, label)
    `),
  );
  return found.map(({ title, author, reviewer, document_types }) => ({
    title,
    author: author.headline,
    reviewer: reviewer?.headline ?? null,
    type: `${document_types.code}: ${document_types.label}`,
  }));
}

/** Spread into the row, and nested. */
export async function flatPages(client: Client) {
  return dataOf(
    "flat pages",
    await client.from("documents").select(
      "id, ...document_types(label), author:experts!author_id(headline, profiles(name))",
    ),
  ).map(({ id, label, author }) => `${id} ${label} ${author.profiles.name}`);
}

/** From the type to its documents, and from an expert to what it wrote and reviewed. */
export async function shelf(client: Client, code: string) {
  const type = dataOf(
    "shelf",
    await client.from("document_types").select("label, retention_days, documents(title, meta)")
      .eq("code", code).single(),
  );
  return { days: type.retention_days ?? 365, titles: type.documents.map(({ title }) => title) };
}

export async function desk(client: Client, expert: number) {
  const found = dataOf(
    "desk",
    await client.from("experts").select(`
      headline,
      written:documents!documents_author_id_fkey(title, document_types(label)),
      reviewed:documents!documents_reviewer_id_fkey(title)
    `).eq("id", expert).single(),
  );
  return {
    written: found.written.map((one) => `${one.title} (${one.document_types.label})`),
    reviewed: found.reviewed.map((one) => one.title),
  };
}

export async function inner(client: Client, label: string): Promise<string[]> {
  const { data } = await client.from("documents")
    .select("title, reviewer:experts!reviewer_id!inner(status), document_types!inner(label)")
    .eq("document_types.label", label)
    .not("reviewer_id", "is", null)
    .throwOnError();
  return data.map(({ title, reviewer }) => `${title}: ${reviewer.status}`);
}

export async function write(client: Client, author_id: number, type_id: number): Promise<Document> {
  const meta: Json = { source: "app", pages: [1, 2] };
  const row: NewDocument = { author_id, type_id, title: "Untitled", meta };
  return dataOf("writing", await client.from("documents").insert(row).select().single());
}

export async function writeAll(client: Client, rows: NewDocument[]): Promise<number[]> {
  const found = dataOf("writing", await client.from("documents").insert(rows).select("id"));
  return found.map(({ id }) => id);
}

export async function retitle(client: Client, document: Document, title: string) {
  const { data } = await client.from("documents").update({ title, body: null })
    .match({ id: document.id, title: document.title })
    .select("title, title_length")
    .maybeSingle()
    .throwOnError();
  return data?.title_length ?? 0;
}

export async function sources(client: Client): Promise<string[]> {
  const found = dataOf(
    "sources",
    await client.from("documents").select("meta->source, created_at"),
  );
  return found.map(({ created_at }) => new Date(created_at).toISOString());
}

export async function perType(client: Client): Promise<Map<string, number>> {
  const found = dataOf(
    "counting",
    await client.from("document_types").select("code, documents(count)"),
  );
  return new Map(found.map(({ code, documents }) => [code, documents[0].count]));
}

export function addType(client: Client, code: string, label: string) {
  return client.from("document_types").upsert({ code, label }, { onConflict: "code" })
    .select().single();
}

/** Watching goes by name, too. */
export function watch(client: Client, changed: (document: Partial<Document>) => void) {
  return client.channel("documents").on<Document>(
    "postgres_changes",
    { event: "*", schema: "public", table: "documents" },
    ({ new: row }) => changed(row),
  ).subscribe();
}
