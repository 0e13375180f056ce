/** The results: on the terminal, and as Markdown with pictures. */
import Table from "cli-table3";
import { cpus } from "node:os";
import pc from "picocolors";
import { withMaintenance } from "../support/servers/servers.ts";
import type { Bench, Measured, Row } from "./bench.ts";

const RESULTS = new URL("./results/", import.meta.url);

export function printRows(title: string, { rows, notes = [] }: Measured): void {
  const table = new Table({
    head: [title, "measured: median (least; quartiles)", "result", "goal", ""],
    colWidths: [44, 52, 14, 14, 8],
    wordWrap: true,
    style: { head: ["bold"] },
  });
  for (const row of rows) {
    const verdict = { met: pc.green("met"), missed: pc.red("missed"), "": "" }[verdictOf(row)];
    table.push([row.what, row.figures, row.result, row.goal ?? "", verdict]);
  }
  console.log(table.toString());
  for (const note of notes) console.log(note);
}

const verdictOf = ({ met }: Row) => met === null ? "" : met ? "met" : "missed";

/** Writes README.md and the pictures beside it. */
export async function writeResults(
  results: { title: string; measured: Measured }[],
  bench: Bench,
): Promise<void> {
  const server = await withMaintenance(bench.server, async (sql) => {
    const [{ version }] = await sql`select split_part(version(), ' ', 2) as version`;
    return version as string;
  });
  const lines = [
    "# Benchmark results",
    "",
    "Written by `npm run bench`: every number that the design promises, measured side by side in one run.",
    "Figures are `median (least; quartiles)`. Absolute times are those of the machine; the ratios carry over.",
    "",
    `PostgreSQL ${server}, durable (fsync on), on the same machine · ${cpus().length} × ${
      cpus()[0]?.model ?? "unknown processor"
    } · ${Deno.build.os} · Deno ${Deno.version.deno} · ${new Date().toISOString().slice(0, 10)}`,
    "",
  ];
  await Deno.mkdir(RESULTS, { recursive: true });
  for (const { title, measured: { rows, pictures = [], notes = [] } } of results) {
    lines.push(`## ${title}`, "");
    for (const { file, caption, svg } of pictures) {
      await Deno.writeTextFile(new URL(file, RESULTS), svg);
      lines.push(`![${caption}](${file})`, "", `*${caption}*`, "");
    }
    lines.push("| what | measured | result | goal | |", "| --- | --- | --- | --- | --- |");
    for (const row of rows) {
      const cells = [row.what, row.figures, row.result, row.goal ?? "", verdictOf(row)];
      lines.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
    }
    lines.push("");
    for (const note of notes) lines.push(note, "");
  }
  await Deno.writeTextFile(new URL("README.md", RESULTS), `${lines.join("\n").trimEnd()}\n`);
}
