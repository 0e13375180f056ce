/** Tables in drizzle, kysely, knex, TypeORM and MikroORM. */
import {
  callsAfter,
  keyOf,
  memberOf,
  methodCall,
  type NodePath,
  stringOf,
  unwrapped,
} from "../modules/module.ts";
import type { ModuleUses, TextEdit } from "../modules/module_uses.ts";
import { type Origin, originOf, packageOf, typeOriginOf } from "../modules/origin.ts";

/** Reads every call and decorator of the module. */
export function readQueryBuilders(uses: ModuleUses): void {
  for (const path of uses.module.paths) {
    if (path.isCallExpression()) readCall(path, uses);
  }
}

function readCall(path: NodePath, uses: ModuleUses): void {
  if (!path.isCallExpression()) return;
  const callee = path.get("callee") as NodePath;
  const args = path.get("arguments") as NodePath[];
  if (path.parentPath.isDecorator()) return readDecorator(callee, args, uses);
  const method = methodCall(path);
  if (method === null) return readFunction(path, callee, args, uses);
  if (method.name === "table") readSchemaTable(method.on, args, uses);
  const builder = builderOf(method.on, uses);
  if (builder === null) return;
  const methods = builder === "kysely" ? KYSELY : KNEX;
  if (!methods.has(method.name) || args[0] === undefined) return;
  if (builder === "knex" && isSchemaBuilder(method.on)) return;
  readTable(path, args[0], method.on, uses);
}

/** `pgTable("old", …)`, `knex("old")` */
function readFunction(path: NodePath, callee: NodePath, args: NodePath[], uses: ModuleUses): void {
  const [table] = args;
  if (table === undefined) return;
  const origin = originOf(callee, uses.module);
  if (isFrom(origin, "drizzle-orm") && origin.is === "import" && DRIZZLE.has(origin.name)) {
    return uses.addName(table, { kind: "definition", schema: "public", doubt: null });
  }
  if (builderOf(callee, uses) === "knex") readTable(path, table, callee, uses);
}

/** Relations of drizzle; views have names of their own. */
const DRIZZLE = new Set(["pgTable", "pgView", "pgMaterializedView"]);

/** `pgSchema("shop").table("old", …)` */
function readSchemaTable(on: NodePath, args: NodePath[], uses: ModuleUses): void {
  const origin = originOf(on, uses.module);
  if (origin.is !== "call" || !isFrom(origin.callee, "drizzle-orm")) return;
  if (origin.callee.is !== "import" || origin.callee.name !== "pgSchema") return;
  const [schema] = origin.path.get("arguments") as NodePath[];
  if (args[0] === undefined) return;
  uses.addName(args[0], { kind: "definition", schema: stringOf(schema), doubt: null });
}

const isFrom = (origin: Origin, name: string): boolean =>
  origin.is === "import" && packageOf(origin.from) === name;

/** `@Entity("old")`, `@Entity({ name: "old", schema: "shop" })`, `@JoinTable({ name: "old" })` */
function readDecorator(callee: NodePath, args: NodePath[], uses: ModuleUses): void {
  const origin = originOf(callee, uses.module);
  if (origin.is !== "import" || args.length === 0) return;
  const isMikro = packageOf(origin.from).startsWith("@mikro-orm/");
  if (packageOf(origin.from) !== "typeorm" && !isMikro) return;
  if (!DECORATORS.has(origin.name)) return;
  const [first, second] = args.map((argument) => unwrapped(argument));
  const options = [first, second].find((one) => one?.isObjectExpression());
  const named = options && (memberOf(options, "tableName") ?? memberOf(options, "name"));
  const table = first.isObjectExpression() ? named : first;
  if (table == null) return;
  const schema = options === undefined ? null : memberOf(options, "schema");
  const name = schema === null ? "public" : stringOf(schema);
  uses.addName(table, { kind: "definition", schema: name, doubt: null });
}

const DECORATORS = new Set(["Entity", "ViewEntity", "JoinTable"]);

const KYSELY = new Set(
  `selectFrom insertInto updateTable deleteFrom replaceInto mergeInto innerJoin leftJoin rightJoin fullJoin crossJoin
  innerJoinLateral leftJoinLateral using from`.split(/\s+/),
);

