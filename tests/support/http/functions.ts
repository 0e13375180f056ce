/** The endpoints against a test's own database, through real requests and responses. */
import * as analyze from "../../../functions/analyze/index.ts";
import * as finalize from "../../../functions/finalize/index.ts";
import * as listEvents from "../../../functions/list-events/index.ts";
import * as listMigrations from "../../../functions/list-migrations/index.ts";
import * as refresh from "../../../functions/refresh/index.ts";
import * as rename from "../../../functions/rename/index.ts";
import * as reportUses from "../../../functions/report-uses/index.ts";
import * as rollback from "../../../functions/rollback/index.ts";
import * as tableAliases from "../../../functions/table-aliases/index.ts";
import * as verify from "../../../functions/verify/index.ts";
import { assertEquals } from "@std/assert";
import type { ProblemBody } from "../../../shared/contract/problems.ts";
import type {
  FinalizeInput,
  ListEventsInput,
  ListMigrationsInput,
  RefreshInput,
  RenameInput,
  ReportUsesInput,
  RollbackInput,
  VerifyInput,
} from "../../../shared/contract/requests.ts";
import type {
  AnalyzeAnswer,
  ListEventsAnswer,
  ListMigrationsAnswer,
  OperationAnswer,
  ReportUsesAnswer,
  VerifyAnswer,
} from "../../../shared/contract/responses.ts";
import { forgetDatabase } from "../../../shared/postgres/connection/database.ts";
import { backgroundEnded } from "../../../shared/notifications/background.ts";
import { type EndpointDefinition, handle } from "../../../shared/http/endpoint.ts";
import type { Settings } from "../../../shared/http/settings.ts";

export const SECRET_KEY = "sb_secret_of_the_tests";
export const PUBLISHABLE_KEY = "sb_publishable_of_the_tests";

// deno-lint-ignore no-explicit-any -- each definition has input and output types of its own
const definitions: Record<string, EndpointDefinition<any, any>> = {
  "analyze": analyze.definition,
  "finalize": finalize.definition,
  "refresh": refresh.definition,
  "rename": rename.definition,
  "report-uses": reportUses.definition,
  "rollback": rollback.definition,
  "list-events": listEvents.definition,
  "list-migrations": listMigrations.definition,
  "table-aliases": tableAliases.definition,
  "verify": verify.definition,
};

export interface Functions {
  settings: Settings;
  /** Sends a request as it is. */
  fetch(name: string, init?: RequestInit & { query?: string }): Promise<Response>;
  /** Calls an operation and fails the test unless it succeeds. */
  rename(body: RenameInput): Promise<OperationAnswer>;
  rollback(body: RollbackInput): Promise<OperationAnswer>;
  finalize(body: FinalizeInput): Promise<OperationAnswer>;
  refresh(body: RefreshInput): Promise<OperationAnswer>;
  verify(body: VerifyInput): Promise<VerifyAnswer>;
  reportUses(body: ReportUsesInput): Promise<ReportUsesAnswer>;
  list(query?: ListMigrationsInput): Promise<ListMigrationsAnswer>;
  events(query?: ListEventsInput): Promise<ListEventsAnswer>;
  /** Asks for an analysis; the query is a query string without its question mark. */
  analyze(query?: string): Promise<AnalyzeAnswer>;
  /** Calls an operation and fails the test unless it is refused with this code. */
  refused(code: string, name: string, body: unknown): Promise<ProblemBody>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Endpoints that are connected to the database at `url`; disposed of, they close its connections. */
export function functionsFor(url: string, more: Partial<Settings> = {}): Functions {
  const settings: Settings = {
    databaseUrl: url,
    secretKeys: { default: SECRET_KEY },
    publishableKeys: { default: PUBLISHABLE_KEY },
    serviceRoleKey: undefined,
    anonKey: undefined,
    deadlineMs: 140_000,
    jwks: null,
    webhooks: { secrets: [], unreadable: 0 },
    idempotencyDays: 7,
    logLevel: "error",
    ...more,
  };
  const fetch: Functions["fetch"] = (name, { query = "", ...init } = {}) =>
    handle(
      definitions[name],
      new Request(`http://localhost/${name}${query}`, {
        ...init,
        headers: { apikey: SECRET_KEY, ...init.headers },
      }),
      settings,
    );
  const post = (name: string, body: unknown) =>
    fetch(name, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  const succeed = async (response: Response) => {
    const body = await response.json();
    assertEquals(response.status, 200, JSON.stringify(body, null, 2));
    return body;
  };
  const get = async (name: string, query: object) => {
    const text = new URLSearchParams(
      Object.entries(query).map(([name, value]) => [name, String(value)]),
    );
    return await succeed(await fetch(name, { query: `?${text}` }));
  };
  return {
    settings,
    fetch,
    rename: async (body) => await succeed(await post("rename", body)),
    rollback: async (body) => await succeed(await post("rollback", body)),
    // At once, which has to be asked for; what is tested of the wait says otherwise.
    finalize: async (body) => await succeed(await post("finalize", { quiet_for_days: 0, ...body })),
    refresh: async (body) => await succeed(await post("refresh", body)),
    verify: async (body) => await succeed(await post("verify", body)),
    reportUses: async (body) => await succeed(await post("report-uses", body)),
    list: async (query = {}) => await get("list-migrations", query),
    events: async (query = {}) => await get("list-events", query),
    analyze: async (query = "") => await succeed(await fetch("analyze", { query: `?${query}` })),
    refused: async (code, name, body) => {
      const now = name === "finalize" ? { quiet_for_days: 0, ...body as object } : body;
      const problem = await (await post(name, now)).json();
      assertEquals(problem.code, code, JSON.stringify(problem, null, 2));
      return problem;
    },
    async [Symbol.asyncDispose]() {
      await backgroundEnded();
      await forgetDatabase(url);
      if (settings.verifyDatabaseUrl !== undefined) {
        await forgetDatabase(settings.verifyDatabaseUrl);
      }
    },
  };
}
