/**
 * The socket to the server, encrypted where that is asked for. postgres.js could do it itself, but not as libpq
 * does, and under Deno 2.1, whose API the hosted functions have, it waits forever: a socket that was read from
 * cannot be encrypted there by `node:tls`. Deno's own sockets can, but their certificates are always checked.
 */
import net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { DatabaseUrl } from "./database_url.ts";
import { type Encryption, EncryptionProblem } from "./encryption.ts";
import { duplexOf } from "./deno_stream.ts";

/** SSLRequest (PostgreSQL manual, 55.7). */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);
const YES = "S".charCodeAt(0);
const NO = "N".charCodeAt(0);

/**
 * Connects.
 *
 * @param made Told of each socket as soon as it is there, to destroy it.
 * @throws {EncryptionProblem} The server has no encryption, or its certificate is not accepted.
 */
export async function openSocket(
  to: DatabaseUrl,
  encryption: Encryption,
  made: (socket: Duplex) => void,
): Promise<Duplex> {
  const trusted = encryption === "none" ? undefined : await trustedCertificate(to);
  if (encryption !== "none" && !canEncryptNodeSockets()) {
    return await openDenoSocket(to, encryption, trusted, made);
  }
  const socket = to.path ? net.connect(to.path) : net.connect(to.port, to.address);
  made(socket);
  await event(socket, "connect");
  if (encryption === "none") return socket;
  socket.write(SSL_REQUEST);
  const answer = await event(socket, "data") as Uint8Array;
  if (!isEncrypted(answer, encryption)) return socket;
  const isName = net.isIP(to.host) === 0;
  const encrypted = tls.connect({
    socket,
    host: to.host,
    ...(isName && { servername: to.host }),
    ...(trusted !== undefined && { ca: trusted }),
    rejectUnauthorized: to.sslmode.startsWith("verify-"),
    ...(to.sslmode === "verify-ca" && { checkServerIdentity: () => undefined }),
  });
  made(encrypted);
  try {
    await event(encrypted, "secureConnect");
  } catch (cause) {
    throw notAccepted(to, cause);
  }
  return encrypted;
}

async function openDenoSocket(
  to: DatabaseUrl,
  encryption: Encryption,
  trusted: string | undefined,
  made: (socket: Duplex) => void,
): Promise<Duplex> {
  const plain = await Deno.connect({ hostname: to.address, port: to.port });
  await plain.write(SSL_REQUEST);
  const answer = new Uint8Array(8);
  const length = await plain.read(answer);
  const opened = (connection: Deno.Conn) => {
    const socket = duplexOf(connection);
    made(socket);
    return socket;
  };
  let encrypted: Deno.TlsConn;
  try {
    if (!isEncrypted(answer.subarray(0, length ?? 0), encryption)) return opened(plain);
    encrypted = await Deno.startTls(plain, {
      hostname: to.host,
      ...(trusted !== undefined && { caCerts: [trusted] }),
    });
  } catch (error) {
    plain.close();
    throw error;
  }
  try {
    await encrypted.handshake();
  } catch (cause) {
    encrypted.close();
    throw notAccepted(to, cause);
  }
  return opened(encrypted);
}

/** The last version in the text: the hosted runtime puts its own before that of the Deno it is compatible with. */
function canEncryptNodeSockets(): boolean {
  const [major, minor] =
    Deno.version.deno.match(/\d+\.\d+\.\d+/g)?.at(-1)?.split(".").map(Number) ??
      [0, 0];
  return major > 2 || (major === 2 && minor >= 5);
}

/** Whether the server goes on encrypted. More than its one byte would be somebody else's, put in between. */
function isEncrypted(answer: Uint8Array, encryption: Encryption): boolean {
  if (answer.length === 1 && answer[0] === YES) return true;
  if (answer.length === 1 && answer[0] === NO && encryption === "offered") return false;
  throw new EncryptionProblem(
    "The database server has no encryption, which sslmode asks for.",
    "Switch ssl on in the server; or, where the network is trusted, set sslmode=prefer or disable in " +
      "RENAME_DB_URL, or else SUPABASE_DB_URL.",
  );
}

function notAccepted({ sslmode }: DatabaseUrl, cause: unknown): EncryptionProblem {
  const why = cause instanceof Error ? cause.message.slice(0, 300) : "no reason is known";
  const checks = sslmode.startsWith("verify-");
  return new EncryptionProblem(
    `The encrypted connection to the database server could not be made: ${why}.` +
      (checks || canEncryptNodeSockets()
        ? ""
        : ` This runtime (Deno ${Deno.version.deno}) always checks the server's certificate.`),
    "Give the certificate of its authority with sslrootcert in RENAME_DB_URL, or else SUPABASE_DB_URL: the path " +
      "of a file, or the text itself, percent-encoded" +
      (checks ? "; or use sslmode=require, which does not check the certificate." : "."),
    cause,
  );
}

async function trustedCertificate(
  { rootCertificate }: DatabaseUrl,
): Promise<string | undefined> {
  if (rootCertificate === null) return undefined;
  if (rootCertificate.startsWith("-----BEGIN ")) return rootCertificate;
  try {
    return await Deno.readTextFile(rootCertificate);
  } catch (cause) {
    throw new EncryptionProblem(
      "The certificate that sslrootcert of the database URL names cannot be read.",
      "Give the path of a file that the functions can read, or the text of the certificate, percent-encoded.",
      cause,
    );
  }
}

/** The first event of this name; an error or the end before that rejects. */
function event(socket: Duplex, name: string): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = () =>
      settle(() =>
        reject(Object.assign(new Error("the server ended the connection"), { code: "ECONNRESET" }))
      );
    const failed = (error: Error) => settle(() => reject(error));
    const happened = (value: unknown) => settle(() => resolve(value));
    const settle = (then: () => void) => {
      socket.removeListener(name, happened);
      socket.removeListener("error", failed);
      socket.removeListener("close", ended);
      then();
    };
    socket.once(name, happened);
    socket.once("error", failed);
    socket.once("close", ended);
  });
}
