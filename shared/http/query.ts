/** Reading a query string. */
import { Problem } from "../contract/problems.ts";

/**
 * The query as an object. A name given twice is refused, since it is not said which one counts; what is
 * `repeatable` has an array.
 */
export function queryOf(
  request: Request,
  repeatable: string[] = [],
): Record<string, string | string[]> {
  const query: Record<string, string | string[]> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    // Added by functions-js when a region is chosen; it is for the platform.
    if (name === "forceFunctionRegion") continue;
    if (repeatable.includes(name)) {
      query[name] = [...query[name] ?? [], value];
      continue;
    }
    if (Object.hasOwn(query, name)) {
      throw new Problem("invalid_request", `"${name.slice(0, 200)}" is given twice.`, {
        hint: "Give each parameter once.",
        fields: { issues: [{ path: name.slice(0, 200), message: "is given twice" }] },
      });
    }
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}

/** Options of a POST are in its body; one in the query that went unseen would change what happens. */
export function refuseQuery(query: Record<string, string | string[]>): void {
  const names = Object.keys(query);
  if (names.length === 0) return;
  const message = "belongs into the body";
  throw new Problem(
    "invalid_request",
    `The query parameter "${names[0].slice(0, 200)}" ${message}.`,
    {
      hint: "Send every option as a field of the JSON body.",
      fields: { issues: names.slice(0, 20).map((path) => ({ path: path.slice(0, 200), message })) },
    },
  );
}
