/** Generated types by the name of a table: `Tables<"old">`, `Database["public"]["Tables"]["old"]`. */
import { keyOf, type NodePath, stringOf } from "../modules/module.ts";
import type { ModuleUses } from "../modules/module_uses.ts";
import { importOf, isLocalImport } from "../modules/origin.ts";

/** Helpers of the file that `supabase gen types` writes, whose first argument is a table. */
const HELPERS = new Set(["Tables", "TablesInsert", "TablesUpdate"]);

const PARTS = new Set(["Tables", "Views"]);

/** Reads every type of the module. */
export function readDatabaseTypes(uses: ModuleUses): void {
  for (const path of uses.module.paths) {
    if (path.isTSTypeReference()) readHelper(path, uses);
    else if (path.isTSIndexedAccessType()) readAccess(path, uses);
  }
}

/** `Tables<"old">`, `Tables<{ schema: "shop" }, "old">` */
function readHelper(path: NodePath, uses: ModuleUses): void {
  if (!path.isTSTypeReference() || path.node.typeName.type !== "Identifier") return;
  const { name } = path.node.typeName;
  const binding = path.scope.getBinding(name);
  const imported = binding && importOf(binding.path);
  if (!HELPERS.has(imported?.name ?? name)) return;
  const parameters = path.get("typeParameters") as NodePath;
  if (parameters?.node == null) return;
  const [first, second] = parameters.get("params") as NodePath[];
  const isOther = imported != null && !isLocalImport(imported.from) &&
    !/supabase|database|types|^@/.test(imported.from);
  const doubt = isOther ? `${name} comes from ${imported.from}` : null;
  if (first.isTSTypeLiteral()) {
    if (second === undefined) return;
    uses.addNameType(second, { kind: "type", schema: schemaIn(first), doubt });
  } else uses.addNameType(first, { kind: "type", schema: "public", doubt });
}

/** `{ schema: "shop" }` */
function schemaIn(path: NodePath): string | null {
  for (const member of [path.get("members")].flat() as NodePath[]) {
    if (!member.isTSPropertySignature() || keyOf(member.node) !== "schema") continue;
    const annotation = member.get("typeAnnotation") as NodePath;
    return annotation.node == null
      ? null
      : literalType(annotation.get("typeAnnotation") as NodePath);
  }
  return null;
}

function literalType(path: NodePath): string | null {
  return path.isTSLiteralType() ? stringOf(path.get("literal") as NodePath) : null;
}

/** `Database["public"]["Tables"]["old"]`, also where a part of it has a name of its own. */
function readAccess(path: NodePath, uses: ModuleUses): void {
  if (!path.isTSIndexedAccessType()) return;
  const object = path.get("objectType") as NodePath;
  const keys = keysOf(object, uses, MAX_STEPS);
  if (keys === null || !PARTS.has(keys.at(-1) ?? "")) return;
  const schema = keys.at(-2) ?? null;
  // After a rename the compatibility view is there; the table is among the tables.
  const doubt = keys.at(-1) === "Views" ? "it is the view; the table is in Tables" : null;
  uses.addNameType(path.get("indexType") as NodePath, { kind: "type", schema, doubt });
}

const MAX_STEPS = 8;

/** The keys by which a type is taken out of another; null if one is not known. */
function keysOf(path: NodePath, uses: ModuleUses, steps: number): string[] | null {
  if (steps === 0) return null;
  if (path.isTSIndexedAccessType()) {
    const before = keysOf(path.get("objectType") as NodePath, uses, steps - 1);
    const key = literalType(path.get("indexType") as NodePath);
    return before === null || key === null ? null : [...before, key];
  }
  if (path.isTSParenthesizedType()) return keysOf(path.get("typeAnnotation"), uses, steps - 1);
  if (!path.isTSTypeReference() || path.node.typeName.type !== "Identifier") return null;
  const alias = uses.module.typeNamed(path.node.typeName.name);
  if (!alias?.isTSTypeAliasDeclaration()) return [];
  const type = alias.get("typeAnnotation") as NodePath;
  return type.isTSIndexedAccessType() ? keysOf(type, uses, steps - 1) : [];
}
