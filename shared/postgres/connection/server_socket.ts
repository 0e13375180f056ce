/**
 * The socket to the server, encrypted if that is asked for. postgres.js could encrypt it, but not with libpq's rules;
 * and under Deno 2.1, whose API the hosted functions have, it would wait forever: there `node:tls` cannot encrypt a
 * socket that was read from. Deno's own sockets can be encrypted, but always check the server's certificate.
 */
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import type { DatabaseUrl } from "./database_url.ts";
import { type Encryption, EncryptionProblem } from "./encryption.ts";

/** SSLRequest (PostgreSQL manual, 55.7), and its two answers. */
const SSL_REQUEST = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47);
const YES = "S".charCodeAt(0);
const NO = "N".charCodeAt(0);

const CHUNK_BYTES = 65_536;

/** Longest reason of a TLS library that a problem repeats. */
const MAX_REASON_LENGTH = 300;

/**
 * Connects.
 *
 * @param made Called with each socket as soon as it exists, so that it can be destroyed.
 * @throws {EncryptionProblem} The server does not support encryption, or its certificate is not accepted.
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
  if (!serverEncrypts(answer, encryption)) return socket;
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
    if (!serverEncrypts(answer.subarray(0, length ?? 0), encryption)) return opened(plain);
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

/** A connection of Deno's as the stream that postgres.js needs; destroyed, it closes the connection. */
function duplexOf(connection: Deno.Conn): Duplex {
  let closed = false;
  const stream = new Duplex({
    allowHalfOpen: false,
    read() {
      const chunk = new Uint8Array(CHUNK_BYTES);
      connection.read(chunk).then(
        (length) => stream.push(length === null ? null : chunk.subarray(0, length)),
        (error) => stream.destroy(error),
      );
    },
    write(chunk: Uint8Array, _encoding, done) {
      writeAll(connection, chunk).then(() => done(), done);
    },
    final(done) {
      connection.closeWrite().then(() => done(), () => done());
    },
    destroy(error, done) {
      if (!closed) connection.close();
      closed = true;
      done(error);
    },
  });
  // postgres.js reads it before it sends a Terminate message.
  Object.defineProperty(stream, "readyState", {
    get: () => (stream.destroyed ? "closed" : "open"),
  });
  return stream;
}

async function writeAll(connection: Deno.Conn, bytes: Uint8Array): Promise<void> {
  let written = 0;
  while (written < bytes.length) written += await connection.write(bytes.subarray(written));
}

/** The last version in the text: the hosted runtime puts its own before that of the Deno it is compatible with. */
function canEncryptNodeSockets(): boolean {
  const version = Deno.version.deno.match(/\d+\.\d+\.\d+/g)?.at(-1) ?? "0.0.0";
  const [major, minor] = version.split(".").map(Number);
  return major > 2 || (major === 2 && minor >= 5);
}

/** Whether the server will encrypt. An answer of more than one byte was injected by somebody else. */
function serverEncrypts(answer: Uint8Array, encryption: Encryption): boolean {
  if (answer.length === 1 && answer[0] === YES) return true;
  if (answer.length === 1 && answer[0] === NO && encryption === "preferred") return false;
  throw new EncryptionProblem(
    "The database server does not support encryption, which sslmode asks for.",
    "Switch ssl on in the server; or, if the network is trusted, set sslmode=prefer or disable in " +
      "RENAME_DB_URL, or else SUPABASE_DB_URL.",
  );
}

function notAccepted({ sslmode }: DatabaseUrl, cause: unknown): EncryptionProblem {
  const why = cause instanceof Error
    ? cause.message.slice(0, MAX_REASON_LENGTH)
    : "the reason is not known";
  const checks = sslmode.startsWith("verify-");
  return new EncryptionProblem(
    `The encrypted connection to the database server failed: ${why}.` +
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

/** The first event of this name; rejects on an error or the end of the connection. */
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
