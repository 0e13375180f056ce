import { assertEquals, assertMatch } from "@std/assert";
import pc from "picocolors";
import { cut, liveLine } from "../../../shared/cli/terminal/terminal.ts";
import { ProgressDisplay } from "../../../shared/cli/terminal/progress.ts";
import { duration } from "../../../shared/report/document/text.ts";
import type { Blocker, Progress } from "../../../shared/contract/responses.ts";
import { answered, KEY, runMain, withProject } from "../../support/programs/cli.ts";
import { slowTest } from "../../support/runner/sampled.ts";

const blocker = (more: Partial<Blocker> = {}): Blocker => ({
  pid: 4711,
  role: "postgres",
  application_name: "nightly report",
  state: "idle in transaction",
  since: "2026-11-22T12:00:00+00:00",
  age_ms: 150_000,
  query: "select count(*)\n  from experts",
  ...more,
});

const BLOCKED = "blocked by pid 4711 (postgres, nightly report)";

/** What is shown of reports that come at these times; looked at every 100 ms, until `until`. */
function shown(reports: [at: number, Progress][], until: number, live: boolean): string[] {
  let now = 5_000;
  const lines: string[] = [];
  const note = (text: string) => lines.push(`${now - 5_000} ${text}`);
  const stream = { write: note, colors: pc.createColors(false), width: Infinity };
  const display = new ProgressDisplay(live ? { ...stream, showLine: note } : stream, () => now);
  for (; now - 5_000 <= until; now += 100) {
    for (const [at, progress] of reports) if (at === now - 5_000) display.note(progress);
    display.tick();
  }
  display.end();
  return lines;
}

const WAITING: [number, Progress][] = [
  [0, { phase: "preparing" }],
  [100, { phase: "locking", attempt: 1 }],
  [200, { phase: "waiting", waited_ms: 140, blockers: [blocker()] }],
  [400, { phase: "locking", attempt: 2 }],
];

Deno.test("on a terminal a line shows the phase, the attempt, the time and who blocks", () => {
  const lines = shown([...WAITING, [500, { phase: "verifying", total: 1 }]], 500, true);
  assertEquals(lines, [
    `200 Waiting for locks, attempt 1, 0.1 s, ${BLOCKED} for 3 min: select count(*) from experts`,
    `300 Waiting for locks, attempt 1, 0.2 s, ${BLOCKED} for 3 min: select count(*) from experts`,
    `400 Waiting for locks, attempt 2, 0.3 s, ${BLOCKED} for 3 min: select count(*) from experts`,
    "500 Verifying 1 table",
    "600 ",
  ]);
});

Deno.test("nothing flickers where it is all done at once", () => {
  const quick: [number, Progress][] = [
    [0, { phase: "preparing" }],
    [100, { phase: "locking", attempt: 1 }],
  ];
  assertEquals(shown(quick, 100, true), ["200 "]);
  assertEquals(shown(quick, 900, false), []);
  assertEquals(shown([], 3_000, true), ["3100 "]);
});

Deno.test("elsewhere lines come when something changes, at most one a second", () => {
  const reports: [number, Progress][] = [
    ...WAITING,
    [1_100, { phase: "waiting", waited_ms: 1_040, blockers: [blocker({ pid: 1 })] }],
    [1_200, { phase: "waiting", waited_ms: 1_140, blockers: [blocker(), blocker({ pid: 2 })] }],
    [3_000, { phase: "waiting", waited_ms: 2_940, blockers: [blocker(), blocker({ pid: 2 })] }],
    [3_500, { phase: "verifying", total: 12 }],
  ];
  assertEquals(shown(reports, 4_000, false), [
    `1000 Waiting for locks, attempt 2, 0.9 s, ${BLOCKED} for 3 min: select count(*) from experts`,
    `2000 Waiting for locks, attempt 2, 1.9 s, ${BLOCKED} for 3 min and 1 more: select count(*) from experts`,
    "3500 Verifying 12 tables",
  ]);
});

Deno.test("a long wait for the same blocker is reported every ten seconds", () => {
  const reports = Array.from({ length: 25 }, (_, second): [number, Progress][] => [
    [second * 1_000, { phase: "locking", attempt: second + 1 }],
    [second * 1_000 + 100, { phase: "waiting", blockers: [blocker({ query: null })] }],
  ]);
  assertEquals(shown(reports.flat(), 24_000, false), [
    `1000 Waiting for locks, attempt 2, 1.0 s, ${BLOCKED} for 3 min`,
    `11000 Waiting for locks, attempt 12, 11 s, ${BLOCKED} for 3 min`,
    `21000 Waiting for locks, attempt 22, 21 s, ${BLOCKED} for 3 min`,
  ]);
});

Deno.test("who is not seen any more is not named any more", () => {
  assertEquals(
    shown([...WAITING, [2_300, { phase: "locking", attempt: 3 }]], 2_300, true).slice(-2),
    [
      "2300 Waiting for locks, attempt 3, 2.2 s",
      "2400 ",
    ],
  );
});

