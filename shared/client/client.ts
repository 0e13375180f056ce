/**
 * A typed client of the endpoints, on the client of functions of supabase-js. It runs wherever there is `fetch`:
 * Deno, Node 20 and later, workers, browsers. The key it needs is a secret key of the project, which opens
 * everything: it does not belong in a browser, nor in anything else that is handed to users.
 */
import { type FunctionInvokeOptions, FunctionsClient } from "@supabase/functions-js";
import type {
  AnalyzeInput,
  FinalizeInput,
  ListMigrationsInput,
  RefreshInput,
  RenameInput,
  RollbackInput,
  TableAliasesInput,
  VerifyInput,
} from "../contract/requests.ts";
import type {
  AnalyzeAnswer,
  ListMigrationsAnswer,
  OperationAnswer,
  Progress,
  TableAliasesAnswer,
  VerifyAnswer,
} from "../contract/responses.ts";
import { readEvents } from "./event_stream.ts";
import { type Followed, followed } from "./follow.ts";
import { toRenameError, unexpectedAnswer } from "./rename_error.ts";
import { type Retries, withRetries } from "./retry.ts";

export type { Followed } from "./follow.ts";
export { RenameError, type RenameErrorCode } from "./rename_error.ts";

export interface RenameClientOptions {
  /** The project's URL, such as `https://abcd.supabase.co` or `http://127.0.0.1:54321`. */
  url: string;
  /** A secret key of the project, or the legacy service role key. Never in a browser. */
  key: string;
  /** Recorded behind the key's name as who asked. Default: nobody. */
  actor?: string;
  /** Default: the global one. */
  fetch?: typeof fetch;
}

export interface CallOptions {
  /**
   * Told where the operation is and who keeps it waiting, while it runs; what it throws ends the call as an
   * abort does. Default: nobody is told, and the answer comes as plain JSON.
   */
  onProgress?: (progress: Progress) => void;
  /**
   * Aborted, the call throws the signal's reason. Nothing new is tried for it then; an attempt that is under
   * way may still succeed, which `listMigrations` tells.
   */
  signal?: AbortSignal;
  /**
   * A name of the caller's own for this piece of work, 1 to 255 visible ASCII characters, such as a UUID: the
   * work is done once, however often it is asked for under this name, and is asked for again, for up to half a
   * minute, where no answer comes or the database cannot be reached. Default: none, and one attempt.
   */
  idempotencyKey?: string;
  /**
   * With a key, after which failures the call asks again. `unanswered`: only once the work may have been done
   * and its answer lost; a project that cannot be reached in the first place is told at once. Default: `any`.
   */
  retries?: Retries;
}

/** The endpoints that tell their progress, with what they take and give. */
export interface Operations {
  rename: { input: RenameInput; answer: OperationAnswer };
  rollback: { input: RollbackInput; answer: OperationAnswer };
  finalize: { input: FinalizeInput; answer: OperationAnswer };
  refresh: { input: RefreshInput; answer: OperationAnswer };
  verify: { input: VerifyInput; answer: VerifyAnswer };
}

/** Each method throws a {@linkcode RenameError} unless the endpoint answered that it is done. */
export interface RenameClient {
  /** Renames tables, all or none; with `mode: "plan"` only tells what would happen. */
  rename(request: RenameInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Takes renames back, all or none; with `mode: "plan"` only tells what would happen. */
  rollback(request: RollbackInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Ends renames, all or none: the old names go. Refused while something still names them. */
  finalize(request: FinalizeInput, options?: CallOptions): Promise<OperationAnswer>;
  /** Makes a compatibility view again, after its table's columns, defaults or grants changed. */
  refresh(request: RefreshInput, options?: CallOptions): Promise<OperationAnswer>;
  /**
   * What hangs on tables and what a rename would do to it; without a table, of all tables of the schema or
   * schemas. Default: the schema public. Names go into the URL, so a few hundred at once at most.
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
  // Not the whole of supabase-js: that one opens no client in Node 20, which has no WebSocket.
  const functions = new FunctionsClient(new URL("functions/v1", url).href, {
    headers: { apikey: options.key, ...headers },
    ...(options.fetch && { customFetch: options.fetch }),
  });
  const client: RenameClient = {
    rename: (body, options) => call(functions, url, "rename", { method: "POST", body }, options),
    rollback: (body, options) =>
      call(functions, url, "rollback", { method: "POST", body }, options),
    finalize: (body, options) =>
      call(functions, url, "finalize", { method: "POST", body }, options),
    refresh: (body, options) => call(functions, url, "refresh", { method: "POST", body }, options),
    verify: async (body, options) => {
      const request = { method: "POST", body } as const;
      const { answer, unexpected } = await invoke(functions, url, "verify", request, options);
      if (!Array.isArray(answer?.checks)) throw unexpected("it has no checks");
      return answer as VerifyAnswer;
    },
    verifyReport: async (body) => {
      // Refusals as problem documents: an error is made of them.
      const headers = { accept: "text/markdown;q=0.9, application/problem+json" };
      const request = { method: "POST", body, headers } as const;
      const { answer, unexpected } = await invoke(functions, url, "verify", request);
      if (typeof answer !== "string") throw unexpected("it is not Markdown");
      return answer;
    },
    listMigrations: (query = {}) =>
      call(functions, url, `list-migrations${queryText(query)}`, { method: "GET" }),
    analyze: async (query = {}) => {
      const name = `analyze${queryText(query)}`;
      const { answer, unexpected } = await invoke(functions, url, name, { method: "GET" });
      if (!Array.isArray(answer?.tables)) throw unexpected("it has no tables");
      return answer as AnalyzeAnswer;
    },
    tableAliases: async (query = {}) => {
      const headers = { accept: "application/json" };
      const name = `table-aliases${queryText(query)}`;
      const { answer, unexpected } = await invoke(functions, url, name, { method: "GET", headers });
      if (!Array.isArray(answer?.aliases)) throw unexpected("it has no aliases");
      return answer as TableAliasesAnswer;
    },
    tableAliasesFile: async (query = {}) => {
      const headers = { accept: "text/plain" };
      const name = `table-aliases${queryText(query)}`;
      const { answer, unexpected } = await invoke(functions, url, name, { method: "GET", headers });
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

async function call<Answer extends { migrations: unknown[] }>(
  functions: FunctionsClient,
  url: URL,
  name: string,
  request: FunctionInvokeOptions,
  options?: CallOptions,
): Promise<Answer> {
  const attempt = () => invoke(functions, url, name, request, options);
  const { answer, unexpected } = options?.idempotencyKey === undefined
    ? await attempt()
    : await withRetries(attempt, options);
  // No closer look: a field that a newer server adds must not make a rename that is done look failed.
  if (!Array.isArray(answer?.migrations)) throw unexpected("it has no migrations");
  return answer as Answer;
}

/** What an endpoint answered, and the error to throw where that is not what it answers. */
async function invoke(
  functions: FunctionsClient,
  url: URL,
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
function queryText(query: AnalyzeInput | ListMigrationsInput | TableAliasesInput): string {
  const given = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [name, String(one)])
  );
  return given.length === 0 ? "" : `?${new URLSearchParams(given)}`;
}
