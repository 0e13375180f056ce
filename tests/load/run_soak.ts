/** One soak: clients on a database, renames on top of them, and the figures of both. */
import { createTestDatabase } from "../support/servers/database.ts";
import { functionsFor } from "../support/http/functions.ts";
import type { TestServer } from "../support/servers/servers.ts";
import { type Pgbouncer, startPgbouncer } from "../support/servers/pgbouncer.ts";
import type { ClientFigures, FromWorker, ToWorker } from "./clients_worker.ts";
import { type Renames, renameToAndFro } from "./renames.ts";
import { SCHEMA } from "./schema.ts";

/** How much longer than the lock timeout a statement may take before it is counted as slow. */
export const MARGIN_MS = 50;

export interface SoakOptions {
  seconds: number;
  lockTimeoutMs: number;
  /** Whether functions and clients go through a pooler in transaction mode. Default: false. */
  pgbouncer?: boolean;
  /** Called about once a second with what has happened so far. Default: not at all. */
  progress?: (errors: number, operations: number, elapsedMs: number) => void;
}

export interface SoakResult {
  clients: ClientFigures[];
  renames: Renames;
}

export async function runSoak(server: TestServer, options: SoakOptions): Promise<SoakResult> {
  const db = await createTestDatabase(server);
  let pooler: Pgbouncer | undefined;
  try {
    await db.sql.unsafe(SCHEMA).simple();
    if (options.pgbouncer) pooler = await startPgbouncer(server);
    const url = pooler?.through(db.url) ?? db.url;
    await using functions = functionsFor(url);
    await using clients = await startClients({
      kind: "start",
      url,
      // PgBouncer before 1.21 gives each transaction any connection, and none has its statements.
      named: !options.pgbouncer,
      slowMs: options.lockTimeoutMs + MARGIN_MS,
    });
    const started = performance.now();
    const elapsed = () => performance.now() - started;
    let operations = 0;
    const timer = setInterval(
      () => options.progress?.(clients.errors, operations, elapsed()),
      1_000,
    );
    try {
      const renames = await renameToAndFro(functions, {
        lockTimeoutMs: options.lockTimeoutMs,
        over: () => elapsed() > options.seconds * 1_000,
        newNames: clients.newNames,
        done: () => operations++,
      });
      return { clients: await clients.stop(), renames };
    } finally {
      clearInterval(timer);
    }
  } finally {
    await pooler?.stop();
    await db.close();
  }
}

interface Clients extends AsyncDisposable {
  /** Errors so far. */
  readonly errors: number;
  newNames(open: boolean): Promise<void>;
  stop(): Promise<ClientFigures[]>;
}

async function startClients(start: ToWorker): Promise<Clients> {
  const worker = new Worker(new URL("./clients_worker.ts", import.meta.url).href, {
    type: "module",
  });
  const listeners = new Map<string, (message: FromWorker) => void>();
  let errors = 0;
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    if (data.kind === "errors") errors = data.count;
    else listeners.get(data.kind)?.(data);
  };
  const call = <Kind extends FromWorker["kind"]>(message: ToWorker, answer: Kind) =>
    new Promise<Extract<FromWorker, { kind: Kind }>>((resolve) => {
      listeners.set(answer, (data) => resolve(data as Extract<FromWorker, { kind: Kind }>));
      worker.postMessage(message);
    });
  let figures: ClientFigures[] | undefined;
  const stop = async () => figures ??= (await call({ kind: "stop" }, "stopped")).figures;
  await call(start, "started");
  return {
    get errors() {
      return errors;
    },
    newNames: async (open) => void await call({ kind: "new names", open }, "new names"),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      worker.terminate();
    },
  };
}
