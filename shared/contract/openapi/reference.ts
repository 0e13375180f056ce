/** The page of codes, `README.md` in the folder above, written from the lists that the code itself uses. */
import { FINDINGS } from "../findings.ts";
import { PROBLEMS } from "../problems.ts";

const row = (...cells: (string | number)[]) => `| ${cells.join(" | ")} |`;

/** The page as Markdown. `npm run openapi` writes it, `npm run check` says whether it is up to date. */
export function contractReference(): string {
  const problems = Object.entries(PROBLEMS)
    .map(([code, { status, title }]) => row(status, `\`${code}\``, title));
  const findings = Object.entries(FINDINGS).map(([code, says]) => row(`\`${code}\``, says));
  return `# The contract

Requests, answers, problems and findings. The whole of it is [openapi.json](openapi.json), written by
\`npm run openapi\` from the zod schemas in this folder; this page is written with it.

## Problems

Every refusal is \`application/problem+json\` (RFC 9457). Act on its \`code\`; its \`hint\` says what to do next.

${row("status", "code", "title")}
${row("---", "---", "---")}
${problems.join("\n")}

## Findings

What a caller should know of a plan, a migration or the database. A finding has a \`severity\`: \`info\`,
\`warning\` or \`breaking\`. A breaking one stops an apply (409 \`breaking_findings\`) unless its code is in
\`acknowledge\`. Its \`message\` says what is the matter with which object, its \`remedy\` what to do.

${row("code", "what it says")}
${row("---", "---")}
${findings.join("\n")}
`;
}
