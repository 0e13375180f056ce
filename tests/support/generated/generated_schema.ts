/**
 * Random schemas, as data: what fast-check makes up, and makes smaller when it finds a fault. Everything refers
 * backwards, to tables and views that come before, so that whatever is left out, the rest can be made.
 */
import fc from "fast-check";
import { BUILDS } from "../corpus/corpus_built.ts";
import { columnName, name, nameGiver } from "./generated_schema_names.ts";

export const ROLES = ["anon", "authenticated", "service_role"] as const;

export interface Column {
  name: string;
  type: string;
  notNull: boolean;
  /** Where it gets its values from when none is given. */
  source: "nothing" | "default" | "serial" | "identity" | "always identity" | "generated";
  comment: boolean;
  settings: boolean;
}

export interface Policy {
  command: "all" | "select" | "insert" | "update" | "delete";
  restrictive: boolean;
  /** None: PUBLIC. */
  roles: string[];
  condition: "all" | "even" | "role" | "other table";
}

export interface Grant {
  privileges: string[];
  /** Place of the column; null: the whole table. */
  column: number | null;
  grantee: string;
  grantable: boolean;
  /** Granted on by authenticated, which was given it for that. */
  passedOn: boolean;
}

export interface Table {
  name: string;
  kind: "plain" | "unlogged" | "partitioned" | "child";
  /** Names of the partitions. */
  partitions: string[];
  /** The first one is an integer and identifies the row. */
  columns: Column[];
  /** Whether a column was dropped, and left its hole. */
  dropped: boolean;
  primaryKey: boolean;
  checked: boolean;
  excluded: boolean;
  /** A foreign key to a table before, or to itself; null: none. */
  references: number | null;
  indexes: ("plain" | "partial" | "expression" | "unique" | "hash" | "named")[];
  statistics: boolean;
  rowSecurity: "off" | "on" | "forced";
  policies: Policy[];
  grants: Grant[];
  ownerLacks: string | null;
  triggers: ("before" | "after statement" | "conditional" | "disabled")[];
  rule: boolean;
  functions: ("sql" | "plpgsql" | "parsed" | "row" | "set" | "array")[];
  published: boolean;
  comment: string | null;
  options: boolean;
  rows: number;
}

export interface View {
  name: string;
  materialized: boolean;
  /** Place of a table. */
  table: number;
  /** Place of a view before it, joined; null: none. */
  view: number | null;
  alias: boolean;
  options: ("security_invoker" | "security_barrier")[];
  granted: boolean;
}

export interface GeneratedSchema {
  tables: Table[];
  views: View[];
  /** Whether whatever is made later in the schema is granted to somebody at once. */
  defaultPrivileges: boolean;
}

export interface Story {
  schema: GeneratedSchema;
  /** Places of the relations to rename and their new names, in one batch; partitions come after the tables. */
  renames: { place: number; newName: string }[];
  /** A second new name for the first of them, given in a second request. */
  thenTo: string | null;
  compatibilityView: boolean;
  renameIndexes: boolean;
  /** Whether it is planned, and applied without accepting what breaks, before. */
  tryFirst: boolean;
  /** What is built on each renamed relation in between, by place among the renames. */
  built: { on: number; kinds: (typeof BUILDS)[number][] }[];
  /** What is changed on the first renamed table by its new name; nothing where it is a partition. */
  changed: ("column" | "index" | "grant" | "comment")[];
  /** Whether its view is refreshed then. */
  refreshed: boolean;
  /** Something on the view that nobody can keep when the view goes. */
  obstacle: "trigger" | "rule" | "column of its type" | null;
  ending: "rollback" | "finalize";
}

export const TYPES = {
  "integer": "7",
  "bigint": "8",
  "text": "'it''s \\'",
  "varchar(20)": "'v'",
  "numeric(10,2)": "1.5",
  "boolean": "true",
  "date": "date '2026-01-01'",
  "timestamptz": "now()",
  "uuid": "gen_random_uuid()",
  "jsonb": `'{"a": 1}'`,
  "text[]": "'{a,b}'",
  "int4range": "int4range(1, 5)",
  "mood": "'good'",
  "code": "'c'",
} as const;

const typeName = fc.constantFrom(...Object.keys(TYPES));
const rarely = fc.integer({ min: 0, max: 9 }).map((n) => n === 9);

/** One time in so many; else null. */
const oneIn = <T>(times: number, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });

const column: fc.Arbitrary<Column> = fc.record({
  name: columnName,
  type: typeName,
  notNull: fc.boolean(),
  source: fc.constantFrom("nothing", "default", "default", "serial", "generated"),
  comment: rarely,
  settings: rarely,
});

const columns = fc.tuple(
  fc.record({
    name: columnName,
    type: fc.constantFrom("integer", "bigint"),
    notNull: fc.constant(true),
    source: fc.constantFrom<Column["source"]>("nothing", "serial", "identity", "always identity"),
    comment: rarely,
    settings: fc.constant(false),
  }),
  fc.array(column, { maxLength: 5 }),
).map(([key, rest]) => {
  const free = nameGiver();
  return [key, ...rest].map((one) => ({ ...one, name: free(one.name) }));
});

const policy: fc.Arbitrary<Policy> = fc.record({
  command: fc.constantFrom("all", "select", "select", "insert", "update", "delete"),
  restrictive: rarely,
  roles: fc.subarray([...ROLES]),
  condition: fc.constantFrom("all", "even", "role", "other table"),
});

const grant: fc.Arbitrary<Grant> = fc.record({
  privileges: fc.subarray(["select", "insert", "update", "delete"], { minLength: 1 }),
  column: oneIn(4, fc.nat(5)),
  grantee: fc.constantFrom(...ROLES, "public"),
  grantable: rarely,
  passedOn: rarely,
});

