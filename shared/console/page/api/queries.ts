/** What the views ask for, each under a key of its own, so that a change can refresh all of it. */
import {
  infiniteQueryOptions,
  type QueryClient,
  queryOptions,
  useQuery,
} from "@tanstack/react-query";
import { allMigrations, type MigrationsQuery } from "../../../client/all_migrations.ts";
import { RenameError } from "../../../client/client.ts";
import type { ListEventsInput } from "../../../contract/requests.ts";
import type {
  AnalyzedTable,
  EventRecord,
  Migration,
  OperationAnswer,
} from "../../../contract/responses.ts";
import type { CampaignPhase } from "../../../report/campaign.ts";
import type { SessionAnswer } from "../../server/session_answer.ts";
import type { PlanRequest } from "../plan/requests.ts";
import { client, getJson } from "./client.ts";

/** Where the page is, and what it may do. */
export const useSession = () =>
  useQuery({
    queryKey: ["session"],
    queryFn: () => getJson<SessionAnswer>("/api/session"),
    // Notices when the server has gone, and when it is back.
    refetchInterval: 10_000,
  });

/** All tables of the project's schemas, without what depends on them. */
export const useTables = () =>
  useQuery({
    queryKey: ["tables"],
    queryFn: async (): Promise<AnalyzedTable[]> =>
      (await client.analyze({ schemas: ["*"], detail: "names" })).tables,
  });

/** What depends on a table, and what a rename would do to it. */
export const analysisOptions = (schema: string, table: string) =>
  queryOptions({
    queryKey: ["analysis", schema, table],
    queryFn: async (): Promise<AnalyzedTable[]> =>
      (await client.analyze({ schema: [schema], table: [table] })).tables,
  });

/** How many of the last changes are shown. */
const LAST_CHANGES = 200;

/** All migrations, newest first, however many pages they are. */
export const migrationsOptions = (query: MigrationsQuery = {}) =>
  queryOptions({ queryKey: ["migrations", query], queryFn: () => allMigrations(client, query) });

/** What is asked for of an old name: by this version, and by functions that were deployed before it. */
const ABOUT_OLD_NAMES = ["usage,drift,verification,uses_in_code", "usage,drift"];

/**
 * The renames whose old names still exist. Each look takes a sample of the database's statistics, so it is taken when
 * somebody wants it, or after a change.
 */
export const oldNamesOptions = queryOptions({
  queryKey: ["migrations", "old names"],
  queryFn: async (): Promise<Migration[]> => {
    const [all, some] = ABOUT_OLD_NAMES;
    try {
      return await allMigrations(client, { status: "active", include: all });
    } catch (error) {
      if (!(error instanceof RenameError) || error.code !== "invalid_request") throw error;
      return await allMigrations(client, { status: "active", include: some });
    }
  },
  staleTime: Infinity,
  refetchOnWindowFocus: false,
  refetchOnReconnect: false,
});

/** The last changes that were made, newest first: what they were, and how long they held others. */
export const lastChangesOptions = queryOptions({
  queryKey: ["events", "last changes"],
  queryFn: async (): Promise<EventRecord[]> =>
    (await client.listEvents({ outcome: "succeeded", limit: LAST_CHANGES })).events,
});

/** What a rename would do. It is asked for again only when something was changed, or when the reader wants it. */
export const planOptions = (request: PlanRequest) =>
  queryOptions({
    queryKey: ["plan", request],
    queryFn: ({ signal }): Promise<OperationAnswer> =>
      client.rename({ ...request, mode: "plan" }, { signal }),
    staleTime: Infinity,
    gcTime: 10 * 60_000,
  });

/** Events of one page. */
const EVENTS = 100;

/** Events, newest first, page by page. */
export const eventsOptions = (query: Omit<ListEventsInput, "limit" | "cursor">) =>
  infiniteQueryOptions({
    queryKey: ["events", query],
    queryFn: ({ pageParam: cursor }) => client.listEvents({ ...query, limit: EVENTS, cursor }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next_cursor }) => next_cursor ?? undefined,
  });

/** The phases of the project file, with what became of each table. */
export const campaignOptions = queryOptions({
  queryKey: ["campaign"],
  queryFn: () => getJson<CampaignPhase[]>("/api/campaign"),
});

/** After a change: everything but the session is asked for anew, at the next look at it. */
export const refreshAll = (queries: QueryClient): Promise<void> =>
  queries.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== "session" });
