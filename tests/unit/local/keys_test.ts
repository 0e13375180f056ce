import { assertEquals, assertFalse, assertMatch, assertRejects } from "@std/assert";
import { join } from "node:path";
import { provideKeys } from "../../../shared/local/keys.ts";

function environment(values: Record<string, string> = {}) {
  return {
    values,
    get: (name: string): string | undefined => values[name],
    set: (name: string, value: string) => void (values[name] = value),
  };
}

async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await work(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("keys are made once, kept, and put into the environment", () =>
  withFolder(async (dir) => {
    const env = environment();
    const made = await provideKeys(join(dir, "new"), env);
    assertMatch(made.secret, /^sb_secret_[\w-]{22}_[\w-]{8}$/);
    assertMatch(made.publishable!, /^sb_publishable_[\w-]{22}_[\w-]{8}$/);
    assertEquals(env.values, {
      SUPABASE_SECRET_KEYS: JSON.stringify({ default: made.secret }),
      SUPABASE_PUBLISHABLE_KEYS: JSON.stringify({ default: made.publishable }),
    });
    assertEquals(await provideKeys(join(dir, "new"), environment()), made);
  }));

Deno.test({
  name: "kept keys can be read by their owner only",
  ignore: Deno.build.os === "windows",
  fn: () =>
    withFolder(async (dir) => {
      await provideKeys(dir, environment());
      const { mode } = await Deno.stat(join(dir, "keys.json"));
      assertEquals(mode! & 0o777, 0o600);
    }),
});

Deno.test("keys of the environment are used, and none are made", () =>
  withFolder(async (dir) => {
    const given = { SUPABASE_SECRET_KEYS: '{"ci":"sb_secret_a","default":"sb_secret_b"}' };
    const env = environment({ ...given });
    assertEquals(await provideKeys(dir, env), { secret: "sb_secret_b" });
    assertEquals(env.values, given);
    assertEquals(await Array.fromAsync(Deno.readDir(dir)), []);
  }));

Deno.test("without a key named default the first one is used", () =>
  withFolder(async (dir) => {
    const env = environment({ SUPABASE_SECRET_KEYS: '{"ci":"sb_secret_a"}' });
    assertEquals(await provideKeys(dir, env), { secret: "sb_secret_a" });
  }));

Deno.test("broken keys are refused without being shown", () =>
  withFolder(async (dir) => {
    for (const broken of ["sb_secret_a", "{}", '{"default":1}', "null", '["",""]']) {
      const env = environment({ SUPABASE_SECRET_KEYS: broken });
      const error = await assertRejects(() => provideKeys(dir, env), Error, "SUPABASE_SECRET_KEYS");
      assertFalse(error.message.includes("sb_secret_a"));
    }
    await Deno.writeTextFile(join(dir, "keys.json"), '{"secret":"x"}');
    await assertRejects(() => provideKeys(dir, environment()), Error, "delete it");
  }));
