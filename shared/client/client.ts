/**
 * A typed client of the endpoints, on supabase-js's client of functions. It runs wherever there is `fetch`. The
 * key it needs is a secret key of the project, which gives access to everything: it does not belong in a browser,
 * nor in anything else that users get.
 */
import { type FunctionInvokeOptions, FunctionsClient } from "@supabase/functions-js";
import type {
  AnalyzeInput,
  FinalizeInput,
  ListEventsInput,
  ListMigrationsInput,
  RefreshInput,
  RenameInput,
  ReportUsesInput,
  RollbackInput,
  TableAliasesInput,
  VerifyInput,
} from "../contract/requests.ts";
import type {
  AnalyzeAnswer,
  ListEventsAnswer,
  ListMigrationsAnswer,
  OperationAnswer,
  ReportUsesAnswer,
  TableAliasesAnswer,
  VerifyAnswer,
} from "../contract/responses.ts";
import { readEvents } from "./event_stream.ts";
import { type Followed, followed } from "./follow.ts";
import { toRenameError, unexpectedAnswer } from "./rename_error.ts";
import { type CallOptions, withRetries } from "./retry.ts";

export type { CallOptions } from "./retry.ts";
export type { Followed } from "./follow.ts";
export { RenameError, type RenameErrorCode } from "./rename_error.ts";

export interface RenameClientOptions {
  /** The project's URL, such as `https://abcd.supabase.co` or `http://127.0.0.1:54321`. */
  url: string;
  /** A secret key of the project, or the legacy service role key. Never in a browser. */
  key: string;
  /** Who asks, recorded after the key's name. Default: the key alone. */
  actor?: string;
  /** Default: the global one. */
  fetch?: typeof fetch;
}

/** The endpoints that report their progress, with what they take and answer. */
export interface Operations {
  rename: { input: RenameInput; answer: OperationAnswer };
  rollback: { input: RollbackInput; answer: OperationAnswer };
  finalize: { input: FinalizeInput; answer: OperationAnswer };
  refresh: { input: RefreshInput; answer: OperationAnswer };
  verify: { input: VerifyInput; answer: VerifyAnswer };
}

