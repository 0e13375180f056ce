/** Opaque cursors of pages that are in the order of a time, and of an id where times are equal. */
import { Problem } from "../contract/problems.ts";

/** The last row of the page before. */
interface Cursor {
  /** As PostgreSQL writes it in JSON. */
  time: string;
  id: string;
}

const TIMESTAMP = /^(?!0000)\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?[+-](0\d|1[0-5]):[0-5]\d$/;

/** The cursor for the page after the row with this time and id. */
export function encodeCursor(time: string, id: string): string {
  return btoa(JSON.stringify([time, id]))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * @param endpoint The endpoint whose cursor it should be.
 * @param ids What its ids look like.
 * @throws {Problem} `invalid_request` for a cursor that is not one of its.
 */
export function decodeCursor(text: string, endpoint: string, ids: RegExp): Cursor {
  try {
    const [time, id] = JSON.parse(
      atob(text.replaceAll("-", "+").replaceAll("_", "/")),
    );
    if (isMoment(time) && typeof id === "string" && ids.test(id)) {
      return { time, id };
    }
  } catch {
    // Refused below.
  }
  const message = `not a cursor that ${endpoint} gave`;
  throw new Problem("invalid_request", `"cursor" is not valid: ${message}`, {
    hint: "Send next_cursor of the page before, unchanged, or leave it out for the first page.",
    fields: { issues: [{ path: "cursor", message }] },
  });
}

/** Whether the server can parse it: in the right form, and an existing day and time. */
function isMoment(text: unknown): text is string {
  if (typeof text !== "string" || !TIMESTAMP.test(text)) return false;
  const local = text.slice(0, "2026-01-01T00:00:00".length);
  const time = Date.parse(`${local}Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(local);
}
