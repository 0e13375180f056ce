/** Where a value comes from: an import, a call, a type that it is declared with. */
import { keyOf, methodCall, type Module, type NodePath, propertyOf, unwrapped } from "./module.ts";

export type Origin =
  /** `name` is `default` or `*` where the import has no name. */
  | { is: "import"; from: string; name: string }
  | { is: "call"; callee: Origin; path: NodePath }
  | { is: "member"; object: Origin; property: string }
  | { is: "type"; type: TypeOrigin }
  | { is: "global"; name: string }
  /** A variable that is assigned more than once, and not always the same kind of client. */
  | { is: "several" }
  | { is: "other" };

/** A type by its name, with the module that it is imported from; null if it is declared here or global. */
export interface TypeOrigin {
  from: string | null;
  name: string;
  arguments: NodePath[];
}

const OTHER: Origin = { is: "other" };
const MAX_STEPS = 12;

/** Follows an expression to where its value comes from. */
export function originOf(path: NodePath, module: Module, steps = MAX_STEPS): Origin {
  if (steps === 0) return OTHER;
  const value = unwrapped(path);
  const follow = (next: NodePath) => originOf(next, module, steps - 1);
  const typed = assertedType(path, module, steps);
  if (typed !== null) return { is: "type", type: typed };
  if (value.isIdentifier()) return originOfName(value, module, steps);
  if (value.isCallExpression() || value.isOptionalCallExpression() || value.isNewExpression()) {
    const callee = value.get("callee") as NodePath;
    return { is: "call", callee: follow(callee), path: value };
  }
  const property = propertyOf(value);
  if (property !== null) {
    const object = value.get("object") as NodePath;
    if (object.isThisExpression()) return originOfField(value, property, module, steps);
    return { is: "member", object: follow(object), property };
  }
  // `a ?? b`, `a || b`: both are of one kind, as a rule.
  if (value.isLogicalExpression()) return follow(value.get("left") as NodePath);
  return OTHER;
}

