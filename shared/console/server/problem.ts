/** Refusals of the page's own server, in the form of those of the endpoints (RFC 9457). */

/** @param more.hint What to do next. */
export function createProblem(
  status: number,
  code: string,
  detail: string,
  more: { hint?: string } = {},
): Response {
  const type = `urn:table-rename:problem:${code}`;
  return Response.json({ type, title: detail, status, detail, code, ...more }, {
    status,
    headers: { "content-type": "application/problem+json" },
  });
}
