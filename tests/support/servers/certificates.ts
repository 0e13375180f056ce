/** Certificates for a server with encryption, made by openssl. */
import { join } from "node:path";
import type { PostgresServer } from "../../../shared/local/postgres/server.ts";

export interface Certificates {
  /** The certificate of the authority that signed the server's, as text. */
  authority: string;
  /** The same as a file. */
  authorityFile: string;
  dispose(): Promise<void>;
}

/** Whether openssl is here. */
export async function hasOpenssl(): Promise<boolean> {
  try {
    return (await new Deno.Command("openssl", { args: ["version"] }).output()).success;
  } catch {
    return false;
  }
}

/**
 * Switches encryption on in a running server, with a certificate for `localhost` of an authority that nobody
 * knows, and puts these lines before its pg_hba.conf.
 */
export async function encrypt(server: PostgresServer, hba: string[]): Promise<Certificates> {
  const folder = await Deno.makeTempDir({ prefix: "certificates-" });
  const openssl = async (...args: string[]) => {
    const { success, stderr } = await new Deno.Command("openssl", { args, cwd: folder }).output();
    if (!success) throw new Error(new TextDecoder().decode(stderr));
  };
  const authority = ["-subj", "/CN=Authority of a test", "-keyout", "ca.key", "-out", "ca.crt"];
  await openssl(
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...authority],
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
  );
  const own = ["-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr"];
  await openssl("req", "-newkey", "rsa:2048", "-nodes", ...own);
  await Deno.writeTextFile(
    join(folder, "extensions"),
    "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
  );
  await openssl(
    ...["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key"],
    ...["-CAcreateserial", "-days", "2", "-out", "server.crt", "-extfile", "extensions"],
  );
  const data = join(server.dir, "data");
  const { uid, gid } = await Deno.stat(join(data, "PG_VERSION"));
  for (const file of ["server.key", "server.crt"]) {
    await Deno.copyFile(join(folder, file), join(data, file));
    if (uid !== null && gid !== null) await Deno.chown(join(data, file), uid, gid);
    await Deno.chmod(join(data, file), 0o600);
  }
  await Deno.writeTextFile(join(data, "postgresql.conf"), "\nssl = on\n", { append: true });
  const rules = await Deno.readTextFile(join(data, "pg_hba.conf"));
  await Deno.writeTextFile(join(data, "pg_hba.conf"), `${hba.join("\n")}\n${rules}`);
  return {
    authority: await Deno.readTextFile(join(folder, "ca.crt")),
    authorityFile: join(folder, "ca.crt"),
    dispose: () => Deno.remove(folder, { recursive: true }),
  };
}
