/** SQL in modules: tagged templates, and strings that are given to clients of PostgreSQL. */
import { methodCall, type NodePath, propertyOf, stringOf, unwrapped } from "../modules/module.ts";
import type { ModuleUses } from "../modules/module_uses.ts";
import { isLocalImport, type Origin, originOf, packageOf } from "../modules/origin.ts";

/** Packages whose clients talk to PostgreSQL only. */
const CLIENTS = new Set(
  `postgres pg pg-promise @neondatabase/serverless @vercel/postgres slonik pg-pool @electric-sql/pglite
  @supabase/postgres-meta pgtyped @databases/pg postgres-pool deno-postgres @db/postgres`.split(
    /\s+/,
  ),
);

/** Tags of SQL, by the last name of the tag. */
const TAGS = /^(?:sql|SQL|\$queryRaw|\$executeRaw|queryRaw)$/;

/** Methods that are given a text of SQL. */
const METHODS = new Set(
  `query unsafe queryObject queryArray raw one oneOrNone many manyOrNone any none result multi execute exec
  $queryRawUnsafe $executeRawUnsafe`.split(/\s+/),
);

/** Databases that are no PostgreSQL. */
const OTHER_DATABASES =
  /^(?:mysql2?|sqlite3?|better-sqlite3|bun:sqlite|node:sqlite|@libsql\/|mssql|oracledb|@clickhouse\/|@planetscale\/)/;

/** Reads every tagged template and call of the module. */
export function readEmbeddedSql(uses: ModuleUses): void {
  for (const path of uses.module.paths) {
    if (path.isTaggedTemplateExpression()) readTagged(path, uses);
    else if (path.isCallExpression()) readCall(path, uses);
  }
}

function readTagged(path: NodePath, uses: ModuleUses): void {
  if (!path.isTaggedTemplateExpression()) return;
  const tag = unwrapped(path.get("tag"));
  const name = propertyOf(tag) ?? (tag.isIdentifier() ? tag.node.name : "");
  const origin = originOf(tag, uses.module);
  if (!TAGS.test(name) && !isClient(origin)) return;
  const doubt = isOtherDatabase(origin) ? "it may be SQL of another database" : null;
  const quasi = path.get("quasi");
  if (beginsStatement(textIn(quasi))) uses.addSql(quasi, "sql", doubt);
  // A fragment has no statement around it, which could say what a name is.
  else uses.addWords(quasi, "sql", "it is a part of a statement");
}

function readCall(path: NodePath, uses: ModuleUses): void {
  const method = methodCall(path);
  const [first] = method?.args ?? [];
  if (method === null || first === undefined || !METHODS.has(method.name)) return;
  const value = unwrapped(first);
  const text = value.isObjectExpression() ? propertyNamed(value, "text") : value;
  if (text === null) return;
  const origin = originOf(method.on, uses.module);
  const isKnown = isClient(origin);
  for (const { path: literal } of uses.literals.of(text)) {
    if (!beginsStatement(textIn(literal))) return;
  }
  const doubt = isKnown ? null : "it is not clear that this is a client of PostgreSQL";
  uses.addSql(text, "sql", doubt);
}

function propertyNamed(object: NodePath, name: string): NodePath | null {
  for (const member of [object.get("properties")].flat() as NodePath[]) {
    if (!member.isObjectProperty()) continue;
    const { key } = member.node;
    if (key.type === "Identifier" && key.name === name) return member.get("value") as NodePath;
  }
  return null;
}

/** A client, one of its connections or transactions: what comes out of such a package. */
function isClient(origin: Origin): boolean {
  switch (origin.is) {
    case "import":
      return CLIENTS.has(packageOf(origin.from)) || /\/postgres@|deno-postgres/.test(origin.from) ||
        (DIALECTS.has(packageOf(origin.from)) && /^(?:sql|default|Prisma)$/.test(origin.name)) ||
        // As a tag it is known by this name, too.
        (isLocalImport(origin.from) && TAGS.test(origin.name));
    case "type":
      return CLIENTS.has(packageOf(origin.type.from ?? "")) ||
        packageOf(origin.type.from ?? "") === "knex";
    case "call":
      return isClient(origin.callee);
    case "member":
      return isClient(origin.object);
    default:
      return false;
  }
}

/** Packages for several databases; with Supabase it is PostgreSQL. */
const DIALECTS = new Set(["kysely", "drizzle-orm", "knex", "@prisma/client"]);

function isOtherDatabase(origin: Origin): boolean {
  if (origin.is === "import") return OTHER_DATABASES.test(packageOf(origin.from));
  if (origin.is === "call") return isOtherDatabase(origin.callee);
  return origin.is === "member" && isOtherDatabase(origin.object);
}

/** The beginning of a text, as far as it is known. */
function textIn(path: NodePath): string {
  const whole = stringOf(path);
  if (whole !== null) return whole;
  if (path.isTemplateLiteral()) return path.node.quasis.map(({ value }) => value.raw).join("$1");
  return path.isBinaryExpression() ? textIn(unwrapped(path.get("left") as NodePath)) : "";
}

const BEGIN =
  /^(?:\s|--[^\n]*\n|\/\*(?:[^*]|\*(?!\/))*\*\/|\()*(?:select|with|insert\s+into|update|delete\s+from|merge\s+into|truncate|alter\s+table|create|drop|lock|copy|explain|grant|revoke|comment\s+on|refresh|values|table|vacuum|analyze)\b/i;

/** Whether a text is a statement of SQL, by its first words. */
export const beginsStatement = (text: string): boolean => BEGIN.test(text);
