/** What a soak found, for a person to read. */
import { CONTROL } from "./clients.ts";
import type { ClientFigures } from "./clients_worker.ts";
import type { SoakResult } from "./run_soak.ts";

export interface Summary {
  errors: number;
  statements: number;
  operations: number;
  longestMs: number;
  slow: number;
}

/** The figures that count; the client on another table is left out. */
export function summarize({ clients, renames }: SoakResult): Summary {
  const others = clients.filter(({ name }) => name !== CONTROL);
  return {
    errors: sum(clients, ({ errors }) => errors.length) + renames.failed.length,
    statements: sum(others, ({ statements }) => statements),
    operations: renames.done.length,
    longestMs: Math.max(...others.map(({ longestMs }) => longestMs)),
    slow: sum(others, ({ slow }) => slow.length),
  };
}

/** The figures as lines of text. */
export function describe(result: SoakResult, lockTimeoutMs: number): string {
  const { clients, renames } = result;
  const { errors, statements, operations, longestMs, slow } = summarize(result);
  const lines = ["", row("client", "statements", "longest ms", "errors")];
  for (const client of clients) {
    const { name, longestMs, errors } = client;
    lines.push(row(name, client.statements, longestMs.toFixed(0), errors.length));
  }
  lines.push("", row("operation", "times", "held ms p50", "held ms max", "attempts max"));
  for (const what of new Set(renames.done.map((one) => one.what))) {
    const done = renames.done.filter((one) => one.what === what);
    const held = done.map(({ heldMs }) => heldMs).sort((a, b) => a - b);
    lines.push(row(
      what,
      done.length,
      held[Math.floor(held.length / 2)].toFixed(1),
      held.at(-1)!.toFixed(1),
      Math.max(...done.map(({ attempts }) => attempts)),
    ));
  }
  lines.push(...slowest(result), ...messages(result));
  const control = clients.find(({ name }) => name === CONTROL)!;
  lines.push(
    "",
    `${errors} errors in ${statements} statements and ${operations} operations. ` +
      `Longest stall ${longestMs.toFixed(0)} ms at a lock timeout of ${lockTimeoutMs} ms ` +
      `(${slow} above it and its margin); on a table that nobody renames ` +
      `${control.longestMs.toFixed(0)} ms.`,
  );
  return lines.join("\n");
}

/** The slowest statements, each with what ran at that time, and how the machine did. */
function slowest({ clients, renames }: SoakResult): string[] {
  const slow = clients.filter(({ name }) => name !== CONTROL)
    .flatMap(({ name, slow }) => slow.map((one) => ({ name, ...one })))
    .sort((a, b) => b.ms - a.ms).slice(0, 10);
  if (slow.length === 0) return [];
  const control = clients.find(({ name }) => name === CONTROL)!.slow;
  return ["", "Slowest statements, and what there was during each:"].concat(
    slow.map(({ name, at, ms }) => {
      const during = renames.done.filter((one) => one.at < at + ms && one.endedAt > at)
        .map(({ what, attempts, heldMs }) => `${what} (${attempts} attempts, held ${heldMs} ms)`);
      const machine = control.filter((one) => one.at < at + ms && one.at + one.ms > at)
        .map(({ ms }) => `${ms.toFixed(0)} ms on another table`);
      return `  ${ms.toFixed(0)} ms  ${name}: ${[...during, ...machine].join(", ") || "nothing"}`;
    }),
  );
}

const MAX_MESSAGES = 20;

function messages({ clients, renames }: SoakResult): string[] {
  const all = [
    ...clients.flatMap(({ name, errors }) => errors.map((error) => ({ what: name, ...error }))),
    ...renames.failed,
  ].sort((a, b) => a.at - b.at);
  if (all.length === 0) return [];
  return ["", "Errors:"].concat(
    all.slice(0, MAX_MESSAGES).map(({ at, what, message }) =>
      `  ${new Date(at).toISOString()}  ${what}: ${message}`
    ),
  );
}

const sum = (clients: ClientFigures[], of: (client: ClientFigures) => number) =>
  clients.reduce((total, client) => total + of(client), 0);

const row = (name: string, ...cells: (string | number)[]) =>
  `  ${name.padEnd(28)}${cells.map((cell) => String(cell).padStart(14)).join("")}`;
