/** Runs the clients in a thread of their own, so that they wait for the database and not for the functions. */
import postgres from "postgres";
import { CLIENTS, CONTROL, type LoadClient } from "./clients.ts";

export interface ClientFigures {
  name: string;
  statements: number;
  /** Longest time of one statement, in milliseconds, and when it began (Date.now()). */
  longestMs: number;
  longestAt: number;
  errors: { at: number; message: string }[];
  /** Statements that took longer than the limit. */
  slow: { at: number; ms: number }[];
}

export type ToWorker =
  | { kind: "start"; url: string; named: boolean; slowMs: number }
  | { kind: "new names"; open: boolean }
  | { kind: "stop" };

export type FromWorker =
  | { kind: "started" }
  | { kind: "new names" }
  | { kind: "errors"; count: number }
  | { kind: "stopped"; figures: ClientFigures[] };

const post = (message: FromWorker) => (self as unknown as Worker).postMessage(message);

/** Pause between two rounds, so that the clients leave some of the machine to the server. */
const PAUSE_MS = 2;

/** The new names are there while it is open; closing waits for the rounds that use them. */
const gate = {
  open: false,
  busy: 0,
};

let stopping = false;
let errors = 0;
let running: Promise<ClientFigures[]>;

self.addEventListener("message", (event) => void receive((event as MessageEvent<ToWorker>).data));

async function receive(data: ToWorker): Promise<void> {
  if (data.kind === "start") {
    running = Promise.all(CLIENTS.map((client) => run(client, data)));
    post({ kind: "started" });
  } else if (data.kind === "new names") {
    gate.open = data.open;
    while (!data.open && gate.busy > 0) await pause();
    post({ kind: "new names" });
  } else {
    stopping = true;
    post({ kind: "stopped", figures: await running });
    self.close();
  }
}

/** What is slow on the table that nobody renames, in milliseconds: a busy machine. */
const SLOW_CONTROL_MS = 50;

const pause = (ms = PAUSE_MS) => new Promise((resolve) => setTimeout(resolve, ms));

async function run(
  client: LoadClient,
  options: { url: string; named: boolean; slowMs: number },
): Promise<ClientFigures> {
  const slowMs = client.name === CONTROL ? SLOW_CONTROL_MS : options.slowMs;
  const figures: ClientFigures = {
    name: client.name,
    statements: 0,
    longestMs: 0,
    longestAt: 0,
    errors: [],
    slow: [],
  };
  const sql = postgres(options.url, {
    max: 1,
    prepare: options.named && client.protocol === "named",
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: `soak: ${client.name}` },
  });
  const timed = async <T>(statement: () => PromiseLike<T>): Promise<T> => {
    const [at, started] = [Date.now(), performance.now()];
    try {
      return await statement();
    } finally {
      const ms = performance.now() - started;
      figures.statements++;
      if (ms > figures.longestMs) [figures.longestMs, figures.longestAt] = [ms, at];
      if (ms > slowMs) figures.slow.push({ at, ms });
    }
  };
  await sql`select 1`;
  while (!stopping) {
    if (client.newNames && !gate.open) {
      await pause();
      continue;
    }
    if (client.newNames) gate.busy++;
    try {
      await client.round(sql, timed);
    } catch (error) {
      const { code = "", message } = error as { code?: string; message: string };
      figures.errors.push({ at: Date.now(), message: `${code} ${message}`.trim() });
      post({ kind: "errors", count: ++errors });
    } finally {
      if (client.newNames) gate.busy--;
    }
    await pause(client.pauseMs);
  }
  await sql.end({ timeout: 5 });
  return figures;
}