function originOfName(
  path: NodePath & { node: { name: string } },
  module: Module,
  steps: number,
): Origin {
  const { name } = path.node;
  const binding = path.scope.getBinding(name);
  if (binding === undefined) return { is: "global", name };
  const declared = binding.path;
  const imported = importOf(declared);
  if (imported !== null) return { is: "import", ...imported };
  const target = declared.isVariableDeclarator() ? declared.get("id") as NodePath : declared;
  const type = declaredType(target, name, module, steps);
  if (type !== null) return { is: "type", type };
  if (binding.kind === "param") return originOfParameter(declared, module, steps);
  // Assigned more than once: only its type says what it is.
  if (!binding.constant) {
    const assigned = [declared, ...binding.constantViolations];
    return assigned.some((one) => /\.schema\s*\(/.test(module.textAt(one)))
      ? { is: "several" }
      : OTHER;
  }
  if (!declared.isVariableDeclarator()) return OTHER;
  const init = declared.get("init") as NodePath;
  if (init.node == null) return OTHER;
  const origin = originOf(init, module, steps - 1);
  if (target.isIdentifier()) return origin;
  const property = destructured(target, name);
  return property === null ? OTHER : { is: "member", object: origin, property };
}

/** A callback is given what the object has that calls it: `sql.begin((tx) => …)`. */
function originOfParameter(path: NodePath, module: Module, steps: number): Origin {
  const owner = path.listKey === "params" ? path.parentPath : null;
  const call = owner?.listKey === "arguments" ? owner.parentPath : null;
  const method = call == null ? null : methodCall(call);
  if (method === null || !path.isIdentifier()) return OTHER;
  return { is: "member", object: originOf(method.on, module, steps - 1), property: "callback" };
}

export function importOf(path: NodePath): { from: string; name: string } | null {
  const declaration = path.parentPath;
  if (!declaration?.isImportDeclaration()) return null;
  const from = declaration.node.source.value;
  if (path.isImportDefaultSpecifier()) return { from, name: "default" };
  if (path.isImportNamespaceSpecifier()) return { from, name: "*" };
  if (!path.isImportSpecifier()) return null;
  const { imported } = path.node;
  return { from, name: imported.type === "Identifier" ? imported.name : imported.value };
}

/** The property that `{ property: name }` takes; null if it is none of the first level. */
function destructured(pattern: NodePath, name: string): string | null {
  if (!pattern.isObjectPattern()) return null;
  for (const member of pattern.node.properties) {
    if (member.type !== "ObjectProperty") continue;
    const value = member.value.type === "AssignmentPattern" ? member.value.left : member.value;
    if (value.type === "Identifier" && value.name === name) return keyOf(member);
  }
  return null;
}

/** The type that a variable, a parameter or one of its properties is declared with. */
function declaredType(
  target: NodePath,
  name: string,
  module: Module,
  steps: number,
): TypeOrigin | null {
  const inner = target.isAssignmentPattern() ? target.get("left") as NodePath : target;
  const annotation = inner.get("typeAnnotation") as NodePath;
  if (annotation?.isTSTypeAnnotation?.() !== true) return null;
  const type = annotation.get("typeAnnotation") as NodePath;
  if (inner.isIdentifier()) return typeOriginOf(type, module, steps);
  const property = destructured(inner, name);
  const declared = property === null ? null : memberType(type, property, module);
  return declared && typeOriginOf(declared, module, steps);
}

/** `value as Type` */
function assertedType(path: NodePath, module: Module, steps: number): TypeOrigin | null {
  if (!path.isTSAsExpression() && !path.isTSTypeAssertion()) return null;
  return typeOriginOf(path.get("typeAnnotation") as NodePath, module, steps);
}

/** The type of a property, in a type that is written here. */
function memberType(type: NodePath, property: string, module: Module): NodePath | null {
  const literal = type.isTSTypeReference() && type.node.typeName.type === "Identifier"
    ? module.typeNamed(type.node.typeName.name)
    : type;
  if (literal === null) return null;
  const members = literal.isTSInterfaceDeclaration()
    ? literal.get("body").get("body")
    : literal.isTSTypeAliasDeclaration()
    ? (literal.get("typeAnnotation") as NodePath).get("members")
    : literal.get("members");
  for (const member of [members].flat() as NodePath[]) {
    if (member?.isTSPropertySignature?.() && keyOf(member.node) === property) {
      return (member.get("typeAnnotation") as NodePath).get("typeAnnotation") as NodePath;
    }
  }
  return null;
}

/** The type by its name; a local alias of another type is followed. */
export function typeOriginOf(type: NodePath, module: Module, steps = MAX_STEPS): TypeOrigin | null {
  if (steps === 0) return null;
  if (type.isTSUnionType()) {
    // `Client | null`
    return type.get("types").map((one) => typeOriginOf(one, module, steps - 1))
      .find((one) => one !== null) ?? null;
  }
  if (!type.isTSTypeReference()) return null;
  const { typeName } = type.node;
  const parameters = type.get("typeParameters") as NodePath;
  const params = parameters?.node == null ? [] : parameters.get("params") as NodePath[];
  if (typeName.type === "TSQualifiedName") {
    const left = typeName.left.type === "Identifier" ? typeName.left.name : "";
    const binding = type.scope.getBinding(left);
    const imported = binding && importOf(binding.path);
    return { from: imported?.from ?? null, name: typeName.right.name, arguments: params };
  }
  if (typeName.type !== "Identifier") return null;
  const { name } = typeName;
  const binding = type.scope.getBinding(name);
  const imported = binding && importOf(binding.path);
  if (imported) return { ...imported, arguments: params };
  const alias = module.typeNamed(name);
  const aliased = alias?.isTSTypeAliasDeclaration()
    ? typeOriginOf(alias.get("typeAnnotation") as NodePath, module, steps - 1)
    : null;
  return aliased ?? { from: null, name, arguments: params };
}

/** `this.field`: by its declaration in the class, or what the class assigns to it. */
function originOfField(
  path: NodePath,
  field: string,
  module: Module,
  steps: number,
): Origin {
  const owner = path.findParent((one) => one.isClass());
  if (owner === null) return { is: "member", object: OTHER, property: field };
  for (const member of (owner.get("body") as NodePath).get("body") as NodePath[]) {
    if (member.isClassProperty() && keyOf(member.node) === field) {
      const type = declaredTypeOf(member, module, steps);
      if (type !== null) return { is: "type", type };
      const value = member.get("value") as NodePath;
      if (value.node != null) return originOf(value, module, steps - 1);
    }
    if (!member.isClassMethod({ kind: "constructor" })) continue;
    for (const parameter of member.get("params")) {
      if (!parameter.isTSParameterProperty()) continue;
      const inner = parameter.get("parameter") as NodePath;
      const name = inner.isAssignmentPattern() ? inner.get("left") as NodePath : inner;
      if (!name.isIdentifier() || name.node.name !== field) continue;
      const type = declaredTypeOf(name, module, steps);
      if (type !== null) return { is: "type", type };
    }
    for (const statement of (member.get("body") as NodePath).get("body") as NodePath[]) {
      const assignment = statement.isExpressionStatement()
        ? statement.get("expression") as NodePath
        : null;
      if (!assignment?.isAssignmentExpression()) continue;
      const left = assignment.get("left") as NodePath;
      const assigned = propertyOf(left) === field && (left.get("object") as NodePath)
        .isThisExpression();
      if (assigned) return originOf(assignment.get("right") as NodePath, module, steps - 1);
    }
  }
  return { is: "member", object: OTHER, property: field };
}

function declaredTypeOf(path: NodePath, module: Module, steps: number): TypeOrigin | null {
  const annotation = path.get("typeAnnotation") as NodePath;
  return annotation?.node?.type === "TSTypeAnnotation"
    ? typeOriginOf(annotation.get("typeAnnotation") as NodePath, module, steps)
    : null;
}

/** Whether an import names a file of the application, and no package. */
export const isLocalImport = (from: string): boolean =>
  /^(?:\.|\/|~|#|@\/|\$lib\b|src\/|app\/|lib\/)/.test(from);

/** The package of an import, without `npm:`, `jsr:`, the address of a server that has it, and its version. */
export function packageOf(from: string): string {
  const plain = from.replace(/^(?:npm:|jsr:)\/?|^https?:\/\/[^/]+\/(?:x\/|v\d+\/)?/, "");
  const [first, second] = plain.split("/");
  const name = first.startsWith("@") ? `${first}/${second ?? ""}` : first;
  return name.replace(/(?!^)@.*$/, "");
}