Deno.test("before the first attempt there is none to count, and a blocker may have no name", () => {
  const nobody = blocker({
    role: null,
    application_name: "",
    age_ms: null,
    query: "\x1b[2J\u202e",
  });
  assertEquals(
    shown([[0, { phase: "waiting", waited_ms: 40, blockers: [nobody] }]], 200, true)[0],
    "200 Waiting for locks, 0.2 s, blocked by pid 4711: \\u{1b}[2J\\u{202e}",
  );
  assertEquals(shown([[0, { phase: "preparing" }]], 200, true)[0], "200 Preparing");
  assertEquals(
    shown([[0, { phase: "locking", attempt: 1 }]], 200, true)[0],
    "200 Locking, attempt 1, 0.2 s",
  );
  assertEquals(
    shown([[0, { phase: "verifying", done: 3, total: 9 }]], 200, true)[0],
    "200 Verifying 3 of 9 tables",
  );
});

Deno.test("times are shown in the unit that fits", () => {
  const minute = 60_000;
  const times = [-5, 0, 9_949, 9_950, 59_499, 59_500, 59 * minute, 60 * minute, 47 * 60 * minute];
  assertEquals(times.map(duration), [
    ...["0.0 s", "0.0 s", "9.9 s", "10 s", "59 s", "1 min", "59 min", "1 h", "47 h"],
  ]);
  assertEquals(duration(3 * 24 * 60 * minute), "3 days");
});

Deno.test("a live line is written over the one before, never wraps, and leaves nothing", () => {
  let written = "";
  let columns = 11;
  const show = liveLine((text) => written += text, () => columns);
  const after = (text: string) => {
    written = "";
    show(text);
    return written;
  };
  assertEquals(after(""), "");
  assertEquals(after("12345678"), "\r12345678\x1b[K");
  assertEquals(after("12345678"), "");
  assertEquals(after("123456789"), "\r1234567…\x1b[K");
  columns = 7;
  assertEquals(after("123456789"), "\r123…\x1b[K");
  assertEquals(after(""), "\r\x1b[K");
  assertEquals(after(""), "");
});

Deno.test("a text is cut where it would be too wide; wide characters count as two columns", () => {
  assertEquals(cut("řeka", 4), "řeka");
  assertEquals(cut("報告書", 6), "報告書");
  assertEquals(cut("報告書", 5), "報告…");
  assertEquals(cut("報告書", 4), "報…");
  assertEquals(cut("a🐎b", 3), "a…");
  assertEquals(cut("text", Infinity), "text");
});

const ANSWER = {
  batch_id: null,
  mode: "apply",
  plan_hash: "sha256:0",
  migrations: [],
  statements: [],
  findings: [],
  lock: null,
  verification: null,
};

/** Takes 1.3 s, and says meanwhile who blocks, to whoever wants to hear it. */
function slowly(accepted: (string | null)[]) {
  return async (request: Request) => {
    const accept = request.headers.get("accept");
    accepted.push(accept);
    const event = (name: string, data: unknown) =>
      `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
    if (!accept?.includes("text/event-stream")) {
      await new Promise((resolve) => setTimeout(resolve, 1_300));
      return Response.json(ANSWER);
    }
    const body = new ReadableStream<string>({
      async start(controller) {
        const waiting: Progress = { phase: "waiting", blockers: [blocker()] };
        controller.enqueue(event("progress", waiting));
        await new Promise((resolve) => setTimeout(resolve, 1_300));
        controller.enqueue(event("result", ANSWER));
        controller.close();
      },
    }).pipeThrough(new TextEncoderStream());
    return new Response(body, { headers: { "content-type": "text/event-stream" } });
  };
}

for (const args of [["rename-table", "a", "b"], ["rollback-rename", "a"]]) {
  slowTest(`${args[0]} reports who blocks on standard error alone`, async () => {
    const plain = await answered(slowly([]), args);
    assertEquals(plain.code, 0);
    assertMatch(plain.stderr, /^Waiting for locks, [\d.]+ s, blocked by pid 4711 .*\n$/);
    const lines: string[] = [];
    await withProject(slowly([]), async (url) => {
      const env = { SUPABASE_URL: url, SUPABASE_SECRET_KEY: KEY };
      const live = await runMain(args, env, { showLine: (text) => lines.push(text) });
      const withoutHost = (text: string) => text.replace(/127\.0\.0\.1:\d+/, "HOST");
      assertEquals(live.stderr, "");
      assertEquals(withoutHost(live.stdout), withoutHost(plain.stdout));
    });
    assertEquals(lines.filter((line) => line.includes("blocked by pid 4711")).length > 1, true);
    assertEquals(lines.at(-1), "");
  });

  Deno.test(`${args[0]} does not ask how it is going with --quiet, --json and --plan`, async () => {
    const accepted: (string | null)[] = [];
    const ended = await Promise.all(
      ["--quiet", "--json", "--plan"].map((option) =>
        answered(slowly(accepted), [...args, option])
      ),
    );
    assertEquals(ended.map(({ code, stderr }) => [code, stderr]), Array(3).fill([0, ""]));
    assertEquals(accepted, Array(3).fill("*/*"));
    assertEquals(JSON.parse(ended[1].stdout), ANSWER);
  });
}
