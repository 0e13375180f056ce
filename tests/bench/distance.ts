/** Distance to the database, as a measurement sees it; the proxy is `workers/distance_worker.ts`. */
import type { DistanceOptions } from "./workers/distance_worker.ts";

export interface Distance extends Disposable {
  /** A connection string that leads the long way. */
  far(url: string): string;
}

/** Puts `distanceMs` of round trip before the server at `port`; none at all for 0. */
export async function startDistance(port: number, distanceMs: number): Promise<Distance> {
  if (distanceMs === 0) return { far: (url) => url, [Symbol.dispose]: () => {} };
  const worker = new Worker(new URL("./workers/distance_worker.ts", import.meta.url), {
    type: "module",
  });
  const listening = new Promise<number>((resolve, reject) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = (event) => reject(new Error(event.message));
  });
  const options: DistanceOptions = { port, distanceMs };
  worker.postMessage(options);
  const ownPort = await listening;
  return {
    far: (url) => url.replace(`:${port}/`, `:${ownPort}/`),
    [Symbol.dispose]: () => worker.terminate(),
  };
}
