/** TCP ports on the loopback interface, which is the only one that the local stack uses. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

/** The port is in use. */
export class PortInUseError extends Error {
  override name = "PortInUseError";

  constructor(readonly port: number, options?: ErrorOptions) {
    super(`port ${port} on 127.0.0.1 is already in use`, options);
  }
}

/** A port that is free now; another program can take it at any moment. */
export const findFreePort = (): Promise<number> => listenOnce(0);

/** @throws {PortInUseError} */
export async function requireFreePort(port: number): Promise<void> {
  try {
    await listenOnce(port);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== "EADDRINUSE") throw cause;
    throw new PortInUseError(port, { cause });
  }
}

async function listenOnce(port: number): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  await once(server, "listening");
  const { port: used } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return used;
}
