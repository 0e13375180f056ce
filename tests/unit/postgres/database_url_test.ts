import { assertEquals, assertMatch, assertThrows } from "@std/assert";
import { Problem } from "../../../shared/contract/problems.ts";
import { parseDatabaseUrl, SSL_MODES } from "../../../shared/postgres/connection/database_url.ts";
import { encryptionsOf, firstAccepted } from "../../../shared/postgres/connection/encryption.ts";

const BASE = "postgresql://ada:s3cret@db.example.com:6543/app";

function refused(url: string): Problem {
  const problem = assertThrows(() => parseDatabaseUrl(url), Problem);
  assertEquals(problem.code, "database_unavailable");
  assertMatch(problem.hint!, /RENAME_DB_URL, or else SUPABASE_DB_URL/);
  assertEquals(
    /s3cret/.test(JSON.stringify([problem.message, problem.hint, problem.fields])),
    false,
  );
  return problem;
}

Deno.test("the parts of a URL are read, encoded or not, and from parameters as libpq reads them", () => {
  const plain = {
    address: "db.example.com",
    port: 6543,
    host: "db.example.com",
    path: undefined,
    user: "ada",
    password: "s3cret",
    database: "app",
    options: undefined,
    sslmode: "disable" as const,
    rootCertificate: null,
  };
  assertEquals(parseDatabaseUrl(BASE), plain);
  assertEquals(
    parseDatabaseUrl(
      "postgres:///app?host=db.example.com&hostaddr=10.0.0.1&port=6543&user=ada&password=s3+cret",
    ),
    { ...plain, address: "10.0.0.1", password: "s3+cret" },
  );
  const { user, password } = parseDatabaseUrl("postgresql://a%40b:p%23%2F%3F%25@h/d");
  assertEquals([user, password], ["a@b", "p#/?%"]);
  const bare = parseDatabaseUrl("postgresql://");
  assertEquals([bare.host, bare.port, bare.user, bare.database], [
    ...["localhost", 5432, undefined, undefined],
  ]);
  const six = parseDatabaseUrl("postgresql://u@[::1]:5433/d");
  assertEquals([six.address, six.host, six.port], ["::1", "::1", 5433]);
  const socket = parseDatabaseUrl("postgresql:///d?host=/run/postgresql&sslmode=require");
  assertEquals(socket.path, "/run/postgresql/.s.PGSQL.5432");
  assertEquals(encryptionsOf(socket), ["none"]);
  const tenant = parseDatabaseUrl(`${BASE}?options=reference%3Dabc`);
  assertEquals(tenant.options, "reference=abc");
});

Deno.test("parameters of other clients are ignored", () => {
  const url = `${BASE}?pgbouncer=true&supa=base-pooler.x&connection_limit=1&schema=public` +
    "&channel_binding=require&target_session_attrs=read-write&connect_timeout=5&application_name=x" +
    "&uselibpqcompat=true&statement_cache_size=0&workaround=supabase-pooler.vercel";
  assertEquals(parseDatabaseUrl(url), parseDatabaseUrl(BASE));
});

Deno.test("other parameters are refused by name, with the one that was perhaps meant", () => {
  const typo = refused(`${BASE}?sslmod=require`);
  assertMatch(typo.message, /: sslmod\.$/);
  assertMatch(typo.hint!, /Did you mean sslmode\?/);
  assertMatch(refused(`${BASE}?search_path=s3cret`).message, /: search_path\.$/);
  assertMatch(refused(`${BASE}?replication=true`).message, /: replication\.$/);
  // What may be the rest of a password is not repeated.
  assertMatch(refused("postgresql://u:p?s3cret!x@h/d").message, /cannot be read|not known here\.$/);
});

Deno.test("sslmode means what it means in libpq", () => {
  const mode = (parameters: string) => {
    const { sslmode, rootCertificate } = parseDatabaseUrl(`${BASE}?${parameters}`);
    return [sslmode, rootCertificate];
  };
  for (const one of SSL_MODES) assertEquals(mode(`sslmode=${one}`), [one, null]);
  assertEquals(mode("sslmode=require&sslrootcert=/ca.crt"), ["verify-ca", "/ca.crt"]);
  assertEquals(mode("sslmode=prefer&sslrootcert=/ca.crt"), ["prefer", "/ca.crt"]);
  assertEquals(mode("sslrootcert=system"), ["verify-full", null]);
  assertEquals(mode("sslmode=verify-full&sslrootcert=system"), ["verify-full", null]);
  assertEquals(mode("requiressl=1"), ["require", null]);
  assertEquals(mode("ssl=true"), ["require", null]);
  assertEquals(mode("ssl=no-verify"), ["require", null]);
  assertEquals(mode("ssl=false"), ["disable", null]);
  assertEquals(mode("ssl=true&sslmode=disable"), ["disable", null]);
  assertMatch(refused(`${BASE}?sslmode=always`).message, /none of disable, allow, prefer/);
  assertMatch(refused(`${BASE}?sslmode=require&sslrootcert=system`).message, /verify-full only/);
  const order = (sslmode: string) => encryptionsOf(parseDatabaseUrl(`${BASE}?sslmode=${sslmode}`));
  assertEquals(SSL_MODES.map(order), [
    ["none"],
    ["none", "required"],
    ["preferred", "none"],
    ...[["required"], ["required"], ["required"]],
  ]);
});

Deno.test("what cannot be used is refused without its secrets", () => {
  const secret = "s3cret";
  for (
    const url of [
      "",
      `mysql://u:${secret}@h/d`,
      `postgresql://u:${secret}%@h/d`,
      `postgresql://u:5#${secret}@h/d`,
      `postgresql://u:${secret}@h:99999/d`,
      `postgresql://u:${secret}@h/d?port=0`,
      `postgresql://u:a/${secret}@h/d`,
    ]
  ) refused(url);
  for (const hosts of [`u:${secret}@a,b`, `u:${secret}@a:1,b:2`]) {
    assertMatch(refused(`postgresql://${hosts}/d`).message, /several hosts/);
  }
  assertMatch(refused(`postgresql://u:${secret}@/d?host=a,b`).message, /several hosts/);
});

Deno.test("the next kind of connection is tried only where encryption can be the reason", async () => {
  const error = (code: string, message = "no") => Object.assign(new Error(message), { code });
  const tried = async (first: Error) => {
    const kinds: string[] = [];
    const result = await firstAccepted(["none", "required"], (kind) => {
      kinds.push(kind);
      return kind === "none" ? Promise.reject(first) : Promise.resolve("in");
    }).catch((error: Error & { code: string }) => error.code);
    return [kinds.length, result];
  };
  assertEquals(await tried(error("28000")), [2, "in"]);
  assertEquals(await tried(error("08P01", "SSL required")), [2, "in"]);
  assertEquals(await tried(error("28P01")), [1, "28P01"]);
  assertEquals(await tried(error("ECONNREFUSED")), [1, "ECONNREFUSED"]);
});