const some = <T>(...values: T[]) => fc.array(fc.constantFrom(...values), { maxLength: 3 });

const table: fc.Arbitrary<Table> = fc.record({
  name,
  kind: fc.constantFrom("plain", "plain", "plain", "unlogged", "partitioned", "child"),
  partitions: fc.array(name, { minLength: 1, maxLength: 2 }),
  columns,
  dropped: rarely,
  primaryKey: fc.boolean(),
  checked: rarely,
  excluded: rarely,
  references: oneIn(2, fc.nat(5)),
  indexes: some("plain", "partial", "expression", "unique", "hash", "named"),
  statistics: rarely,
  rowSecurity: fc.constantFrom("off", "on", "on", "forced"),
  policies: fc.array(policy, { maxLength: 3 }),
  grants: fc.array(grant, { maxLength: 4 }),
  ownerLacks: oneIn(8, fc.constantFrom("truncate", "references", "trigger")),
  triggers: some("before", "after statement", "conditional", "disabled"),
  rule: rarely,
  functions: some("sql", "plpgsql", "parsed", "row", "set", "array"),
  published: rarely,
  comment: oneIn(3, fc.constantFrom("plain", 'it\'s \\ "odd"\n-- comment $$')),
  options: rarely,
  rows: fc.nat(4),
});

const view: fc.Arbitrary<View> = fc.record({
  name,
  materialized: rarely,
  table: fc.nat(5),
  view: oneIn(2, fc.nat(3)),
  alias: fc.boolean(),
  options: fc.subarray(["security_invoker", "security_barrier"]),
  granted: fc.boolean(),
});

/** A schema and what happens to it. */
export const story: fc.Arbitrary<Story> = fc.record({
  schema: fc.record({
    tables: fc.array(table, { minLength: 1, maxLength: 4 }),
    views: fc.array(view, { maxLength: 3 }),
    defaultPrivileges: rarely,
  }),
  renames: fc.array(fc.record({ place: fc.nat(9), newName: name }), { minLength: 1, maxLength: 3 }),
  thenTo: oneIn(4, name),
  compatibilityView: rarely.map((without) => !without),
  renameIndexes: oneIn(4, fc.constant(true)).map((wanted) => wanted ?? false),
  tryFirst: rarely,
  built: fc.array(fc.record({ on: fc.nat(2), kinds: fc.subarray([...BUILDS]) }), { maxLength: 2 }),
  changed: oneIn(3, fc.subarray<Story["changed"][number]>(["column", "index", "grant", "comment"]))
    .map((wanted) => wanted ?? []),
  refreshed: oneIn(4, fc.constant(true)).map((wanted) => wanted ?? false),
  ending: fc.constantFrom("rollback", "rollback", "finalize"),
  obstacle: oneIn(6, fc.constantFrom("trigger", "rule", "column of its type")),
}).map(withDistinctNames);

/** Names of relations differ from each other and from the new ones, and from those of types. */
function withDistinctNames(made: Story): Story {
  const free = nameGiver("mood", "code");
  const { schema, renames } = made;
  const tables = schema.tables.map((one) => ({
    ...one,
    name: free(one.name),
    partitions: one.partitions.map(free),
  }));
  const views = schema.views.map((one) => ({ ...one, name: free(one.name) }));
  // Where two relations of a view have one name, the server makes one up when it prints the view, and a view
  // that was made anew from that has it for good: until 15 every view has an "old" and a "new".
  const ending = tables.flatMap(relationsOf).some((one) => /^(old|new)$/.test(one))
    ? "rollback"
    : made.ending;
  const places = new Set<number>();
  const count = tables.flatMap(relationsOf).length;
  return {
    ...made,
    schema: { ...schema, tables, views },
    renames: renames.map(({ place, newName }) => ({ place: place % count, newName: free(newName) }))
      .filter(({ place }) => !places.has(place) && places.add(place)),
    thenTo: made.thenTo === null ? null : free(made.thenTo),
    // What a rename on its own would leave has the indexes' names, too.
    renameIndexes: made.renameIndexes && ending === "rollback",
    ending,
    // Two views, of which one is refreshed, would need a story of their own.
    changed: made.changed.filter((kind) => kind !== "column" || made.thenTo === null),
  };
}

/** The names of what can be renamed of a table: itself, and its partitions. */
export const relationsOf = (table: Table): string[] =>
  table.kind === "partitioned" ? [table.name, ...table.partitions] : [table.name];

/** The columns a table has in the end: a child those of its parent, too. */
export function columnsOf(tables: Table[], place: number): Column[] {
  const parent = parentOf(tables, place);
  if (parent === null) return tables[place].columns;
  const inherited = columnsOf(tables, parent);
  const taken = new Set(inherited.map(({ name }) => name));
  return [...inherited, ...ownColumns(tables, place).filter(({ name }) => !taken.has(name))];
}

/** The last table before that can be a parent of this one; null: it is no child. */
export function parentOf(tables: Table[], place: number): number | null {
  if (tables[place].kind !== "child") return null;
  const found = tables.slice(0, place).findLastIndex(({ kind }) => kind !== "partitioned");
  return found < 0 ? null : found;
}

/** What a child declares by itself: its own key column would be its parent's under another type. */
export function ownColumns(tables: Table[], place: number): Column[] {
  const parent = parentOf(tables, place);
  if (parent === null) return tables[place].columns;
  const taken = new Set(columnsOf(tables, parent).map(({ name }) => name));
  return tables[place].columns.slice(1).filter(({ name }) => !taken.has(name));
}
