/**
 * From a place that takes the name of a table back to the strings that it can get: constants, members of constant
 * objects and enums, elements of arrays, arguments of local functions, unions of literal types. A string may be changed
 * if everything that its constants are used for takes the name of a table.
 */
import {
  type Binding,
  isText,
  keyOf,
  methodCall,
  type Module,
  type NodePath,
  propertyOf,
  unwrapped,
} from "./module.ts";

/** A string with what must hold so that it may be changed: each check says why it may not, or null. */
export interface TracedText {
  path: NodePath;
  checks: Check[];
}

export type Check = () => string | null;

const MAX_STEPS = 10;

const ITERATORS = new Set("map forEach flatMap filter some every find".split(" "));

export class Literals {
  /** Uses of constants, parameters and types that are known to be names of tables. */
  private readonly explained = new Set<unknown>();

  constructor(private readonly module: Module) {}

  /** All strings that the expression can be. What is not known is left out. */
  of(path: NodePath): TracedText[] {
    const found: TracedText[] = [];
    this.trace(path, [], found, MAX_STEPS);
    return found;
  }

  /** The strings of a type: a literal, a union of literals, or the name of one. */
  ofType(path: NodePath): TracedText[] {
    const found: TracedText[] = [];
    this.traceType(path, [], found, MAX_STEPS);
    return found;
  }

  private trace(path: NodePath, checks: Check[], found: TracedText[], steps: number): void {
    if (steps === 0 || path.node == null) return;
    const value = unwrapped(path);
    const follow = (next: NodePath, more: Check[] = []) =>
      this.trace(next, [...checks, ...more], found, steps - 1);
    if (isText(value)) return void found.push({ path: value, checks });
    if (value.isConditionalExpression()) {
      follow(value.get("consequent"));
      follow(value.get("alternate"));
    } else if (value.isLogicalExpression()) {
      follow(value.get("left") as NodePath);
      follow(value.get("right"));
    } else if (value.isIdentifier()) {
      this.explained.add(value.node);
      const binding = value.scope.getBinding(value.node.name);
      if (binding !== undefined) this.traceBinding(binding, checks, found, steps);
    } else this.traceMember(value, checks, found, steps);
  }

  private traceBinding(
    binding: Binding,
    checks: Check[],
    found: TracedText[],
    steps: number,
  ): void {
    const { path } = binding;
    const more = [...checks, this.isOnlyName(binding)];
    if (binding.kind === "param") more.push(isCalledHere(path));
    const declared = path.isVariableDeclarator() ? path.get("id") as NodePath : path;
    const target = declared.isAssignmentPattern() ? declared.get("left") as NodePath : declared;
    if (!target.isIdentifier()) return;
    const annotation = target.get("typeAnnotation") as NodePath;
    if (annotation?.node?.type === "TSTypeAnnotation") {
      this.traceType(annotation.get("typeAnnotation") as NodePath, more, found, steps - 1);
    }
    if (declared.isAssignmentPattern()) {
      this.trace(declared.get("right") as NodePath, more, found, steps - 1);
    }
    if (path.isVariableDeclarator()) {
      const loop = path.parentPath?.parentPath;
      const init = path.get("init") as NodePath;
      if (init.node != null) this.trace(init, more, found, steps - 1);
      else if (loop?.isForOfStatement()) {
        this.traceElements(loop.get("right"), more, found, steps - 1);
      }
    } else if (binding.kind === "param") this.traceArguments(path, more, found, steps - 1);
  }

  /** The constant is nothing but the name of a table: it is not exported, and no other use of it is there. */
  private isOnlyName(binding: Binding): Check {
    const { name } = binding.identifier;
    return () => {
      if (!binding.constant) return `${name} is assigned more than once`;
      const other = binding.referencePaths.find((path) => !this.explained.has(path.node));
      if (other === undefined) return null;
      const exported = other.isExportDeclaration() || other.parentPath?.isExportSpecifier() ||
        other.parentPath?.isExportDefaultDeclaration();
      return exported
        ? `${name} is exported, and may be used for something else`
        : `${name} is used for something else, too`;
    };
  }

  /** `TABLES.experts`, where TABLES is an object or an enum of the module. */
  private traceMember(value: NodePath, checks: Check[], found: TracedText[], steps: number): void {
    const property = propertyOf(value);
    const object = property === null ? null : unwrapped(value.get("object") as NodePath);
    if (property === null || !object?.isIdentifier()) return;
    this.explained.add(value.node);
    const { name } = object.node;
    const binding = object.scope.getBinding(name);
    const enumeration = this.module.enumNamed(name);
    if (enumeration !== null) {
      const [member] = ([enumeration.get("members")].flat() as NodePath[]).filter((one) =>
        one.isTSEnumMember() && keyOf({ key: one.node.id }) === property
      );
      const value = member?.get("initializer") as NodePath | undefined;
      if (value?.node != null) {
        const check = this.isOnlyMember(name, property, enumeration);
        this.trace(value, [...checks, check], found, steps - 1);
      }
    } else if (binding?.constant && binding.path.isVariableDeclarator()) {
      const init = unwrapped(binding.path.get("init") as NodePath);
      if (!init.isObjectExpression()) return;
      for (const member of init.get("properties")) {
        if (!member.isObjectProperty() || keyOf(member.node) !== property) continue;
        const check = this.isOnlyMember(name, property, binding.path);
        this.trace(member.get("value") as NodePath, [...checks, check], found, steps - 1);
      }
    }
  }

