/** A receiver of notifications: a real HTTP server that does what a test wants it to. */
import { Webhook } from "standardwebhooks";
import { type Notification, NOTIFICATIONS } from "../../../shared/contract/notifications.ts";
import { readNotifySettings } from "../../../shared/http/webhooks/notify_settings.ts";
import type { Settings } from "../../../shared/http/settings.ts";
import { SECRET } from "./webhooks.ts";

export interface Received {
  headers: Record<string, string>;
  /** The body as it came. */
  text: string;
  notification: Notification;
}

/** What the receiver does with a request: answers with a status, sends elsewhere, or keeps it waiting. */
export type Behaviour = number | "redirect" | "hang" | ((received: Received) => Promise<number>);

export class Receiver {
  readonly received: Received[] = [];
  behaviour: Behaviour = 204;
  readonly port: number;
  #server: Deno.HttpServer;
  #release = Promise.withResolvers<void>();
  #arrival = Promise.withResolvers<void>();

  constructor(port = 0) {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port, onListen: () => {} },
      (request) => this.#take(request),
    );
    this.#server = server;
    this.port = server.addr.port;
  }

  /** Its URL, with a token in it, as many have. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/hooks/token-of-the-receiver`;
  }

  /** The types of what came, in the order in which it came. */
  get types(): string[] {
    return this.received.map(({ notification }) => notification.type);
  }

  /** Waits until something has come since the last call. */
  async arrival(): Promise<void> {
    await this.#arrival.promise;
    this.#arrival = Promise.withResolvers<void>();
  }

  /** Answers what was kept waiting. */
  release(): void {
    this.#release.resolve();
    this.#release = Promise.withResolvers<void>();
  }

  async stop(): Promise<void> {
    this.release();
    await this.#server.shutdown();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #take(request: Request): Promise<Response> {
    if (new URL(request.url).pathname === "/elsewhere") {
      throw new Error("the redirect was followed");
    }
    const text = await request.text();
    const received = {
      headers: Object.fromEntries(request.headers),
      text,
      notification: read(text),
    };
    this.received.push(received);
    this.#arrival.resolve();
    const { behaviour } = this;
    if (behaviour === "redirect") {
      return new Response(null, { status: 307, headers: { location: "/elsewhere" } });
    }
    if (behaviour === "hang") await this.#release.promise;
    const status = typeof behaviour === "function" ? await behaviour(received) : behaviour;
    return new Response(null, { status: typeof status === "number" ? status : 204 });
  }
}

/** A body that is what the contract says, field by field; the test fails where it is not. */
function read(text: string): Notification {
  const body = JSON.parse(text);
  const schema = NOTIFICATIONS[body.type as Notification["type"]];
  const strict = schema.strict().extend({ data: schema.shape.data.strict() });
  return strict.parse(body) as Notification;
}

/** Checks the signature with the standard's own library; throws where it is not right. */
export function verifySignature({ headers, text }: Received, secret = SECRET): void {
  new Webhook(secret).verify(text, headers);
}

/** A server that takes connections and closes them without a word. */
export function closingServer(): { url: string; close(): void } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  void (async () => {
    for await (const connection of listener) connection.close();
  })();
  return {
    url: `http://127.0.0.1:${listener.addr.port}/hooks`,
    close: () => listener.close(),
  };
}

/** Settings by which these URLs are notified. */
export function notifying(
  urls: string[],
  { secrets = [SECRET], timeoutMs = 10_000, allowPrivate = "true" } = {},
): Pick<Settings, "notify"> {
  const notify = readNotifySettings({
    urls: urls.join(", "),
    secrets: secrets.map((secret) => `whsec_${secret}`).join(" "),
    allowPrivate,
  }, { secrets: [], unreadable: 0 });
  return { notify: notify && { ...notify, timeoutMs } };
}
