/**
 * Clients of a table, in a thread of their own, so that nothing else in the process delays them.
 *
 * Each asks its query again as soon as it is answered, or in a rhythm, and notes how long every answer took.
 */
import postgres from "postgres";

export interface LoadOptions {
  url: string;
  /** One, or several that each client sends in turn. */
  query: string | string[];
  clients: number;
  /** Milliseconds from one query of a client to its next; 0: at once. */
  pauseMs: number;
}

/** One query: when it was sent (milliseconds since 1970) and how long its answer took. */
export type Sample = [sentAt: number, tookMs: number];

export interface LoadResult {
  samples: Sample[];
  errors: string[];
}

const now = () => performance.timeOrigin + performance.now();

const scope = self as unknown as {
  onmessage: (event: MessageEvent<LoadOptions | "begin" | "end">) => void;
  postMessage: (message: "ready" | LoadResult) => void;
};

let connections: postgres.Sql[] = [];
let options: LoadOptions;
let run: Run;
let done: Promise<unknown>;

interface Run {
  stop: boolean;
  result: LoadResult;
}

scope.onmessage = async ({ data }) => {
  if (data === "begin") begin();
  else if (data === "end") await end();
  else await connect(data);
};

async function connect(given: LoadOptions): Promise<void> {
  options = given;
  connections = Array.from(
    { length: options.clients },
    () => postgres(options.url, { max: 1, prepare: false, onnotice: () => {} }),
  );
  // Connected, and the catalogs read once.
  const all = [options.query].flat().join(";");
  await Promise.all(connections.map((sql) => sql.unsafe(all).simple()));
  scope.postMessage("ready");
}

function begin(): void {
  run = { stop: false, result: { samples: [], errors: [] } };
  done = Promise.all(connections.map((sql, index) => client(sql, index, run)));
}

async function end(): Promise<void> {
  run.stop = true;
  await done;
  scope.postMessage(run.result);
}

async function client(
  sql: postgres.Sql,
  index: number,
  run: Run,
): Promise<void> {
  const { pauseMs } = options;
  // Evenly over the rhythm, not all at the same moment.
  let next = now() + pauseMs * index / options.clients;
  const queries = [options.query].flat();
  for (let turn = index; !run.stop; turn++) {
    if (pauseMs > 0) {
      const wait = next - now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      next = Math.max(next + pauseMs, now());
    }
    const sentAt = now();
    try {
      await sql.unsafe(queries[turn % queries.length]).simple();
    } catch (error) {
      run.result.errors.push(String(error));
    }
    run.result.samples.push([sentAt, now() - sentAt]);
  }
}