  /** Every use of the object takes one of its members, and those of this member take the name of a table. */
  private isOnlyMember(name: string, property: string, declaration: NodePath): Check {
    return () => {
      const uses = this.module.paths.filter((path) =>
        path.isIdentifier() && path.node.name === name && !path.findParent((one) =>
          one === declaration
        ) && path.key !== "property" && path.key !== "key"
      );
      const isExported = declaration.findParent((one) => one.isExportDeclaration()) !== null ||
        uses.some(({ parentPath }) => parentPath?.isExportSpecifier());
      if (isExported) return `${name} is exported, and may be used for something else`;
      const isOther = uses.some(({ parentPath }) => {
        if (parentPath === null || parentPath.isTSTypeQuery()) return false;
        const member = propertyOf(parentPath);
        return member === null || (member === property && !this.explained.has(parentPath.node));
      });
      return isOther ? `${name}.${property} is used for something else, too` : null;
    };
  }

  private traceElements(
    path: NodePath,
    checks: Check[],
    found: TracedText[],
    steps: number,
  ): void {
    const list = unwrapped(path);
    if (list.isArrayExpression()) {
      for (const element of list.get("elements")) {
        this.trace(element as NodePath, checks, found, steps - 1);
      }
    } else if (list.isIdentifier()) {
      const binding = list.scope.getBinding(list.node.name);
      if (!binding?.constant || !binding.path.isVariableDeclarator()) return;
      this.explained.add(list.node);
      const init = binding.path.get("init") as NodePath;
      if (init.node == null) return;
      this.traceElements(init, [...checks, this.isOnlyName(binding)], found, steps - 1);
    }
  }

  /** What a parameter gets: of `["a", "b"].map((x) => …)`, and of all calls of a function of the module. */
  private traceArguments(
    path: NodePath,
    checks: Check[],
    found: TracedText[],
    steps: number,
  ): void {
    const parameter = parameterOf(path);
    if (parameter === null) return;
    const { owner, index } = parameter;
    const iterated = iteratedBy(owner, index);
    if (iterated !== null) return this.traceElements(iterated, checks, found, steps);
    const binding = functionBinding(owner);
    if (binding === null) return;
    for (const reference of binding.referencePaths) {
      const called = calls(reference);
      const argument = called?.[index];
      if (argument !== undefined) this.trace(argument, checks, found, steps);
    }
  }

  private traceType(path: NodePath, checks: Check[], found: TracedText[], steps: number): void {
    if (steps === 0 || path.node == null) return;
    if (path.isTSLiteralType()) {
      const literal = path.get("literal") as NodePath;
      if (isText(literal)) found.push({ path: literal, checks });
    } else if (path.isTSUnionType()) {
      for (const one of path.get("types")) this.traceType(one, checks, found, steps - 1);
    } else if (path.isTSParenthesizedType()) {
      this.traceType(path.get("typeAnnotation"), checks, found, steps - 1);
    } else if (path.isTSTypeReference() && path.node.typeName.type === "Identifier") {
      const { name } = path.node.typeName;
      const declaration = this.module.typeNamed(name);
      if (!declaration?.isTSTypeAliasDeclaration()) return;
      this.explained.add(path.node);
      const isOnly: Check = () => {
        if (declaration.parentPath?.isExportDeclaration()) {
          return `the type ${name} is exported, and may be used for something else`;
        }
        const other = this.module.paths.find((one) =>
          one.isTSTypeReference() && one.node.typeName.type === "Identifier" &&
          one.node.typeName.name === name && !this.explained.has(one.node)
        );
        return other === undefined ? null : `the type ${name} is used for something else, too`;
      };
      const type = declaration.get("typeAnnotation") as NodePath;
      this.traceType(type, [...checks, isOnly], found, steps - 1);
    }
  }
}

/** The function and the place of a parameter; null if the path is not a whole parameter. */
function parameterOf(path: NodePath): { owner: NodePath; index: number } | null {
  const parameter = path.listKey === "params" ? path : path.parentPath;
  if (parameter?.listKey !== "params" || parameter.parentPath === null) return null;
  return { owner: parameter.parentPath, index: Number(parameter.key) };
}

/** What `["a", "b"].map((x) => …)` goes through; null if the function is not given to such a method. */
function iteratedBy(owner: NodePath, index: number): NodePath | null {
  const method = owner.key === 0 && owner.parentPath ? methodCall(owner.parentPath) : null;
  return method !== null && index === 0 && ITERATORS.has(method.name) ? method.on : null;
}

/** All calls of the parameter's function are in the module. */
function isCalledHere(path: NodePath): Check {
  return () => {
    const parameter = parameterOf(path);
    if (parameter === null) return "what it is given is not known";
    if (iteratedBy(parameter.owner, parameter.index) !== null) return null;
    const binding = functionBinding(parameter.owner);
    const isKnown = binding?.constant &&
      binding.referencePaths.every((reference) => calls(reference) !== null);
    return isKnown ? null : "the function may be called from elsewhere";
  };
}

/** What a function is bound to: its own name, or the constant that holds it; null if neither. */
function functionBinding(path: NodePath): Binding | null {
  if (path.isFunctionDeclaration()) {
    return path.node.id ? path.parentPath.scope.getBinding(path.node.id.name) ?? null : null;
  }
  const declarator = path.parentPath;
  if (!declarator?.isVariableDeclarator() || declarator.node.id.type !== "Identifier") return null;
  return declarator.scope.getBinding(declarator.node.id.name) ?? null;
}

/** The arguments of the call of what is referred to; null if it is not called. */
function calls(reference: NodePath): NodePath[] | null {
  const call = reference.parentPath;
  if (reference.key !== "callee" || !call?.isCallExpression()) return null;
  return call.get("arguments") as NodePath[];
}