const KNEX = new Set(
  `from table into join innerJoin leftJoin leftOuterJoin rightJoin rightOuterJoin fullOuterJoin crossJoin`
    .split(
      /\s+/,
    ),
);

/** `knex.schema.createTable(…)` and the like are migrations, which are history. */
function isSchemaBuilder(path: NodePath): boolean {
  const call = methodCall(path);
  if (call !== null) return isSchemaBuilder(call.on);
  return path.isMemberExpression() && path.node.property.type === "Identifier" &&
    path.node.property.name === "schema";
}

/** The library of the query that an expression is, or begins; null if it is none of the two. */
function builderOf(path: NodePath, uses: ModuleUses): "kysely" | "knex" | null {
  let root = unwrapped(path);
  for (let call = methodCall(root); call !== null; call = methodCall(root)) root = call.on;
  const origin = originOf(root, uses.module);
  return builderFrom(origin);
}

function builderFrom(origin: Origin): "kysely" | "knex" | null {
  switch (origin.is) {
    case "type":
      if (packageOf(origin.type.from ?? "") === "kysely") return "kysely";
      return packageOf(origin.type.from ?? "") === "knex" ? "knex" : null;
    case "import": {
      const name = packageOf(origin.from);
      return name === "kysely" ? "kysely" : name === "knex" ? "knex" : null;
    }
    case "call":
      // `knex({ … })`, `new Kysely({ … })`, and of a query in parts: `knex("table")`.
      return builderFrom(origin.callee);
    case "member":
      return origin.property === "schema" ? null : builderFrom(origin.object);
    default:
      return null;
  }
}

/** A table, or a list of them: `old`, `old as o`, `shop.old`; in knex also `{ o: "old" }`. */
function readTable(call: NodePath, path: NodePath, on: NodePath, uses: ModuleUses): void {
  const value = unwrapped(path);
  if (value.isArrayExpression()) {
    for (const one of value.get("elements")) readTable(call, one as NodePath, on, uses);
    return;
  }
  if (value.isObjectExpression()) {
    for (const member of value.get("properties")) {
      if (member.isObjectProperty()) {
        uses.addName(member.get("value") as NodePath, {
          ...{ kind: "query", schema: schemaOf(call), doubt: null },
        });
      }
    }
    return;
  }
  uses.addTexts(value, "query", (text) => {
    const match = TABLE.exec(text);
    if (match === null) return [];
    const [, before, schema, name, alias] = match;
    const start = before.length;
    const edits = uses.editsOfName(text, start, start + name.length, {
      ...{ kind: "query", schema: schema ?? schemaOf(call), doubt: null },
    });
    return alias !== undefined ? edits : edits.map((edit) => withColumns(edit, call, uses));
  });
}

const TABLE = /^(\s*(?:([\w$]+)\.)?)([\w$]+)(\s+(?:as\s+)?[\w$]+)?\s*$/i;

/** `.withSchema("shop")` anywhere in the query. */
function schemaOf(call: NodePath): string | null {
  const calls = [...callsBefore(call), ...callsAfter(call)];
  const schema = calls.find(({ name }) => name === "withSchema");
  return schema === undefined ? "public" : stringOf(schema.args[0]);
}

function callsBefore(path: NodePath): { name: string; args: NodePath[] }[] {
  const calls = [];
  for (let call = methodCall(path); call !== null; call = methodCall(call.on)) calls.push(call);
  return calls;
}

/**
 * Columns can be qualified with the table's name, as in `.where("old.id", …)`. They are changed with it, if all such
 * strings of the module are in queries that name the table themselves.
 */
