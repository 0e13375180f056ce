/** Connections as their URLs ask for them, to a server with encryption. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Certificates, encrypt, hasOpenssl } from "../../support/servers/certificates.ts";
import { connectOnce, type Outcome } from "../../support/servers/connect_once.ts";
import { functionsFor } from "../../support/http/functions.ts";
import { AS_DEPLOYED, oldDeno } from "../../support/programs/old_deno.ts";
import { ownServers } from "../../support/servers/own_servers.ts";
import { post } from "../../support/http/requests.ts";
import { notTested } from "../../support/runner/not_tested.ts";

const hasIpv6 = () => {
  try {
    Deno.listen({ hostname: "::1", port: 0 }).close();
    return true;
  } catch {
    return false;
  }
};

const ipv6 = hasIpv6();
if (!ipv6) notTested("connections by IPv6", "there is no ::1");

if (await hasOpenssl()) {
  const servers = ownServers([17], {
    listen_addresses: ipv6 ? "127.0.0.1,::1" : "127.0.0.1",
  });
  servers.test("a URL means what it means elsewhere, and what it asks for is done, or named in the refusal", async ({ db, server }) => {
    await db.admin.unsafe(`
      create role encrypted login password 'p#1'; create role plain login password 'p#1';`)
      .simple();
    const certificates = await encrypt(server, [
      "hostnossl all encrypted all reject",
      "hostssl all plain all reject",
      "host all all ::1/128 scram-sha-256",
    ]);
    try {
      await db.admin`select pg_reload_conf()`;
      await untilEncrypted(db.admin);
      const url = (parameters: string, role = "encrypted", host = "localhost") =>
        `postgresql://${role}:p%231@${host}:${server.port}/${db.name}?${parameters}`;
      await modes(url, certificates);
      await asDeployed(url, certificates);
      await throughTheEndpoint(db.url, url);
    } finally {
      await certificates.dispose();
    }
  });
} else {
  notTested(
    "connections to a server with encryption",
    "there is no openssl",
  );
}

type UrlOf = (parameters: string, role?: string, host?: string) => string;

async function untilEncrypted(sql: { unsafe(text: string): PromiseLike<{ ssl: string }[]> }) {
  for (let tries = 0; tries < 100; tries++) {
    if ((await sql.unsafe("show ssl"))[0].ssl === "on") return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the server does not encrypt");
}

const LENGTH = 6_000_000;
const IN = { encrypted: true, length: LENGTH };
const PLAIN = { encrypted: false, length: LENGTH };

function assertNamed(outcome: Outcome, detail: RegExp, hint: string) {
  assertEquals(outcome.code, "database_unavailable", JSON.stringify(outcome));
  assertMatch(outcome.detail!, detail);
  assertStringIncludes(outcome.hint!, hint);
  assertEquals(/p#1|p%231/.test(JSON.stringify(outcome)), false);
}

async function modes(url: UrlOf, { authority, authorityFile }: Certificates) {
  const own = `sslrootcert=${encodeURIComponent(authority)}`;
  assertNamed(
    await connectOnce(url("")),
    /refused a connection without encryption/,
    "sslmode=require",
  );
  assertNamed(await connectOnce(url("sslmode=disable")), /without encryption/, "sslmode=require");
  for (const mode of ["allow", "prefer", "require"]) {
    assertEquals(await connectOnce(url(`sslmode=${mode}&pgbouncer=true`)), IN, mode);
  }
  assertEquals(await connectOnce(url("", "plain")), PLAIN);
  for (const mode of ["disable", "allow", "prefer"]) {
    assertEquals(await connectOnce(url(`sslmode=${mode}`, "plain")), PLAIN, mode);
  }
  for (const mode of ["verify-ca", "verify-full"]) {
    const unknown = await connectOnce(url(`sslmode=${mode}`));
    assertNamed(unknown, /server failed: .*certificate/, "sslrootcert");
    assertEquals(await connectOnce(url(`sslmode=${mode}&${own}`)), IN, mode);
    assertEquals(await connectOnce(url(`sslmode=${mode}&sslrootcert=${authorityFile}`)), IN, mode);
  }
  // The certificate is for localhost.
  const byAddress = (mode: string) =>
    connectOnce(url(`sslmode=${mode}&${own}`, "encrypted", "127.0.0.1"));
  assertEquals(await byAddress("verify-ca"), IN);
  assertNamed(await byAddress("verify-full"), /server failed: /, "sslrootcert");
  const hostaddr = url(`sslmode=verify-full&${own}&hostaddr=127.0.0.1`);
  assertEquals(await connectOnce(hostaddr), IN);
  assertNamed(
    await connectOnce(url("sslmode=verify-full&sslrootcert=/nowhere/ca.crt")),
    /sslrootcert .* cannot be read/,
    "path of a file",
  );
  if (ipv6) assertEquals(await connectOnce(url("sslmode=require", "encrypted", "[::1]")), IN);
  const wrong = await connectOnce(url("sslmode=prefer").replace("p%231", "p%232"));
  assertMatch(wrong.detail!, /refused the login/);
}

/** Under the Deno whose API the hosted functions have. */
async function asDeployed(url: UrlOf, { authority }: Certificates) {
  const own = `sslrootcert=${encodeURIComponent(authority)}`;
  const urls = [
    url("", "plain"),
    url(`sslmode=require&${own}`),
    url(`sslmode=verify-full&${own}`),
    url(`sslmode=prefer`, "plain"),
    url(""),
    url("sslmode=require"),
  ];
  const { success, stdout, stderr } = await oldDeno(
    ["run", "-A", ...AS_DEPLOYED, "tests/support/servers/connect_once.ts"],
    { env: { URLS: JSON.stringify(urls) } },
  );
  assert(success, stderr);
  const outcomes: Outcome[] = JSON.parse(stdout);
  assertEquals(outcomes.slice(0, 4), [PLAIN, IN, IN, PLAIN]);
  assertNamed(outcomes[4], /without encryption/, "sslmode=require");
  // There a certificate is always checked.
  assertNamed(outcomes[5], /UnknownIssuer.*always checks/, "sslrootcert");
}

async function throughTheEndpoint(own: string, url: UrlOf) {
  const rename = { old_name: "a", new_name: "b", mode: "plan" };
  await using ignored = functionsFor(`${own}?pgbouncer=true&supa=base-pooler.x`);
  assertEquals((await post(ignored, "rename", rename)).body.code, "table_not_found");
  await using unknown = functionsFor(`${own}?search_path=x`);
  const { status, body } = await post(unknown, "rename", rename);
  assertEquals([status, body.code], [503, "database_unavailable"]);
  assertMatch(body.detail, /: search_path\.$/);
  await using unencrypted = functionsFor(url(""));
  const asked = await post(unencrypted, "rename", rename);
  assertEquals(asked.status, 503);
  assertStringIncludes(asked.body.hint, "sslmode=require");
}
