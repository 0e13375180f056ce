/** Calls of supabase-js: `from`, `schema`, `select` with embedded resources, and Realtime's `postgres_changes`. */
import {
  callsAfter,
  isText,
  memberOf,
  methodCall,
  type NodePath,
  propertyOf,
  stringOf,
  unwrapped,
} from "../modules/module.ts";
import type { ModuleUses, TextEdit } from "../modules/module_uses.ts";
import { type Origin, originOf, packageOf, type TypeOrigin } from "../modules/origin.ts";
import { type Embedded, embeddedIn, renamedResource, selectName } from "./select.ts";

/** What an expression is, as far as it matters: a client for a schema, or something that is none. */
interface Client {
  /** `yes`: it is one. `maybe`: nothing speaks against it. */
  is: "yes" | "maybe" | "no";
  /** Null: not known. */
  schema: string | null;
}

const NO_CLIENT: Client = { is: "no", schema: null };

/** Methods that only the answer of a client's `from("table")` has, all at once. */
const QUERIES = new Set(["select", "insert", "update", "upsert", "delete"]);

/** Methods of knex and its like, whose queries can begin the same way. */
const OF_OTHERS =
  /^(?:where\w*|(?:and|or)[A-Z]\w*|\w*[jJ]oin|groupBy\w*|having\w*|orderBy\w*|returning|first|into|del|transacting)$/;

/** Globals with a method `from` of their own. */
const OTHER_GLOBALS = new Set(
  `Array Buffer Object Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array
  BigInt64Array BigUint64Array Uint8ClampedArray Iterator Observable ReadableStream Temporal`.split(
    /\s+/,
  ),
);

/** Reads every call of the module. */
export function readSupabaseCalls(uses: ModuleUses): void {
  for (const path of uses.module.paths) {
    const call = methodCall(path);
    if (call === null) continue;
    if (call.name === "from") readFrom(path, call.on, call.args, uses);
    else if (call.name === "select") readSelect(path, call.on, call.args, uses);
    else if (call.name === "on") readRealtime(call.args, uses);
  }
}

function readFrom(path: NodePath, on: NodePath, args: NodePath[], uses: ModuleUses): void {
  const [table] = args;
  if (table === undefined || args.length > 1) return;
  const client = clientOf(on, uses);
  if (client.is === "no") return markOther(table, uses);
  const [next, ...more] = callsAfter(path);
  const queries = next !== undefined && QUERIES.has(next.name) && !isOfStorage(on, next) &&
    !more.some(({ name }) => OF_OTHERS.test(name));
  if (client.is === "maybe" && !queries) {
    const doubt = "it is not clear that this is a Supabase client";
    return uses.addName(table, { kind: "table", schema: client.schema, doubt });
  }
  markValues(path, uses);
  uses.addName(table, { kind: "table", schema: client.schema, doubt: null });
}

/** `bucket.from("pictures").update(path, file)`: storage has this method, too, with a path first. */
function isOfStorage(on: NodePath, next: { name: string; args: NodePath[] }): boolean {
  const name = on.isIdentifier() ? on.node.name : propertyOf(on) ?? "";
  if (/storage|bucket/i.test(name)) return true;
  const [first, second] = next.args.map(unwrapped);
  if (next.name !== "update" || first === undefined) return false;
  return isText(first) || (second !== undefined && memberOf(second, "count") === null);
}

/**
 * Rows, values and columns that the calls of a query are given are no tables: a filter names an embedded resource by
 * its key in the answer, which stays. What `select` is given is read by itself.
 */
function markValues(path: NodePath, uses: ModuleUses): void {
  for (const { name, args } of callsAfter(path)) {
    if (!ON_ROWS.test(name)) continue;
    for (const argument of args) {
      if (isText(argument)) uses.isKnown(argument);
      else argument.traverse({ StringLiteral: (literal) => uses.isKnown(literal) });
    }
  }
}

