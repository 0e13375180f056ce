/**
 * Privileges that were changed on a compatibility view alone, carried to its table: what was granted on the
 * view is granted on the table, and what was revoked is revoked there too. Otherwise a role that lost a
 * privilege on the old name would have it again.
 */
import {
  type AclEntry,
  type Level,
  levelOf,
  type OnColumn,
  privilegesOf,
} from "../../facts/privileges.ts";
import type { Statement } from "../../contract/responses.ts";
import { type Check, found, raiseUnlessNone } from "../verification/checks.ts";
import type { RelationFacts } from "../../facts/facts.ts";
import { type Fingerprint, recordedLevel } from "../../facts/fingerprint.ts";
import { ident, literal, nullableLiteral } from "../../sql/quoting.ts";

/** A privilege on the table or one of its columns, by its grantor, and how far it goes before and after. */
export interface PrivilegeChange extends Omit<AclEntry, "grantable">, OnColumn {
  from: Level;
  to: Level;
}

type Entry = AclEntry & OnColumn;

interface PrivilegeChanges {
  changes: PrivilegeChange[];
  /** Where the session's role cannot act for the grantor, or others have the privilege from the grantee. */
  impossible: PrivilegeChange[];
}

/** What was changed on the view since it was made (its fingerprint is `recorded`), and not alike on the table. */
export function privilegeChanges(
  table: RelationFacts,
  view: RelationFacts,
  recorded: Fingerprint,
): PrivilegeChanges {
  const onTable = entriesByKey(table);
  const onView = entriesByKey(view);
  const possible = new Map<string, PrivilegeChange>();
  const impossible: PrivilegeChange[] = [];
  const note = ({ grantable: _, ...entry }: Entry, before: Level, to: Level) => {
    const change = { ...entry, from: levelIn(onTable, entry), to };
    if (to === before || to === change.from) return;
    const hasColumn = entry.column === null ||
      table.columns.some(({ name }) => name === entry.column);
    const asGrantor = entry.grantor === table.owner || entry.grantor_settable;
    if (hasColumn && asGrantor) possible.set(keyOf(entry), change);
    else impossible.push(change);
  };
  const matched = new Set<string>();
  for (const entry of onView.values()) {
    const mapped = withOwner(entry, view.owner, table.owner);
    matched.add(keyOf(mapped));
    // The owner grants instead of a grantor whose place the session's role cannot take.
    const asItIs = mapped.grantor_settable || onTable.has(keyOf(mapped));
    note(
      asItIs ? mapped : { ...mapped, grantor: table.owner, grantor_settable: true },
      recordedLevel(recorded, withOwner(entry, view.owner, recorded.owner)),
      levelOf(entry),
    );
  }
  for (const entry of onTable.values()) {
    if (matched.has(keyOf(entry))) continue;
    let before = withOwner(entry, table.owner, recorded.owner);
    // Where the view's owner granted instead of the table's grantor, that is what was revoked.
    if (recordedLevel(recorded, before) === 0) before = { ...before, grantor: recorded.owner };
    const now = withOwner(before, recorded.owner, view.owner);
    note(entry, recordedLevel(recorded, before), levelIn(onView, now));
  }
  const after = [...applied(onTable, [...possible.values()]).values()];
  for (const [key, change] of possible) {
    if (change.from < 2 || change.to === 2) continue;
    if (!after.some((entry) => isGrantedBy(entry, change))) continue;
    possible.delete(key);
    impossible.push(change);
  }
  return { changes: inOrder([...possible.values()]), impossible };
}

/** Statements that make the changes on `target`, quoted, of the table; each as the role that grants it. */
export function privilegeStatements(
  table: RelationFacts,
  changes: PrivilegeChange[],
  target: string,
  sessionUser: string,
): Statement[] {
  return changes.flatMap((change) => {
    const { column, grantee, grantor, to, from } = change;
    const privilege = change.privilege.toLowerCase() +
      (column === null ? "" : ` (${ident(column)})`);
    const role = grantee === null ? "public" : ident(grantee);
    const sql = to > from
      ? `grant ${privilege} on table ${target} to ${role}` + (to === 2 ? " with grant option" : "")
      : `revoke ${to === 1 ? "grant option for " : ""}${privilege} on table ${target} from ${role}`;
    const purpose = "Carry a privilege that was changed on the view alone";
    const asOther = grantor !== sessionUser &&
      (grantor !== table.owner || (table.owner_settable && table.owner_can_create));
    return (asOther ? [`set local role ${ident(grantor)}`, sql, "reset role"] : [sql])
      .map((one) => ({ sql: one, purpose }));
  });
}

