/**
 * The page's server: the page itself, its session, and the project's endpoints behind it. It runs in the command's own
 * process, in Deno and in Node.js, and keeps the secret key there.
 */
import { RenameError } from "../../client/rename_error.ts";
import { createHash } from "node:crypto";
import type { CampaignPhase } from "../../report/campaign.ts";
import { reachedAt } from "../../local/functions/http_server.ts";
import { type Assets, loadAssets } from "./assets.ts";
import { forward, type Target } from "./forward.ts";
import { withSafeHeaders } from "./headers.ts";
import { foreignRequest } from "./origin.ts";
import { createProblem } from "./problem.ts";
import { entrancePage } from "./entrance.ts";
import { PROJECT_HEADER, type SessionAnswer } from "./session_answer.ts";
import { Sessions } from "./sessions.ts";

export interface ConsoleOptions extends Target {
  /** Where the page's server listens. */
  port: number;
  /** Default: 127.0.0.1. */
  hostname?: string;
  /** What the page shows as the project's name. Default: the URL's host. */
  project?: string;
  /** The phases of the project file, with what became of each table. Default: there is no such file. */
  campaign?: () => Promise<CampaignPhase[]>;
}

export interface Console {
  /** Answers a request to the page's address, whatever its path. */
  fetch(request: Request): Promise<Response>;
  /** A URL that opens the page once, within fifteen minutes. */
  newLink(): string;
}

const API = "/api/";
const ENDPOINTS = "/api/functions/v1/";

/** Makes the page's server. The page is built, or read, meanwhile. */
export function createConsole(options: ConsoleOptions): Console {
  const { port, hostname = "127.0.0.1" } = options;
  const sessions = new Sessions(port);
  const projectId = idOf(options);
  const assets = loadAssets(projectId);
  // A failure is answered when the page is asked for.
  assets.catch(() => {});
  return {
    newLink: () => `${reachedAt({ hostname, port })}/?token=${sessions.newLinkToken()}`,
    async fetch(request) {
      const foreign = foreignRequest(request, hostname);
      return withSafeHeaders(
        foreign === null
          ? await answer(request, options, { projectId, sessions, assets })
          : createProblem(403, "foreign_origin", foreign, {
            hint: "Open the link that the command has printed.",
          }),
      );
    },
  };
}

async function answer(
  request: Request,
  options: ConsoleOptions,
  { projectId, sessions, assets }: {
    projectId: string;
    sessions: Sessions;
    assets: Promise<Assets>;
  },
): Promise<Response> {
  const { pathname, searchParams } = new URL(request.url);
  const token = searchParams.get("token");
  const known = sessions.has(request);
  if (pathname === "/" && token !== null) {
    // A browser that knows the page uses a link up as well.
    const cookie = sessions.open(token);
    if (cookie === null && !known) return entrancePage("used");
    const headers = { location: "/", ...(cookie !== null && { "set-cookie": cookie }) };
    return new Response(null, { status: 303, headers });
  }
  if (!known) {
    return pathname.startsWith(API)
      ? createProblem(401, "unauthorized", "This browser has not opened the page by its link.", {
        hint: "Open the link that the command has printed.",
      })
      : entrancePage("unknown");
  }
  if (
    pathname.startsWith(API) && (request.headers.get(PROJECT_HEADER) ?? projectId) !== projectId
  ) {
    return createProblem(
      409,
      "other_project",
      "This tab shows another project than is served now.",
      {
        hint: "Reload the page.",
      },
    );
  }
  if (pathname.startsWith(ENDPOINTS)) {
    return await forward(request, pathname.slice(ENDPOINTS.length), options);
  }
  if (request.method !== "GET" && request.method !== "HEAD") {
    return createProblem(405, "method_not_allowed", "Only pages are here.");
  }
  if (pathname === "/api/session") return Response.json(sessionOf(options));
  if (pathname === "/api/campaign") return await campaignAnswer(options);
  if (pathname.startsWith(API)) return createProblem(404, "not_found", "There is nothing here.");
  return (await assets)(request);
}

/** The same whenever the project is served again, and nothing that the URL could be read from. */
const idOf = ({ url, project }: ConsoleOptions): string =>
  createHash("sha256").update(JSON.stringify([url, project])).digest("base64url");

const sessionOf = ({ project, url, readOnly, campaign }: ConsoleOptions): SessionAnswer => ({
  project: project ?? new URL(url).host,
  url,
  readOnly,
  hasPhases: campaign !== undefined,
});

async function campaignAnswer({ campaign }: ConsoleOptions): Promise<Response> {
  try {
    return Response.json(await campaign?.() ?? []);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    if (error instanceof RenameError) {
      return createProblem(error.status ?? 502, error.code, detail, { hint: error.hint });
    }
    return createProblem(422, "project_file", detail, {
      hint: "Correct the project file, then try again.",
    });
  }
}