const ON_ROWS =
  /^(?:insert|update|upsert|delete|n?eq|[gl]te?|i?like|(?:i?like)(?:AllOf|AnyOf)|is|in|contains|containedBy|range\w*|overlaps|textSearch|match|not|or|filter|order|limit|range|single|maybeSingle)$/;

/** What storage and other libraries call `from` with is no table. */
function markOther(path: NodePath, uses: ModuleUses): void {
  const value = unwrapped(path);
  if (value.isStringLiteral()) uses.isKnown(value);
}

/** The client that a call is made on, with the schema that it was given. */
function clientOf(path: NodePath, uses: ModuleUses): Client {
  return clientFrom(originOf(unwrapped(path), uses.module), uses);
}

function clientFrom(origin: Origin, uses: ModuleUses): Client {
  const { usualSchema } = uses;
  switch (origin.is) {
    case "type":
      return clientOfType(origin.type, usualSchema);
    case "call":
      return clientOfCall(origin, uses);
    case "member":
      if (origin.property === "storage") return NO_CLIENT;
      return clientFrom(origin.object, uses).is === "no" &&
          isOfKnownPackage(origin.object)
        ? NO_CLIENT
        : { is: "maybe", schema: usualSchema };
    case "import":
      return isOtherPackage(origin.from) ? NO_CLIENT : { is: "maybe", schema: usualSchema };
    case "global":
      return OTHER_GLOBALS.has(origin.name) ? NO_CLIENT : { is: "maybe", schema: usualSchema };
    case "several":
      return { is: "maybe", schema: null };
    case "other":
      return { is: "maybe", schema: usualSchema };
  }
}

/** A package with query builders or streams of its own, whose `from` is read elsewhere or is something else. */
function isOtherPackage(from: string): boolean {
  return /^(?:rxjs|knex|kysely|drizzle-orm|node:|ix|@reactivex)/.test(packageOf(from));
}

const isSupabasePackage = (from: string) =>
  packageOf(from).startsWith("@supabase/") || packageOf(from) === "@nuxtjs/supabase";

/** Whether it comes from a package of which it is known what is a client: `knex({ … }).withSchema("shop")`. */
function isOfKnownPackage(origin: Origin): boolean {
  if (origin.is === "import") return isSupabasePackage(origin.from) || isOtherPackage(origin.from);
  if (origin.is === "call") return isOfKnownPackage(origin.callee);
  return origin.is === "member" && isOfKnownPackage(origin.object);
}

function clientOfType({ from, name, arguments: given }: TypeOrigin, usual: string | null): Client {
  if (from !== null && !isSupabasePackage(from)) return { is: "maybe", schema: usual };
  if (!/SupabaseClient$/.test(name)) return { is: "maybe", schema: usual };
  const [database, schema] = given;
  if (schema !== undefined) return { is: "yes", schema: schemaOfType(schema) };
  // By its types such a client is for public.
  return { is: "yes", schema: database === undefined ? usual : "public" };
}

/** The second argument of `SupabaseClient<Database, "shop">`. */
function schemaOfType(type: NodePath | undefined): string | null {
  if (!type?.isTSLiteralType()) return null;
  return stringOf(type.get("literal") as NodePath);
}

