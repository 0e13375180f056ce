/** What a caller should know before what is built on a view is repointed. */
import type { Finding } from "../contract/responses.ts";
import type { BuiltObject } from "../facts/built_on.ts";
import type { RelationFacts } from "../facts/facts.ts";
import { listed } from "../findings/wording.ts";
import { ident, qualified } from "../sql/quoting.ts";
import { runsAsInvoker } from "../sql/stored_view.ts";
import type { Dependent, DroppedView } from "./dependents.ts";

/**
 * How many pages (of 8 kB) may be read while clients wait, without asking the caller: about 10 MB, for which a
 * server takes about 100 ms.
 */
const MANY_PAGES = 1_250;

const MAX_LISTED = 10;

export function dependentFindings(dependents: Dependent[], dropped: DroppedView[]): Finding[] {
  // Of several views an object is reported for the first one.
  const builtOn = dropped.map((view) => ({
    view,
    objects: dependents.filter(({ views }) => views[0] === view).map(({ object }) => object),
  }));
  return [
    ...builtOn.flatMap(({ view, objects }) => repointed(view, objects)),
    ...dependents.flatMap(({ object }) => [...refilled(object), ...checkedAgain(object)]),
    ...dependents.flatMap(readsAsOwner),
    ...builtOn.flatMap(({ view, objects }) => interruptedCalls(view, objects)),
  ];
}

const listedObjects = (objects: BuiltObject[]) =>
  listed(objects.map(({ kind, identity }) => `${kind} ${identity}`), MAX_LISTED);

function repointed({ view, table }: DroppedView, objects: BuiltObject[]): Finding[] {
  if (objects.length === 0) return [];
  const target = table === null ? "the new view" : "the table";
  const recreated = objects.filter((object) => object.recreated);
  const verb = recreated.length === 1 ? "is" : "are";
  return [{
    code: "dependants_repointed",
    severity: "info",
    object: qualified(view.schema, view.name),
    message:
      `Built on the view, and will depend on ${target} instead: ${listedObjects(objects)}. ` +
      "Owners, privileges, options and comments stay" + (recreated.length === 0
        ? "."
        : `; ${listedObjects(recreated)} cannot be changed in place and ${verb} recreated.`),
    remedy: "Nothing to do.",
  }];
}

/** A materialized view that is filled again while clients wait. */
function refilled(object: BuiltObject): Finding[] {
  if (object.subkind !== "m" || object.catalog !== "pg_class") return [];
  const pages = object.sizes.reduce((sum, { pages }) => sum + pages, 0);
  const { populated } = object.kept!.storage!;
  const sizes = object.sizes.map(({ name, pages }) => `${name} ${megabytes(pages)}`).join(", ");
  return [{
    code: "materialized_view_rebuilt",
    severity: populated && pages > MANY_PAGES ? "breaking" : "warning",
    object: qualified(object.schema!, object.name!),
    message: "The query of a materialized view cannot be changed: it is recreated, " +
      (populated
        ? "and filled with the present result of its query while clients wait. The sizes of it and of what it " +
          `reads: ${sizes}.`
        : "unpopulated, as it is now."),
    remedy: populated
      ? "If that takes too long, drop it before and create it again afterwards; or acknowledge the wait."
      : "Nothing to do.",
  }];
}

/** A constraint that is added again while clients wait. */
function checkedAgain({ catalog, name, host, kept }: BuiltObject): Finding[] {
  if (catalog !== "pg_constraint") return [];
  const { schema, name: table, pages } = host!;
  const { validated } = kept!;
  return [{
    code: "constraint_checked_again",
    severity: validated && pages > MANY_PAGES ? "breaking" : "warning",
    object: qualified(schema, table),
    message:
      `The constraint ${ident(name!)} uses a routine that is recreated. It is dropped and added ` +
      "again" +
      (validated ? `, which reads the whole table (${megabytes(pages)}) while clients wait.` : "."),
    remedy:
      "If that takes too long, drop it before and add it again afterwards; or acknowledge the wait.",
  }];
}

const megabytes = (pages: number) => `${(pages * 8 / 1024).toFixed(1)} MB`;

/**
 * Through a security-invoker view a table is read as the role that runs the query, even by a view or a rule that
 * otherwise reads with its owner's rights. That ends when such a view or rule reads the table itself.
 */
function readsAsOwner({ object, views }: Dependent): Finding[] {
  const tables = views.flatMap(({ view, table }) => {
    const uses = object.uses.some(({ relation }) => relation === view.oid);
    return table !== null && uses && runsAsInvoker(view) ? [table] : [];
  });
  const isView = object.catalog === "pg_class" && object.subkind === "v";
  const asOwner = isView
    ? !runsAsInvoker({ options: object.kept!.options! })
    : object.catalog === "pg_rewrite";
  if (tables.length === 0 || !asOwner) return [];
  const secured = tables.some(({ row_security }) => row_security);
  const newReaders = isView ? tables.flatMap((table) => readersBeyond(object, table)) : [];
  if (!secured && newReaders.length === 0) return [];
  const readers = [...new Set(newReaders)].sort().join(", ");
  const subject = `The ${object.kind} ${object.identity}`;
  const owner = ident(object.owner!);
  return [{
    code: "reads_as_owner",
    severity: secured ? "breaking" : "warning",
    object: isView ? qualified(object.schema!, object.name!) : object.identity,
    message: secured
      ? `${subject} now uses the table with the rights of the calling role, because it reads it through a ` +
        `security-invoker view. Without that view it uses the table as ${owner}, and row-level security shows ` +
        "what that role may see."
      : `${subject} will read the table as ${owner}: ${readers} will be able to read it this way, without a ` +
        "privilege on the table.",
    remedy: isView
      ? `To keep the caller's rights, run alter view ${object.identity} set (security_invoker = true). Or ` +
        "acknowledge."
      : "Make sure that this is intended, and acknowledge.",
  }];
}

/** Who may use the view, but not the table in the same way. */
function readersBeyond(object: BuiltObject, table: RelationFacts): string[] {
  const uses = ["SELECT", "INSERT", "UPDATE", "DELETE"];
  return object.acl.filter(({ privilege, grantee }) =>
    uses.includes(privilege) && grantee !== object.owner && grantee !== table.owner &&
    !table.acl.some((entry) =>
      entry.privilege === privilege && (entry.grantee === grantee || entry.grantee === null)
    )
  ).map(({ grantee }) => grantee ?? "PUBLIC");
}

/** Calls do not lock a routine: one that has looked it up already fails when the view is dropped. */
function interruptedCalls({ view }: DroppedView, objects: BuiltObject[]): Finding[] {
  const routines = objects.filter(({ catalog }) => catalog === "pg_proc");
  if (routines.length === 0) return [];
  return [{
    code: "calls_interrupted",
    severity: "warning",
    object: qualified(view.schema, view.name),
    message:
      "PostgreSQL does not lock routines when it looks them up. Calls that begin while the locks are held can fail " +
      `once (XX000, could not open relation): of ${listedObjects(routines)}.`,
    remedy: "Make callers try again, or do this at a quiet time.",
  }];
}