/** Each method throws a {@linkcode RenameError} unless the endpoint answered that it is done. */
export interface RenameClient {
  /** Renames tables, all or none; with `mode: "plan"` only says what would happen. */
  rename(request: RenameInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Rolls renames back, all or none; with `mode: "plan"` only says what would happen. */
  rollback(request: RollbackInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Ends renames, all or none: the old names are dropped. Refused while something uses them. */
  finalize(request: FinalizeInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Refreshes a compatibility view after its table's columns, defaults or grants changed. */
  refresh(request: RefreshInput, options?: CallOptions): Promise<OperationAnswer>;
  /**
   * What depends on tables and what a rename would do to it; without a table, of all tables of the schemas.
   * Default: the schema public. Names are part of the URL, so ask for a few hundred at most.
   */
  analyze(query?: AnalyzeInput): Promise<AnalyzeAnswer>;
  /** Tests by both names whether an old name still does what its table does; changes nothing. */
  verify(request: VerifyInput, options?: CallOptions): Promise<VerifyAnswer>;
  /**
   * Calls one of the methods above, and gives its progress as an async iterator.
   *
   * @example
   * const rename = client.follow("rename", { old_name: "experts", new_name: "expert_profiles" });
   * for await (const { phase, blockers } of rename) console.error(phase, blockers);
   * const { migrations } = await rename.answer;
   */
  follow<Name extends keyof Operations>(
    name: Name,
    request: Operations[Name]["input"],
    options?: Omit<CallOptions, "onProgress">,
  ): Followed<Operations[Name]["answer"]>;
  /** Verify's answer as Markdown. */
  verifyReport(request: VerifyInput): Promise<string>;
  /** One page of migrations, newest first; `next_cursor` asks for the next. Default: 50 a page. */
  listMigrations(query?: ListMigrationsInput): Promise<ListMigrationsAnswer>;
  /** One page of what was requested and what came of it, newest first. Default: 50 a page. */
  listEvents(query?: ListEventsInput): Promise<ListEventsAnswer>;
  /** Records how many uses of old names are left in source code, all entries or none. At most 1,000. */
  reportUses(request: ReportUsesInput, options?: CallOptions): Promise<ReportUsesAnswer>;
  /** The old names that are in use as compatibility views, and what their tables are called today. */
  tableAliases(query?: TableAliasesInput): Promise<TableAliasesAnswer>;
  /** The TypeScript that makes the old names compile: the text of table-aliases.ts. */
  tableAliasesFile(query?: TableAliasesInput): Promise<string>;
}

/**
 * Makes a client. Nothing is sent yet, and no session is kept or refreshed.
 *
 * @throws {TypeError} The URL is no HTTP URL, the key is empty, or key or actor cannot be in an HTTP header.
 *
 * @example
 * const client = createRenameClient({ url: "https://abcd.supabase.co", key: secretKey });
 * const { migrations } = await client.rename({ old_name: "experts", new_name: "expert_profiles" });
 * await client.rollback({ migration_id: migrations[0].id }, {
 *   onProgress: ({ phase, blockers }) => console.error(phase, blockers),
 *   signal: AbortSignal.timeout(60_000),
 * });
 */
export function createRenameClient(options: RenameClientOptions): RenameClient {
  const url = projectUrl(options.url);
  if (options.key === "") throw new TypeError("the key is empty");
  const headers = checkedHeaders(options);
  // Not the whole of supabase-js: it cannot be used in Node 20, which has no WebSocket.
  const functions = new FunctionsClient(new URL("functions/v1", url).href, {
    headers: { apikey: options.key, ...headers },
    ...(options.fetch && { customFetch: options.fetch }),
  });
  const project: Project = { functions, url };
  const post = <Answer>(name: string, has: string) => (body: object, options?: CallOptions) =>
    call<Answer>(project, name, { method: "POST", body: body as Body }, has, options);
  const get = <Answer>(name: string, has: string) => (query: Query = {}) =>
    call<Answer>(project, name + queryText(query), { method: "GET", headers: JSON_ONLY }, has);
  const client: RenameClient = {
    rename: post("rename", "migrations"),
    rollback: post("rollback", "migrations"),
    finalize: post("finalize", "migrations"),
    refresh: post("refresh", "migrations"),
    verify: post("verify", "checks"),
    listMigrations: get("list-migrations", "migrations"),
    reportUses: post("report-uses", "uses"),
    listEvents: get("list-events", "events"),
    analyze: get("analyze", "tables"),
    tableAliases: get("table-aliases", "aliases"),
    verifyReport: async (body) => {
      // Refusals as problem documents: an error is made of them.
      const headers = { accept: "text/markdown;q=0.9, application/problem+json" };
      const { answer, unexpected } = await invoke(project, "verify", {
        method: "POST",
        body,
        headers,
      });
      if (typeof answer !== "string") throw unexpected("it is not Markdown");
      return answer;
    },
    tableAliasesFile: async (query = {}) => {
      const name = `table-aliases${queryText(query)}`;
      const headers = { accept: "text/plain" };
      const { answer, unexpected } = await invoke(project, name, { method: "GET", headers });
      if (typeof answer !== "string" || !answer.includes("TableAliases")) {
        throw unexpected("it is not table-aliases.ts");
      }
      return answer;
    },
    follow: <Name extends keyof Operations>(
      name: Name,
      request: Operations[Name]["input"],
      options: Omit<CallOptions, "onProgress"> = {},
    ) => {
      const method = client[name] as (
        request: Operations[Name]["input"],
        options: CallOptions,
      ) => Promise<Operations[Name]["answer"]>;
      return followed((onProgress) => method(request, { ...options, onProgress }));
    },
  };
  return client;
}

interface Project {
  functions: FunctionsClient;
  url: URL;
}

type Body = Record<string, unknown>;
type Query = AnalyzeInput | ListEventsInput | ListMigrationsInput | TableAliasesInput;

const JSON_ONLY = { accept: "application/json" };

/**
 * Calls an endpoint, again if the options allow that.
 *
 * @param has The list that each answer has. Nothing else is checked: a field that a newer server adds must not
 *   make a rename that is done look failed.
 */
async function call<Answer>(
  project: Project,
  name: string,
  request: FunctionInvokeOptions,
  has: string,
  options?: CallOptions,
): Promise<Answer> {
  const attempt = () => invoke(project, name, request, options);
  const { answer, unexpected } = options?.idempotencyKey === undefined
    ? await attempt()
    : await withRetries(attempt, options);
  if (!Array.isArray(answer?.[has])) throw unexpected(`it has no ${has}`);
  return answer as Answer;
}

/** What an endpoint answered, and the error to throw where that is not what it answers. */
async function invoke(
  { functions, url }: Project,
  name: string,
  request: FunctionInvokeOptions,
  { onProgress, signal, idempotencyKey }: CallOptions = {},
) {
  const endpoint = new URL(`functions/v1/${name}`, url);
  const { data, error, response } = await functions.invoke(name, {
    ...request,
    headers: {
      ...request.headers,
      ...(onProgress && { accept: "text/event-stream, application/json" }),
      ...(idempotencyKey !== undefined && { "idempotency-key": checkedKey(idempotencyKey) }),
    },
    signal,
  });
  if (error !== null) {
    signal?.throwIfAborted();
    throw await toRenameError(error, endpoint);
  }
  // A response that is handed over as it is, is a stream of events.
  const answer = data !== null && data === response
    ? await readEvents(data, endpoint, { onProgress, signal })
    : data;
  const unexpected = (what: string) => unexpectedAnswer(endpoint, response?.status ?? 200, what);
  return { answer, unexpected };
}

/** With a slash at its end, so that paths are added to it and replace nothing. */
function projectUrl(text: string): URL {
  if (!URL.canParse(text)) throw new TypeError(`the URL ${text} is not valid`);
  const url = new URL(text);
  if (!/^https?:$/.test(url.protocol)) {
    throw new TypeError(`the URL ${text} is not valid: it starts with neither http: nor https:`);
  }
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** A header that cannot be sent would otherwise look like a network that cannot be reached. */
function checkedHeaders({ key, actor }: RenameClientOptions): Record<string, string> {
  const check = (name: string, value: string) => {
    try {
      new Headers([[name, value]]);
    } catch (cause) {
      throw new TypeError(`the ${name} cannot be sent in an HTTP header`, { cause });
    }
  };
  check("key", key);
  if (actor === undefined) return {};
  check("actor", actor);
  return { "x-actor": actor };
}

/** The server's rule, said before anything is sent. */
function checkedKey(key: string): string {
  if (/^[!-~]{1,255}$/.test(key)) return key;
  throw new TypeError("the idempotency key is not 1 to 255 visible ASCII characters");
}

/** What has several values is given once for each. */
function queryText(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [name, String(one)])
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