/** `createClient(url, key, options)` and its sisters. */
function clientOfCall(origin: Origin & { is: "call" }, uses: ModuleUses): Client {
  const { callee, path } = origin;
  const usual: Client = { is: "maybe", schema: uses.usualSchema };
  if (callee.is === "member" && callee.property === "schema") {
    const client = clientFrom(callee.object, uses);
    const schema = stringOf((path.get("arguments") as NodePath[])[0]);
    return client.is === "no" ? client : { is: client.is, schema };
  }
  if (callee.is === "global" && /^useSupabaseClient$/.test(callee.name)) {
    return { ...usual, is: "yes" };
  }
  if (callee.is !== "import") {
    const inner = callee.is === "member" ? clientFrom(callee, uses) : usual;
    return inner.is === "no" ? NO_CLIENT : usual;
  }
  if (isOtherPackage(callee.from)) return NO_CLIENT;
  if (!isSupabasePackage(callee.from)) return usual;
  if (!/client/i.test(callee.name) && callee.name !== "default") return NO_CLIENT;
  const args = path.get("arguments") as NodePath[];
  const parameters = path.get("typeParameters") as NodePath;
  const types = parameters?.node == null ? [] : parameters.get("params") as NodePath[];
  const options = args.map((argument) => optionsOf(argument));
  const database = options.map((one) => one && memberOf(one, "db")).find((one) => one != null);
  if (database != null) {
    const schema = memberOf(database, "schema");
    return { is: "yes", schema: schema === null ? null : stringOf(schema) };
  }
  if (types[1] !== undefined) return { is: "yes", schema: schemaOfType(types[1]) };
  // Options that are not written here can have a schema.
  const hidden = args.slice(1).some((argument) => {
    const value = unwrapped(argument);
    return value.isIdentifier() && optionsOf(argument) === null &&
      /option|config/i.test(value.node.name);
  });
  return { is: "yes", schema: hidden ? uses.usualSchema : "public" };
}

/** An object of options, or the constant that holds one; null for all else. */
function optionsOf(path: NodePath): NodePath | null {
  const value = unwrapped(path);
  if (value.isObjectExpression()) return value;
  if (!value.isIdentifier()) return null;
  const declared = value.scope.getBinding(value.node.name)?.path;
  const init = declared?.isVariableDeclarator() ? declared.get("init") as NodePath : null;
  return init?.node != null && unwrapped(init).isObjectExpression() ? unwrapped(init) : null;
}

/** `channel.on("postgres_changes", { event, schema, table: "old" }, callback)` */
function readRealtime([event, filter]: NodePath[], uses: ModuleUses): void {
  if (filter === undefined || stringOf(event) !== "postgres_changes") return;
  const options = optionsOf(filter);
  const table = options && memberOf(options, "table");
  if (table == null) return;
  const member = memberOf(options!, "schema");
  const schema = member === null ? null : stringOf(member);
  // All schemas: which one is meant is as unknown as without it.
  uses.addName(table, { kind: "realtime", schema: schema === "*" ? null : schema, doubt: null });
}

interface Query {
  client: Client;
  /** Strings with which the query's other calls name columns: `old.id`, or a whole resource. */
  filters: string[];
  /** Whether all calls of the query are in one expression. */
  isWhole: boolean;
}

function readSelect(path: NodePath, on: NodePath, args: NodePath[], uses: ModuleUses): void {
  const [columns] = args;
  if (columns === undefined) return;
  const query = queryOf(path, on, uses);
  if (query === null || query.client.is === "no") return;
  for (const part of partsOf(columns)) {
    uses.addTexts(part, "embedded", (text) => {
      const embedded = embeddedIn(text);
      // A text without parentheses names columns only.
      if (embedded === null) return text.includes("(") ? null : [];
      const edits = embedded.flatMap((one) => editsOf(one, query, uses));
      return embedded.length === 0 && query.client.is === "maybe" ? null : edits;
    });
  }
}

/** `["id", "old(*)"].join()`: each element is a part. */
function partsOf(path: NodePath): NodePath[] {
  const value = unwrapped(path);
  const call = methodCall(value);
  if (call?.name === "join" && call.on.isArrayExpression()) {
    return call.on.get("elements") as NodePath[];
  }
  return [value];
}

/** The query that a call of `select` belongs to; null if it cannot be one. */
function queryOf(path: NodePath, on: NodePath, uses: ModuleUses): Query | null {
  const before: { name: string; args: NodePath[] }[] = [];
  let root = on;
  for (;;) {
    const call = methodCall(root);
    if (call === null) {
      const started = startOf(root);
      return started === null
        ? { client: { is: "maybe", schema: uses.usualSchema }, filters: [], isWhole: false }
        : { ...startedQuery(started, uses), filters: [], isWhole: false };
    }
    before.push(call);
    if (call.name === "from" || call.name === "rpc") {
      const after = [...before, ...callsAfter(path)];
      const isWhole = path.findParent((one) =>
            one.isStatement()
          )?.isVariableDeclaration() !== true ||
        path.findParent((one) => one.isAwaitExpression()) !== null;
      const filters = after.flatMap(({ args }) => args).flatMap(filterNames);
      markValues(root, uses);
      return { ...startedQuery(root, uses), filters, isWhole };
    }
    root = call.on;
  }
}