export function withChanges(table: RelationFacts, changes: PrivilegeChange[]): RelationFacts {
  const after = [...applied(entriesByKey(table), changes).values()];
  const entriesOf = (wanted: string | null): AclEntry[] =>
    after.filter(({ column }) => column === wanted).map(({ column: _, ...entry }) => entry);
  return {
    ...table,
    acl: entriesOf(null),
    columns: table.columns.map((column) => ({ ...column, acl: entriesOf(column.name) })),
  };
}

/** Raises unless each table has exactly these privileges, under the name it has when the check runs. */
export function checkPrivileges(
  expected: { name: string; table: RelationFacts }[],
  purpose: string,
): Check {
  const rows = expected.flatMap(({ name, table }) =>
    privilegesOf(table).map(({ column, grantor, grantee, privilege, grantable }) =>
      `(${literal(table.schema)}, ${literal(name)}, ${nullableLiteral(column)}, ${
        literal(grantor)
      }, ${nullableLiteral(grantee)}, ${literal(privilege)}, ${grantable})`
    )
  );
  const tables = expected.map(({ name, table: { schema } }) =>
    `(${literal(schema)}, ${literal(name)}, ${found(schema, name)})`
  );
  const exploded = (column: string) => `
      select e.schema, e.name, ${column}, pg_catalog.pg_get_userbyid(i.grantor)::text,
        case when i.grantee <> 0 then pg_catalog.pg_get_userbyid(i.grantee)::text end,
        i.privilege_type, i.is_grantable
      from relation e join pg_catalog.pg_class c on c.oid = e.found`;
  return raiseUnlessNone(
    "carried_privileges",
    purpose,
    `
  with relation(schema, name, found) as (values ${tables.join(",\n    ")}),
  planned(schema, name, column_name, grantor, grantee, privilege, grantable) as (
    select p.* from (values ${rows.join(",\n      ")}) p
  ),
  actual as (${exploded("null::text")}
      cross join lateral pg_catalog.aclexplode(
        coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner))) i
      union all ${exploded("a.attname::text")}
      join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      cross join lateral pg_catalog.aclexplode(a.attacl) i
  )
  select pg_catalog.string_agg(distinct
    pg_catalog.format('%I.%I has other privileges than planned', x.schema, x.name), '; ')
  from (
    (select * from planned except select * from actual)
    union all
    (select * from actual except select * from planned)
  ) x`,
  );
}

const keyOf = ({ column, grantor, grantee, privilege }: Omit<Entry, "grantable">) =>
  JSON.stringify([column, grantor, grantee, privilege]);

const entriesByKey = (relation: RelationFacts): Map<string, Entry> =>
  new Map(privilegesOf(relation).map((entry) => [keyOf(entry), entry]));

function levelIn(entries: Map<string, Entry>, wanted: Omit<Entry, "grantable">): Level {
  const entry = entries.get(keyOf(wanted));
  return entry === undefined ? 0 : levelOf(entry);
}

/** An entry with one owner in the place of another: what one grants or holds on its relation, so does the other. */
function withOwner(entry: Entry, from: string, to: string): Entry {
  const { grantor, grantee } = entry;
  return {
    ...entry,
    grantor: grantor === from ? to : grantor,
    grantee: grantee === from ? to : grantee,
  };
}

function applied(before: Map<string, Entry>, changes: PrivilegeChange[]): Map<string, Entry> {
  const after = new Map(before);
  for (const { from: _, to, ...entry } of changes) {
    if (to === 0) after.delete(keyOf(entry));
    else after.set(keyOf(entry), { ...entry, grantable: to === 2 });
  }
  return after;
}

/** Whether one entry is granted by the grantee of another, of the same privilege. */
const isGrantedBy = (
  one: Omit<Entry, "grantable">,
  { grantee, privilege, column }: Omit<Entry, "grantable">,
): boolean => one.grantor === grantee && one.privilege === privilege && one.column === column;

/** Revokes first, of those who were granted a privilege before those who granted it; then grants. */
function inOrder(changes: PrivilegeChange[]): PrivilegeChange[] {
  const revoked = changes.filter(({ from, to }) => to < from);
  const granted = changes.filter(({ from, to }) => to > from);
  return [
    ...sorted(revoked, (one, other) => isGrantedBy(other, one)),
    ...sorted(granted, isGrantedBy),
  ];
}

/** Each after those that have to come before it; those that wait for each other come last, as they are. */
function sorted<T>(items: T[], isAfter: (one: T, other: T) => boolean): T[] {
  const result: T[] = [];
  let rest = items;
  while (rest.length > 0) {
    const free = rest.filter((one) => !rest.some((other) => other !== one && isAfter(one, other)));
    const next = free.length > 0 ? free : rest;
    result.push(...next);
    rest = rest.filter((one) => !next.includes(one));
  }
  return result;
}
