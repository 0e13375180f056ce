/**
 * Privileges that were changed on a compatibility view alone, carried to its table: what was granted on the
 * view is granted on the table, and what was revoked is revoked there too. Without that, whoever lost a right
 * to the old name would have it again.
 */
import type { AclFacts } from "../facts/privileges.ts";
import type { Statement } from "../contract/responses.ts";
import { type Check, found, raiseUnlessNone } from "./verification/checks.ts";
import type { RelationFacts } from "../facts/facts.ts";
import type { Fingerprint } from "../facts/fingerprint.ts";
import { ident, literal, nullableLiteral } from "../sql/quoting.ts";

/** A right on the table or one of its columns, and how far it goes: not at all, held, held and to be given on. */
export interface RightChange {
  column: string | null;
  grantor: string;
  grantee: string | null;
  privilege: string;
  grantor_settable: boolean;
  from: Level;
  to: Level;
}

type Level = 0 | 1 | 2;

interface Right extends Omit<RightChange, "from" | "to"> {
  level: Level;
}

export interface PrivilegeChanges {
  /** To be made on the table, in this order. */
  changes: RightChange[];
  /** What cannot be carried: its grantor is out of reach, or others hold the right through the grantee. */
  impossible: RightChange[];
}

/**
 * What was changed on the view since it was made, and not in the same way on the table.
 *
 * @param recorded The view's fingerprint from when it was made.
 */
export function privilegeChanges(
  table: RelationFacts,
  view: RelationFacts,
  recorded: Fingerprint,
): PrivilegeChanges {
  const onTable = rights(table);
  const wanted = new Map<string, RightChange>();
  const impossible: RightChange[] = [];
  const note = (right: Right, before: Level, to: Level) => {
    const { level: _, ...rest } = right;
    const change = { ...rest, from: onTable.get(key(right))?.level ?? 0 as Level, to };
    if (to === before || to === change.from) return;
    const known = right.column === null ||
      table.columns.some(({ name }) => name === right.column);
    const asGrantor = right.grantor === table.owner || right.grantor_settable;
    if (known && asGrantor) wanted.set(key(right), change);
    else impossible.push(change);
  };
  const onView = rights(view);
  const matched = new Set<string>();
  for (const right of onView.values()) {
    const mapped = withOwner(right, view.owner, table.owner);
    matched.add(key(mapped));
    // The owner grants in the stead of whoever cannot be acted for.
    const stands = mapped.grantor_settable || onTable.has(key(mapped));
    note(
      stands ? mapped : { ...mapped, grantor: table.owner, grantor_settable: true },
      recordedLevel(recorded, withOwner(right, view.owner, recorded.owner)),
      right.level,
    );
  }
  for (const right of onTable.values()) {
    if (matched.has(key(right))) continue;
    let before = withOwner(right, table.owner, recorded.owner);
    // Where the view's owner granted in the stead of the table's grantor, that is what was taken away.
    if (recordedLevel(recorded, before) === 0) before = { ...before, grantor: recorded.owner };
    const now = withOwner(before, recorded.owner, view.owner);
    note(right, recordedLevel(recorded, before), onView.get(key(now))?.level ?? 0);
  }
  const after = applied(onTable, [...wanted.values()]);
  for (const [id, change] of wanted) {
    if (change.from < 2 || change.to === 2) continue;
    const leftOver = [...after.values()].some((right) =>
      right.grantor === change.grantee && right.privilege === change.privilege &&
      right.column === change.column
    );
    if (!leftOver) continue;
    wanted.delete(id);
    impossible.push(change);
  }
  return { changes: inOrder([...wanted.values()]), impossible };
}

/** Statements that make the changes on `target`, quoted, of the table; each as the role that grants it. */
export function privilegeStatements(
  table: RelationFacts,
  changes: RightChange[],
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

/** The table with the privileges that it has after the changes. */
export function withChanges(table: RelationFacts, changes: RightChange[]): RelationFacts {
  const after = [...applied(rights(table), changes).values()];
  const entries = (column: string | null): AclFacts[] =>
    after.filter((right) => right.column === column).map((right) => ({
      grantor: right.grantor,
      grantee: right.grantee,
      privilege: right.privilege,
      grantable: right.level === 2,
      grantor_settable: right.grantor_settable,
    }));
  return {
    ...table,
    acl: entries(null),
    columns: table.columns.map((column) => ({ ...column, acl: entries(column.name) })),
  };
}

/** Raises unless each table has exactly these privileges, under the name it has when the check runs. */
export function checkPrivileges(
  expected: { name: string; table: RelationFacts }[],
  purpose: string,
): Check {
  const rows = expected.flatMap(({ name, table }) =>
    [...rights(table).values()].map(({ column, grantor, grantee, privilege, level }) =>
      `(${literal(table.schema)}, ${literal(name)}, ${nullableLiteral(column)}, ${
        literal(grantor)
      }, ${nullableLiteral(grantee)}, ${literal(privilege)}, ${level === 2})`
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

const key = ({ column, grantor, grantee, privilege }: Omit<Right, "level">) =>
  JSON.stringify([column, grantor, grantee, privilege]);

function rights(relation: RelationFacts): Map<string, Right> {
  const all = [
    ...relation.acl.map((entry) => ({ ...entry, column: null as string | null })),
    ...relation.columns.flatMap(({ name, acl }) =>
      acl.map((entry) => ({ ...entry, column: name as string | null }))
    ),
  ];
  return new Map(all.map(({ grantable, ...entry }) => {
    const right: Right = { ...entry, level: grantable ? 2 : 1 };
    return [key(right), right];
  }));
}

/** What the view's owner grants or holds, the table's owner does on the table. */
function withOwner(right: Right, from: string, to: string): Right {
  const role = <Role extends string | null>(name: Role) => (name === from ? to : name) as Role;
  return { ...right, grantor: role(right.grantor), grantee: role(right.grantee) };
}

/** How far the right went when the view was made; the keys are those of `fingerprint`. */
function recordedLevel(recorded: Fingerprint, right: Right): Level {
  const of = right.column === null ? "" : `column ${right.column} `;
  const held = recorded[`${of}grant to ${right.grantee ?? "PUBLIC"} by ${right.grantor}`];
  const privileges = held?.split(", ") ?? [];
  if (privileges.includes(`${right.privilege} with grant option`)) return 2;
  return privileges.includes(right.privilege) ? 1 : 0;
}

function applied(before: Map<string, Right>, changes: RightChange[]): Map<string, Right> {
  const after = new Map(before);
  for (const { from: _, to, ...right } of changes) {
    if (to === 0) after.delete(key(right));
    else after.set(key(right), { ...right, level: to });
  }
  return after;
}

/** What is taken away first, from those it was given on to before those who gave it; then what is given. */
function inOrder(changes: RightChange[]): RightChange[] {
  const lost = changes.filter(({ from, to }) => to < from);
  const given = changes.filter(({ from, to }) => to > from);
  const comesFrom = (one: RightChange, other: RightChange) =>
    one.grantor === other.grantee && one.privilege === other.privilege &&
    one.column === other.column;
  return [
    ...sorted(lost, (one, other) => comesFrom(other, one)),
    ...sorted(given, comesFrom),
  ];
}

/** Each after those that have to come before it; what goes in a circle comes last, as it is. */
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

/** A right in words. */
export const describeRight = ({ privilege, column, grantee }: RightChange): string =>
  `${privilege}${column === null ? "" : ` (${ident(column)})`} ${grantee ?? "PUBLIC"}`;
