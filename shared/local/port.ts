/** TCP ports on the loopback interface, which is the only one that the local stack uses. */

/** The port is in use. */
export class PortInUseError extends Error {
  override name = "PortInUseError";

  constructor(readonly port: number, options?: ErrorOptions) {
    super(`port ${port} on 127.0.0.1 is already in use`, options);
  }
}

/** A port that is free now; another program can take it at any moment. */
export function findFreePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  return port;
}

/** @throws {PortInUseError} */
export function requireFreePort(port: number): void {
  try {
    Deno.listen({ hostname: "127.0.0.1", port }).close();
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) throw new PortInUseError(port, { cause });
    throw cause;
  }
}
