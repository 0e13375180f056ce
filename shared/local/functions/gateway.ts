/**
 * The gateway to a project's Edge Functions: `/functions/v1/NAME` on a local port. All functions run in this process;
 * the environment that they read has to be set before the gateway starts.
 */
import { type FunctionEntry, ourFunctions } from "./function_list.ts";
import { listen, reachedAt } from "./http_server.ts";
import { backgroundWork, provideRuntime } from "./runtime.ts";

/** How long a stop waits for running requests, and then for their background work, in milliseconds. */
const STOP_GRACE_MS = 2_000;

const PREFIX = "/functions/v1/";

interface GatewayOptions {
  /** TCP port; 0: a free one. */
  port: number;
  /** Default: 127.0.0.1. */
  hostname?: string;
  /** Default: those of this repository's supabase/config.toml. */
  functions?: FunctionEntry[];
  /** Answers what is asked for outside of `/functions/v1/`. Default: a list of the functions, at `/`. */
  page?: (request: Request) => Promise<Response>;
}

export interface Gateway {
  readonly port: number;
  /** `http://127.0.0.1:PORT`, or with the given address, without a slash at its end. */
  readonly url: string;
  /** Closes, after waiting at most two seconds for running requests and two for their background work. */
  stop(): Promise<void>;
}

type Handler = (request: Request) => Response | Promise<Response>;

/**
 * Loads the functions and serves them. A function that cannot be loaded is reported on the console
 * and answers 503.
 *
 * @throws {PortInUseError} the port is taken
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const hostname = options.hostname ?? "127.0.0.1";
  provideRuntime();
  const functions = options.functions ?? await ourFunctions();
  const handlers = new Map(
    await Promise.all(functions.map(async (entry) => [entry.name, await load(entry)] as const)),
  );
  const running = new Set<Promise<void>>();
  const server = await listen({ hostname, port: options.port }, (request, completed) => {
    const settled = completed.catch(() => {}).finally(() => running.delete(settled));
    running.add(settled);
    const { pathname } = new URL(request.url);
    return options.page === undefined || pathname.startsWith(PREFIX)
      ? route(request, handlers)
      : options.page(request);
  });
  const { port } = server;
  return {
    port,
    url: reachedAt({ hostname, port }),
    async stop() {
      await settledWithin(running, STOP_GRACE_MS);
      await settledWithin([...backgroundWork], STOP_GRACE_MS);
      await server.close();
    },
  };
}

/**
 * The functions without a server, for a client's `fetch`; each is loaded when it is first called. The environment that
 * they read has to be set before.
 */
export function fetchFunctions(): typeof fetch {
  provideRuntime();
  const handlers = new Map<string, Handler>();
  return async (input, init) => {
    if (handlers.size === 0) {
      for (const entry of await ourFunctions()) {
        handlers.set(entry.name, async (request) => (await load(entry))(request));
      }
    }
    return await route(new Request(input, init), handlers);
  };
}

async function settledWithin(promises: Iterable<Promise<unknown>>, milliseconds: number) {
  const late = Promise.withResolvers<void>();
  const timer = setTimeout(late.resolve, milliseconds);
  await Promise.race([Promise.all(promises), late.promise]);
  clearTimeout(timer);
}

async function route(request: Request, handlers: Map<string, Handler>): Promise<Response> {
  const url = new URL(request.url);
  if (url.pathname === "/") {
    const lines = [...handlers.keys()].map((name) => `${url.origin}${PREFIX}${name}\n`);
    return new Response(`Edge Functions:\n${lines.join("")}`);
  }
  const name = url.pathname.startsWith(PREFIX)
    ? url.pathname.slice(PREFIX.length).split("/")[0]
    : "";
  const handler = handlers.get(name);
  if (!handler) return failure(404, "NOT_FOUND", "Requested function was not found");
  // As on the platform, a function sees /NAME/….
  url.pathname = url.pathname.slice(PREFIX.length - 1);
  try {
    return await handler(atAddress(url, request));
  } catch (error) {
    console.error(`function ${name}:`, error);
    return failure(500, "WORKER_ERROR", "Function exited due to an error (please check logs)");
  }
}

/** The same request at another address; also with methods that `Request` does not accept (TRACE, `get`). */
function atAddress(url: URL, request: Request): Request {
  try {
    return new Request(url, request);
  } catch {
    const { method, headers } = request;
    return Object.defineProperty(new Request(url, { headers }), "method", { value: method });
  }
}

async function load({ name, entrypoint }: FunctionEntry): Promise<Handler> {
  try {
    const module = await import(entrypoint.href);
    if (typeof module.default?.fetch !== "function") {
      throw new TypeError("its default export has no fetch function");
    }
    return (request) => module.default.fetch(request);
  } catch (error) {
    console.error(`function ${name} could not be loaded:`, error);
    return () => failure(503, "BOOT_ERROR", "Function failed to start (please check logs)");
  }
}

/** An answer of the gateway itself, like that of the hosted platform. */
function failure(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status });
}