function withColumns(edit: TextEdit, call: NodePath, uses: ModuleUses): TextEdit {
  const { from } = edit.renamed;
  const strings = uses.module.paths.filter((path) => path.isStringLiteral());
  const values = strings.map((path) => ({ path, value: stringOf(path)! }));
  const qualified = values.filter(({ value }) => value.startsWith(`${from}.`));
  if (edit.doubt !== null) return edit;
  const isWhole = ({ path, value }: { path: NodePath; value: string }) =>
    value === from && path.listKey === "arguments" &&
    methodCall(path.parentPath!)?.name === "selectAll";
  const doubt = `${from}.column is said in a way that is not understood`;
  const isAlias = ({ value }: { value: string }) => value.toLowerCase().endsWith(` as ${from}`);
  if (values.some(isWhole) || (qualified.length > 0 && values.some(isAlias))) {
    return { ...edit, doubt };
  }
  const isIn = (path: NodePath, query: NodePath) =>
    path.findParent((one) => one === query) !== null;
  const query = wholeQuery(call);
  for (const { path } of qualified) {
    const own = wholeQuery(path);
    const namesTable = values.some((other) => other.value === from && isIn(other.path, own));
    if (!namesTable || !isColumn(path)) return { ...edit, doubt };
  }
  for (const { path } of qualified.filter(({ path }) => isIn(path, query))) {
    uses.addTexts(path, "query", () => [{ ...edit, start: 0, end: from.length }]);
  }
  return edit;
}

/** Methods of which only the first argument is a column, and those of which all are. */
const FIRST =
  /^(?:\$?(?:and|or)?[wW]here(?!Ref|Column|Raw)|(?:and|or)?[hH]aving(?!Ref|Raw)|eb$|orderBy|set$)/;
const ALL =
  /^(?:select|columns?|distinct|distinctOn|first|pluck|returning|groupBy|ref|count|countDistinct|sum|avg|min|max|on|onRef|andOn|orOn|whereRef|whereColumn|\w*[jJ]oin)$/;

/** Whether a string stands where a query has a column. */
function isColumn(path: NodePath): boolean {
  const argument = path.parentPath?.isArrayExpression() ? path.parentPath : path;
  const call = argument.parentPath;
  const method = call === null || argument.listKey !== "arguments" ? null : methodCall(call);
  if (method === null) return false;
  return ALL.test(method.name) || (FIRST.test(method.name) && argument.key === 0);
}

/** The outermost call of a method around it in its statement. */
function wholeQuery(path: NodePath): NodePath {
  let outer = path;
  for (let one = path.parentPath; one !== null && !one.isStatement(); one = one.parentPath) {
    if (methodCall(one) !== null) outer = one;
  }
  return outer;
}

/** Keys of the type that a Kysely is made with, where it is declared in the module. */
export function readKyselyTypes(uses: ModuleUses): void {
  const { module } = uses;
  for (const path of module.paths) {
    const parameters = path.isTSTypeReference() || path.isNewExpression()
      ? path.get("typeParameters") as NodePath
      : null;
    if (parameters?.node == null) continue;
    const [schema] = parameters.get("params") as NodePath[];
    const isKysely = path.isTSTypeReference()
      ? isKyselyType(path, uses)
      : path.isNewExpression() && isFrom(originOf(path.get("callee"), module), "kysely");
    if (!isKysely || !schema?.isTSTypeReference()) continue;
    const { typeName } = schema.node;
    const declared = typeName.type === "Identifier" ? module.typeNamed(typeName.name) : null;
    if (declared !== null) readKeys(declared, uses);
  }
}

const isKyselyType = (path: NodePath, uses: ModuleUses) => {
  const type = typeOriginOf(path, uses.module);
  return type?.name === "Kysely" && packageOf(type.from ?? "") === "kysely";
};

function readKeys(declared: NodePath, uses: ModuleUses): void {
  const members = declared.isTSInterfaceDeclaration()
    ? declared.get("body").get("body")
    : (declared.get("typeAnnotation") as NodePath).get("members");
  for (const member of [members].flat() as NodePath[]) {
    if (!member?.isTSPropertySignature?.()) continue;
    const name = keyOf(member.node);
    const { key } = member.node;
    if (name === null || key.start == null || key.end == null) continue;
    const [schema, table] = name.includes(".") ? name.split(".") : ["public", name];
    const renamed = uses.wanted.inSchema(schema, table);
    if (renamed === undefined) continue;
    const to = name.includes(".") ? `${schema}.${renamed.to}` : renamed.to;
    const isPlain = /^[A-Za-z_$][\w$]*$/.test(to);
    const quote = key.type === "StringLiteral" ? uses.module.source[key.start] : isPlain ? "" : '"';
    const span = { offset: key.start, length: key.end - key.start };
    uses.addSpan(span, renamed, "definition", null, `${quote}${to}${quote}`);
    uses.isKnown(member.get("key") as NodePath);
  }
}
