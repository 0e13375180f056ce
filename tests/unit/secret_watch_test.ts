import { assert, assertEquals, assertFalse } from "@std/assert";
import { SecretWatch } from "../support/http/secret_watch.ts";

const ROOT = new URL("../../", import.meta.url);

const found = (text: string, secrets: string[] = [], size = text.length) => {
  const watch = new SecretWatch(secrets);
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length; at += size) watch.read(bytes.subarray(at, at + size));
  return watch.found;
};

Deno.test("each form of a secret is found in an output, wherever it is cut", () => {
  const token = `eyJhbGciOiJIUzI1NiJ9.${"eyJyb2xlIjoiYW5vbiJ9"}.${"c2lnbmF0dXJl"}`;
  const secrets = [
    `{"key":"${"sb_secret"}_x1"}`,
    `v1,${"whsec"}_MfKQ9r8GKYqr`,
    `v1,${"A".repeat(43)}=`,
    `url ${"postgresql:"}//renamer:pass@host:5432/x`,
    `Bearer ${token}`,
    "secret-of-the-" + "database",
    "the password is 0123456789abcdef",
  ];
  for (const secret of secrets) {
    for (const size of [1, 7, 1_000]) {
      const text = `ok\nfine ${secret} more\nok\n`;
      assertEquals(found(text, ["0123456789abcdef"], size).length, 1, secret);
    }
  }
  // At the end, without an end of its line.
  assertEquals(found(`x ${secrets[0]}`).length, 1);
});

Deno.test("what is found is not repeated, and what is none is not found", () => {
  const [line] = found(`a test says: ${"sb_secret"}_of_somebody`);
  assertFalse(line.includes("of_somebody"), line);
  assert(line.includes("a test says"), line);
  const harmless =
    "a secret key in the apikey header\nwhsec_…\npostgresql://user:password@host".split(":password")
      .join("") +
    "\nv1,whsec_… eyJ\n";
  assertEquals(found(harmless), []);
});

Deno.test("a test run whose output has a secret fails, and says so without it", async () => {
  const folder = await Deno.makeTempDir();
  const run = async (says: string) => {
    const path = `${folder}/${crypto.randomUUID()}_test.ts`;
    await Deno.writeTextFile(
      path,
      `Deno.test("says", () => console.log(${JSON.stringify(says)}));`,
    );
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "tests/run.ts", "--unit", path],
      cwd: ROOT,
      env: { TEST_REPORT: "", NO_COLOR: "1" },
    }).output();
    return {
      code,
      text: new TextDecoder().decode(stdout),
      errors: new TextDecoder().decode(stderr),
    };
  };
  try {
    const [good, bad] = await Promise.all([run("all is well"), run(`${"sb_secret"}_of_somebody`)]);
    assertEquals(
      [good.code, good.text.includes("1 passed, 0 failed")],
      [0, true],
      good.text + good.errors,
    );
    assertEquals(bad.code, 1, bad.text);
    assert(bad.text.includes("1 passed, 1 failed"), bad.text);
    assert(bad.errors.includes("a secret key"), bad.errors);
    assertFalse(bad.errors.includes("of_somebody"), bad.errors);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
