/** An HTTP server for a handler of Requests: Deno's own, or that of Node.js. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { PortInUseError } from "../port.ts";

export interface HttpServer {
  port: number;
  /** Ends all connections. */
  close(): Promise<void>;
}

/** @param completed Resolved when the answer was sent, or its receiver has gone; rejected in Deno then. */
type ServerHandler = (request: Request, completed: Promise<void>) => Response | Promise<Response>;

interface Address {
  hostname: string;
  /** 0: a free one. */
  port: number;
}

/** An address as a URL has it. */
export const inUrl = (hostname: string): string =>
  hostname.includes(":") ? `[${hostname}]` : hostname;

/** The URL at which this machine reaches a server that listens there; nobody else answers at it. */
export const reachedAt = ({ hostname, port }: Address): string =>
  `http://${["0.0.0.0", "::"].includes(hostname) ? "127.0.0.1" : inUrl(hostname)}:${port}`;

/** @throws {PortInUseError} */
export const listen = (address: Address, handler: ServerHandler): Promise<HttpServer> =>
  typeof Deno !== "undefined" && "serve" in Deno
    ? Promise.resolve(listenInDeno(address, handler))
    : listenInNode(address, handler);

function listenInDeno(address: Address, handler: ServerHandler): HttpServer {
  const closing = new AbortController();
  try {
    const server = Deno.serve(
      { ...address, signal: closing.signal, onListen: () => {} },
      (request, { completed }) => handler(request, completed),
    );
    return {
      port: server.addr.port,
      async close() {
        closing.abort();
        await server.finished;
      },
    };
  } catch (cause) {
    if (!(cause instanceof Deno.errors.AddrInUse)) throw cause;
    throw new PortInUseError(address.port, { cause });
  }
}

async function listenInNode(address: Address, handler: ServerHandler): Promise<HttpServer> {
  const { toNodeHandler } = await import("srvx/node");
  const server = createServer(async (request, response) => {
    const completed = new Promise<void>((resolve) => response.once("close", resolve));
    const answer = toNodeHandler((request) => handler(realRequest(request), completed)) as (
      ...both: [IncomingMessage, ServerResponse]
    ) => unknown;
    try {
      // Also throws at once: what is sent as Host need not make a URL.
      await answer(request, response);
    } catch (error) {
      console.error("a request could not be answered:", error);
      response.destroy();
    }
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(cause.code === "EADDRINUSE" ? new PortInUseError(address.port, { cause }) : cause);
    });
    server.listen(address.port, address.hostname, resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Those of srvx only look like a Request, and have one within. */
const realRequest = (request: Request & { _request?: Request }): Request =>
  request._request ?? request;
