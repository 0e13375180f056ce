/** Reading a query string. */
import { Problem } from "../contract/problems.ts";

/** The query as an object; a name given twice is refused, since it is not said which one counts. */
export function queryOf(request: Request): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [name, value] of new URL(request.url).searchParams) {
    // Added by functions-js when a region is chosen; it is for the platform.
    if (name === "forceFunctionRegion") continue;
    if (Object.hasOwn(query, name)) {
      throw new Problem("invalid_request", `"${name}" is given twice.`, {
        hint: "Give each parameter once.",
        fields: { issues: [{ path: name, message: "is given twice" }] },
      });
    }
    Object.defineProperty(query, name, { value, enumerable: true });
  }
  return query;
}
