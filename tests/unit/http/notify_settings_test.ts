import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { settingsFromEnv } from "../../../shared/http/settings.ts";
import { OTHER_SECRET, SECRET } from "../../support/http/webhooks.ts";

const PUBLIC = "https://hooks.example.com/rename/of-the-receiver";

/** The settings of notifications in an environment. */
function settings(environment: Record<string, string>) {
  return settingsFromEnv((name) => environment[name]).notify;
}

const withUrls = (urls: string, more: Record<string, string> = {}) =>
  settings({ RENAME_NOTIFY_URL: urls, RENAME_NOTIFY_SECRET: `whsec_${SECRET}`, ...more })!;

Deno.test("without a URL nobody is notified, whatever else is set", () => {
  assertEquals(settings({}), null);
  assertEquals(settings({ RENAME_NOTIFY_SECRET: "nonsense", RENAME_NOTIFY_URL: " , " }), null);
});

Deno.test("several URLs are notified, each once", () => {
  const { urls, errors } = withUrls(`${PUBLIC}, https://example.org/?a=1%2C2 ${PUBLIC}`);
  assertEquals(urls.map(({ href }) => href), [PUBLIC, "https://example.org/?a=1%2C2"]);
  assertEquals(errors, []);
});

Deno.test("a URL that cannot be notified is named by its place, never by its text", () => {
  const wrong: [string, string][] = [
    ["of-the-receiver", "no URL"],
    ["ftp://example.com/of-the-receiver", "no https URL"],
    ["http://example.com/of-the-receiver", "RENAME_NOTIFY_ALLOW_PRIVATE"],
    ["https://user:of-the-receiver@example.com/", "user or password"],
    ["https://127.0.0.1/of-the-receiver", "private"],
    ["https://2130706433/of-the-receiver", "private"],
    ["https://0x7f.1/of-the-receiver", "private"],
    ["https://169.254.169.254/of-the-receiver", "private"],
    ["https://[::1]/of-the-receiver", "private"],
    ["https://localhost/of-the-receiver", "private"],
    ["https://api.localhost./of-the-receiver", "private"],
    ["https://metadata.google.internal/of-the-receiver", "private"],
  ];
  for (const [url, reason] of wrong) {
    const { urls, errors } = withUrls(`${PUBLIC},${url}`);
    assertEquals(urls.map(({ href }) => href), [PUBLIC], url);
    assertEquals(errors.length, 1, url);
    assertStringIncludes(errors[0], "RENAME_NOTIFY_URL, entry 2: ");
    assertStringIncludes(errors[0], reason);
    assert(!errors[0].includes("of-the-receiver"), errors[0]);
  }
});

Deno.test("private addresses and http are allowed where that is set, credentials never", () => {
  const allow = { RENAME_NOTIFY_ALLOW_PRIVATE: "true" };
  const { urls, errors, allowPrivate } = withUrls(
    "http://127.0.0.1:8000/a,http://kong:8000/b,https://u:p@example.com/",
    allow,
  );
  assertEquals(urls.map(({ host }) => host), ["127.0.0.1:8000", "kong:8000"]);
  assertEquals([allowPrivate, errors.length], [true, 1]);
  const misspelt = withUrls("https://127.0.0.1/", { RENAME_NOTIFY_ALLOW_PRIVATE: "yes" });
  assertEquals([misspelt.urls, misspelt.allowPrivate, misspelt.errors.length], [[], false, 2]);
});

Deno.test("without a secret that can be read nothing is signed, and the settings say so", () => {
  for (const secret of ["", "whsec_", "whsec_c2hvcnQ=", "secret"]) {
    const { signers, errors } = withUrls(PUBLIC, { RENAME_NOTIFY_SECRET: secret });
    assertEquals(signers, []);
    assertStringIncludes(errors.at(-1)!, "holds no secret");
  }
  const { signers, errors } = withUrls(PUBLIC, {
    RENAME_NOTIFY_SECRET: `v1,whsec_${SECRET} whsec_${OTHER_SECRET},whsec_broken`,
  });
  assertEquals([signers.length, errors.length], [2, 1]);
  assertStringIncludes(errors[0], "1 of its entries cannot be read");
});

Deno.test("a secret that opens the endpoints is not given to receivers", () => {
  const { signers, errors } = withUrls(PUBLIC, {
    RENAME_NOTIFY_SECRET: `whsec_${OTHER_SECRET} whsec_${SECRET}`,
    RENAME_WEBHOOK_SECRET: `ci=whsec_${SECRET}`,
  });
  assertEquals(signers.length, 1);
  assertStringIncludes(errors[0], "RENAME_WEBHOOK_SECRET");
});
