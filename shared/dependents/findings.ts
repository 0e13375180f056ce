/** What a caller should know before what is built on a view is made to depend on the table. */
import type { Finding } from "../contract/responses.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { runsAsInvoker } from "../sql/stored_view.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import type { Dependent } from "./dependents.ts";
import type { LeavingView } from "./leaving_view.ts";

/**
 * How many pages may be read while clients wait without being asked about, in pages of 8 kB: about 10 MB,
 * which takes a server in the order of 100 ms.
 */
const MANY_PAGES = 1_250;

/** Most names that one message lists. */
const MAX_LISTED = 10;

export function dependentFindings(dependents: Dependent[], leaving: LeavingView[]): Finding[] {
  return [
    ...leaving.flatMap((one) => repointed(one, dependents)),
    ...dependents.flatMap(({ object }) => slow(object)),
    ...dependents.flatMap(changedReader),
    ...leaving.flatMap((one) => interruptedCalls(one, dependents)),
  ];
}

const nameOf = ({ kind, identity }: BuiltObject) => `${kind} ${identity}`;

function listed(objects: BuiltObject[]): string {
  const names = objects.slice(0, MAX_LISTED).map(nameOf);
  const more = objects.length - names.length;
  return names.join(", ") + (more > 0 ? ` and ${more} more` : "");
}

function repointed(leaving: LeavingView, dependents: Dependent[]): Finding[] {
  const { view } = leaving;
  const objects = dependents.filter(({ views }) => views[0] === leaving)
    .map(({ object }) => object);
  if (objects.length === 0) return [];
  const again = objects.filter(({ recreated }) => recreated);
  return [{
    code: "dependants_repointed",
    severity: "info",
    object: qualified(view.schema, view.name),
    message:
      `Built on the view, and made to depend on ${
        leaving.table === null ? "the new view" : "the table"
      }: ${listed(objects)}. ` +
      "Owners, privileges, options and comments stay" + (again.length === 0
        ? "."
        : `; ${listed(again)} cannot be changed in place and ${
          again.length === 1 ? "is" : "are"
        } made again.`),
    remedy: "None needed.",
  }];
}

/** What reads data while clients wait. */
function slow(object: BuiltObject): Finding[] {
  if (object.subkind === "m" && object.catalog === "pg_class") {
    const pages = object.sizes.reduce((sum, { pages }) => sum + pages, 0);
    const { populated } = object.kept!.storage!;
    const sizes = object.sizes.map(({ name, pages }) => `${name} ${megabytes(pages)}`).join(", ");
    return [{
      code: "materialized_view_rebuilt",
      severity: populated && pages > MANY_PAGES ? "breaking" : "warning",
      object: qualified(object.schema!, object.name!),
      message: populated
        ? "A materialized view's query cannot be changed: it is made again, and filled with what its query " +
          `gives now, while clients wait. It and what it reads: ${sizes}.`
        : "A materialized view's query cannot be changed: it is made again, unpopulated as it is.",
      remedy: populated
        ? "Drop it before and make it again afterwards where that takes too long, or acknowledge the wait."
        : "None needed.",
    }];
  }
  if (object.catalog === "pg_constraint") {
    const { pages } = object.host!;
    const { validated } = object.kept!;
    return [{
      code: "constraint_checked_again",
      severity: validated && pages > MANY_PAGES ? "breaking" : "warning",
      object: qualified(object.host!.schema, object.host!.name),
      message:
        `The constraint ${
          ident(object.name!)
        } uses a routine that is made again. It is added anew` +
        (validated
          ? `, which reads the whole table (${megabytes(pages)}) while clients wait.`
          : "."),
      remedy:
        "Drop it before and add it again afterwards where that takes too long, or acknowledge.",
    }];
  }
  return [];
}

const megabytes = (pages: number) => `${(pages * 8 / 1024).toFixed(1)} MB`;

/**
 * Through a security-invoker view a table is read as whoever runs the query, even by a view or a rule that
 * otherwise reads with its owner's rights. Once such a view or rule reads the table itself, that ends.
 */
function changedReader({ object, views }: Dependent): Finding[] {
  const through = views.filter(({ view, table }) =>
    table !== null && runsAsInvoker(view) &&
    object.uses.some(({ relation }) => relation === view.oid)
  );
  if (through.length === 0) return [];
  const view = object.catalog === "pg_class" && object.subkind === "v";
  if (
    !(view ? !runsAsInvoker({ options: object.kept!.options! }) : object.catalog === "pg_rewrite")
  ) return [];
  const tables = through.map(({ table }) => table!);
  const secured = tables.filter(({ row_security }) => row_security);
  const newReaders = view ? tables.flatMap((table) => readersBeyond(object, table)) : [];
  if (secured.length === 0 && newReaders.length === 0) return [];
  const what = `The ${object.kind} ${object.identity}`;
  const owner = ident(object.owner!);
  return [{
    code: "reads_as_owner",
    severity: secured.length > 0 ? "breaking" : "warning",
    object: view ? qualified(object.schema!, object.name!) : object.identity,
    message: secured.length > 0
      ? `${what} uses the table with the rights of whoever calls, as long as the security-invoker view is ` +
        `between them. Without it, it uses the table as ${owner}, and row-level security shows what ` +
        "that role may see."
      : `${what} will read the table as ${owner}: ${
        [...new Set(newReaders)].sort().join(", ")
      } will be able to read through it, without a right to the table.`,
    remedy: view
      ? `To keep it as it is: alter view ${object.identity} set (security_invoker = true). Or acknowledge.`
      : "Make sure that this is what it should do, and acknowledge.",
  }];
}

/** Who may use the view, but not the table in the same way. */
function readersBeyond(object: BuiltObject, table: RelationFacts): string[] {
  const uses = new Set(["SELECT", "INSERT", "UPDATE", "DELETE"]);
  return object.acl.filter(({ privilege, grantee }) =>
    uses.has(privilege) && grantee !== object.owner && grantee !== table.owner &&
    !table.acl.some((entry) =>
      entry.privilege === privilege && (entry.grantee === grantee || entry.grantee === null)
    )
  ).map(({ grantee }) => grantee ?? "PUBLIC");
}

/** A routine is called without a lock on it: who has looked it up already asks for a view that is gone then. */
function interruptedCalls(leaving: LeavingView, dependents: Dependent[]): Finding[] {
  const routines = dependents
    .filter(({ object, views }) => object.catalog === "pg_proc" && views[0] === leaving)
    .map(({ object }) => object);
  if (routines.length === 0) return [];
  return [{
    code: "calls_interrupted",
    severity: "warning",
    object: qualified(leaving.view.schema, leaving.view.name),
    message:
      `The server looks routines up without locking them. Calls of ${
        listed(routines)
      } that begin ` +
      "while the locks are held fail, once: XX000, could not open relation.",
    remedy: "Have callers try again, or do this in a quiet moment.",
  }];
}