/** The call of `from` or `rpc` that a variable's value begins with. */
function startOf(path: NodePath): NodePath | null {
  if (!path.isIdentifier()) return null;
  const declared = path.scope.getBinding(path.node.name)?.path;
  let root = declared?.isVariableDeclarator() ? declared.get("init") as NodePath : null;
  while (root?.node != null) {
    const call = methodCall(unwrapped(root));
    if (call === null) return null;
    if (call.name === "from" || call.name === "rpc") return unwrapped(root);
    root = call.on;
  }
  return null;
}

function startedQuery(start: NodePath, uses: ModuleUses): { client: Client } {
  const { name, on, args } = methodCall(start)!;
  const client = clientOf(on, uses);
  // `x.from("table").select(…)` and `x.rpc("function").select(…)`
  const isQuery = args.length > 0 && (stringOf(args[0]) !== null || name === "rpc" ||
    uses.literals.of(args[0]).length > 0);
  return { client: client.is === "maybe" && isQuery ? { ...client, is: "yes" } : client };
}

const filterNames = (path: NodePath): string[] => {
  const value = unwrapped(path);
  if (value.isObjectExpression()) {
    return ["referencedTable", "foreignTable"].flatMap((key) => {
      const named = memberOf(value, key);
      const name = named && stringOf(named);
      return name == null ? [] : [name];
    });
  }
  const text = stringOf(value);
  return text === null ? [] : [text];
};

function editsOf(embedded: Embedded, query: Query, uses: ModuleUses): TextEdit[] {
  const { client, filters, isWhole } = query;
  const { name, alias, hints, spread } = embedded;
  const clientDoubt = client.is === "yes" ? null : "it is not clear that this is a Supabase query";
  const edits = uses.renamedBy(name.value, client.schema).map(({ renamed, doubt }) => {
    const { start, end, text } = renamedResource(embedded, renamed.to);
    const isNamed = filters.some((filter) =>
      filter === name.value || filter.startsWith(`${name.value}.`) ||
      filter.includes(`,${name.value}.`) || filter.includes(`(${name.value}.`)
    );
    const spreadDoubt = !spread || alias !== null
      ? null
      : isNamed
      ? "a filter names it, and what is spread can have no alias"
      : isWhole
      ? null
      : "another part of the query may name it";
    return {
      ...{ renamed, start, end, replacement: text },
      doubt: clientDoubt ?? doubt ?? spreadDoubt,
    };
  });
  const fromHints = hints.flatMap((hint) =>
    uses.renamedBy(hint.value, client.schema).map(({ renamed }) => ({
      ...{ renamed, start: hint.start, end: hint.end, replacement: selectName(renamed.to) },
      doubt: "a hint can be a table, a column or a constraint",
    }))
  );
  return [...edits, ...fromHints];
}

const OTHER_SCHEMA = /\bdb\s*:\s*\{[^{}]*\bschema\s*(?::\s*["'`](?!public["'`])|:\s*[^"'`\s]|,|\})/;
const GIVEN_AWAY =
  /(?:\bexport\s+(?:const|let)\s+\w+\s*=|\breturn\b|=>|[:,(]|\bdefault\b)\s*(?:await\s+)?[\w.!?]+(?:\(\))?\.schema\(\s*["'`](?!public["'`])[^"'`]*["'`]\s*\)(?!\s*[.?!])/;

/**
 * Whether a module makes clients for a schema other than public, which others may use. Then a client that comes from
 * elsewhere may be one of them.
 */
export const makesOtherClients = (source: string): boolean =>
  OTHER_SCHEMA.test(source) || GIVEN_AWAY.test(source);
