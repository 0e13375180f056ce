/** The project's Data API (PostgREST), asked as applications ask it: with supabase-js. */
import { createClient, type SupabaseClient } from "@supabase/supabase-js";

export interface DataApiAccess {
  url: string;
  secretKey: string;
  publishableKey: string | null;
}

export interface ApiQuery {
  order: string[];
  limit: number;
  /** A neighbour whose rows are embedded: by its name or a key's column, which a hint can tell from others. */
  embed?: { target: string; hint: string | null; columns: string[] };
}

export interface ApiAnswer {
  /** HTTP status; 0 where no answer came. */
  status: number;
  /** PostgREST's or PostgreSQL's code; null where it succeeded. */
  code: string | null;
  rows: Record<string, unknown>[] | null;
}

const REQUEST_MS = 5_000;

export class DataApi {
  readonly #client: SupabaseClient;

  constructor(url: string, key: string, schema: string) {
    this.#client = createClient(url, key, {
      auth: { persistSession: false, autoRefreshToken: false, detectSessionInUrl: false },
      db: { schema, timeout: REQUEST_MS },
    }) as unknown as SupabaseClient;
  }

  /** Never throws: a failure is an answer, too. */
  async read(relation: string, { order, limit, embed }: ApiQuery): Promise<ApiAnswer> {
    let query = this.#client.from(relation).select(selection(embed)).limit(limit).retry(false);
    for (const column of order) query = query.order(quoted(column));
    if (embed !== undefined) query = query.limit(limit, { referencedTable: NEIGHBOUR });
    const { data, error, status } = await query;
    return error === null
      ? { status, code: null, rows: data as unknown as Record<string, unknown>[] }
      : { status, code: error.code || "no answer", rows: null };
  }
}

export const NEIGHBOUR = "neighbour";

function selection(embed: ApiQuery["embed"]): string {
  if (embed === undefined) return "*";
  const { target, hint, columns } = embed;
  const named = quoted(target) + (hint === null ? "" : `!${quoted(hint)}`);
  return `*,${NEIGHBOUR}:${named}(${columns.map(quoted).join(",")})`;
}

/** A name as PostgREST reads it: in quotes, with backslashes, where it holds what has a meaning there. */
const quoted = (name: string): string =>
  name === "*" || /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : JSON.stringify(name);

export const shownRequest = (relation: string, { embed }: ApiQuery): string =>
  `GET /rest/v1/${encodeURIComponent(relation)}?select=${selection(embed)}`;

/** Why no Data API is served at a URL; null where its root answers, if only with an error of PostgREST's. */
export async function whyNotServed({ url, secretKey }: DataApiAccess): Promise<string | null> {
  const root = `${url.replace(/\/+$/, "")}/rest/v1/`;
  try {
    const response = await fetch(root, {
      headers: { apikey: secretKey, authorization: `Bearer ${secretKey}` },
      signal: AbortSignal.timeout(REQUEST_MS),
    });
    const text = await response.text();
    if (response.ok || /"code":\s*"PGRST/.test(text)) return null;
    return `/rest/v1/ answers ${response.status}`;
  } catch {
    return "/rest/v1/ does not answer";
  }
}

/** The schema cache does not know a relation, a relationship or a column (yet). */
export const isUnknownToCache = ({ code }: ApiAnswer): boolean =>
  code !== null &&
  ["PGRST200", "PGRST202", "PGRST204", "PGRST205", "42P01", "42703"].includes(code);

export const isAmbiguous = ({ code }: ApiAnswer): boolean => code === "PGRST201";

export const isUnexposed = ({ code }: ApiAnswer): boolean => code === "PGRST106";
