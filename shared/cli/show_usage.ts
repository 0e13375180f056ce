/** Who uses the old names, for a person to read: a line each, and what is behind it. */
import type { Migration, Usage } from "../contract/responses.ts";
import { paragraph, safe, type Stream, table } from "./terminal.ts";
import { inUtc } from "./times.ts";

type Used = Migration & { usage: Usage };

/** Roles that are named in a line. */
const MAX_ROLES = 3;

/** The use of every old name that was asked about; an empty text where none was. */
export function describeUsage(
  migrations: Migration[],
  page: Pick<Stream, "colors" | "width">,
): string {
  const asked = migrations.filter((one): one is Used => one.usage !== undefined);
  if (asked.length === 0) return "";
  const { colors } = page;
  return [
    colors.bold("Use of the old names"),
    table(
      ["OLD NAME", "USE", "CALLS", "BY", "LAST SEEN", "QUIET SINCE"],
      asked.map(({ schema_name, old_name, usage }) => [
        `${schema_name}.${old_name}`,
        usage.state,
        usage.calls === null ? "?" : String(usage.calls),
        who(usage),
        moment(usage.last_used_at),
        usage.state === "used" ? null : moment(usage.quiet_since),
      ]),
      page,
    ),
    ...asked.filter(({ usage }) => usage.state !== "quiet").map((one) => why(one, page)),
  ].join("\n");
}

function who({ roles }: Usage): string {
  const named = roles.slice(0, MAX_ROLES).map(({ role, calls }) => `${role} (${calls})`);
  const more = roles.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(", ");
}

function why(
  { schema_name, old_name, usage }: Used,
  { colors, width }: Pick<Stream, "colors" | "width">,
): string {
  const colorOf = usage.state === "used" ? colors.yellow : colors.cyan;
  const [example] = usage.examples;
  return [
    `  ${colorOf(usage.state)}  ${safe(`${schema_name}.${old_name}`)}`,
    ...usage.reasons.map(({ message }) => paragraph(safe(message), width, 4)),
    ...(example === undefined
      ? []
      : [colors.dim(paragraph(`for example: ${safe(example.statement)}`, width, 4))]),
  ].join("\n");
}

const moment = (timestamp: string | null): string | null => timestamp && inUtc(timestamp);
