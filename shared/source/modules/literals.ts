/**
 * From a place that takes the name of a table back to the strings that it can get: constants, members of constant
 * objects and enums, elements of arrays, arguments of local functions, unions of literal types; also those of other
 * files. A string may be changed if everything that its constants are used for takes the name of a table.
 */
import {
  type Binding,
  isText,
  keyOf,
  type Module,
  type NodePath,
  propertyOf,
  unwrapped,
} from "./module.ts";
import { calls, functionBinding, isCalledHere, iteratedBy, parameterOf } from "./parameters.ts";

/** A string with what must hold so that it may be changed: each check says why it may not, or null. */
interface TracedText {
  path: NodePath;
  /** The module that it is in. */
  module: Module;
  checks: Check[];
}

export type Check = () => string | null;

/** What an imported name is in its module; an enum is bound to no name there. */
export type Target =
  & { literals: Literals }
  & (
    | { is: "bound"; binding: Binding }
    | { is: "enum"; name: string }
    | { is: "default"; value: NodePath }
  );

/** What the modules of an application have from each other. */
export interface Imports {
  /**
   * What an imported name is; null if it is not followed.
   *
   * @param member Of a namespace, the name of its member.
   */
  target(module: Module, binding: Binding, member?: string): Target | null;
  /**
   * Why something that a module exports may be used for something else; null if every other module is known to use it
   * as it should.
   *
   * @param name Its name in the module; null for the value of `export default`.
   */
  otherUse(
    module: Module,
    name: string | null,
    isKnown: (reference: NodePath) => boolean,
  ): string | null;
}

/** Of a module that is read alone. */
const NO_IMPORTS: Imports = {
  target: () => null,
  otherUse: (_, name) => `${name ?? "it"} is exported, and may be used for something else`,
};

const MAX_STEPS = 10;

export class Literals {
  /** Uses of constants, parameters and types that are known to be names of tables. */
  private explained = new Set<unknown>();
  private imports = NO_IMPORTS;

  constructor(private readonly module: Module) {}

  /**
   * Follows what the module has from others, and what others have from it.
   *
   * @param explained One set for all modules.
   */
  follow(imports: Imports, explained: Set<unknown>): void {
    this.imports = imports;
    this.explained = explained;
  }

  private readonly isExplained = (reference: NodePath): boolean =>
    this.explained.has(reference.node);

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
    if (isText(value)) return void found.push({ path: value, module: this.module, checks });
    if (value.isConditionalExpression()) {
      follow(value.get("consequent"));
      follow(value.get("alternate"));
    } else if (value.isLogicalExpression()) {
      follow(value.get("left") as NodePath);
      follow(value.get("right"));
    } else if (value.isIdentifier()) {
      this.explained.add(value.node);
      const binding = value.scope.getBinding(value.node.name);
      if (binding === undefined) return;
      const target = this.imports.target(this.module, binding);
      if (target === null) this.traceBinding(binding, checks, found, steps);
      else target.literals.traceTarget(target, checks, found, steps - 1);
    } else this.traceMember(value, checks, found, steps);
  }

  /** What another module imports of this one. */
  private traceTarget(target: Target, checks: Check[], found: TracedText[], steps: number): void {
    if (target.is === "bound") this.traceBinding(target.binding, checks, found, steps);
    else if (target.is === "default") {
      this.trace(target.value, [...checks, this.isOnlyNameElsewhere(null)], found, steps);
    }
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
      const others = binding.referencePaths.filter((path) => !this.isExplained(path));
      if (others.some((path) => !isExport(path))) return `${name} is used for something else, too`;
      return others.length === 0 ? null : this.isOnlyNameElsewhere(name)();
    };
  }

  private isOnlyNameElsewhere(name: string | null): Check {
    return () => this.imports.otherUse(this.module, name, this.isExplained);
  }

  /** `TABLES.experts`, where TABLES is an object or an enum, or a namespace that is imported. */
  private traceMember(value: NodePath, checks: Check[], found: TracedText[], steps: number): void {
    const property = propertyOf(value);
    const object = property === null ? null : unwrapped(value.get("object") as NodePath);
    if (property === null || object === null) return;
    const inner = object.isIdentifier() ? object : this.namespaceOf(object);
    if (inner === null) return;
    this.explained.add(value.node);
    const { name } = inner.node;
    const binding = inner.scope.getBinding(name);
    const imported = (member?: string) =>
      binding === undefined ? null : this.imports.target(this.module, binding, member);
    const own = inner === object ? imported(property) : null;
    if (own !== null) return own.literals.traceTarget(own, checks, found, steps - 1);
    const target = inner === object ? imported() : imported(propertyOf(object)!);
    if (target?.is === "default" || (target === null && inner !== object)) return;
    const owner = target?.literals ?? this;
    const [named, bound] = target === null
      ? [name, binding]
      : target.is === "enum"
      ? [target.name]
      : [target.binding.identifier.name, target.binding];
    owner.traceMemberOf(named, bound, property, checks, found, steps - 1);
  }

  /** The namespace of `namespace.TABLES`. */
  private namespaceOf(path: NodePath): NodePath & { node: { name: string } } | null {
    if (propertyOf(path) === null) return null;
    const object = unwrapped(path.get("object") as NodePath);
    return object.isIdentifier() ? object : null;
  }

  /** A member of what the module has bound to a name: an object or an enum. */
  private traceMemberOf(
    name: string,
    binding: Binding | undefined,
    property: string,
    checks: Check[],
    found: TracedText[],
    steps: number,
  ): void {
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
    const isKnown = ({ parentPath }: NodePath) => {
      if (parentPath === null || parentPath.isTSTypeQuery()) return true;
      const member = propertyOf(parentPath);
      return member !== null && (member !== property || this.isExplained(parentPath));
    };
    return () => {
      const uses = this.module.paths.filter((path) =>
        path.isIdentifier() && path.node.name === name && !path.findParent((one) =>
          one === declaration
        ) && path.key !== "property" && path.key !== "key"
      );
      const isExported = declaration.findParent((one) => one.isExportDeclaration()) !== null ||
        uses.some(isExport);
      if (uses.some((path) => !isExport(path) && !isKnown(path))) {
        return `${name}.${property} is used for something else, too`;
      }
      return isExported ? this.imports.otherUse(this.module, name, isKnown) : null;
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
      if (binding === undefined || steps === 0) return;
      this.explained.add(list.node);
      const target = this.imports.target(this.module, binding);
      if (target === null) this.traceElementsOf(binding, checks, found, steps - 1);
      else if (target.is === "bound") {
        target.literals.traceElementsOf(target.binding, checks, found, steps - 1);
      }
    }
  }

  private traceElementsOf(
    binding: Binding,
    checks: Check[],
    found: TracedText[],
    steps: number,
  ): void {
    if (!binding.constant || !binding.path.isVariableDeclarator()) return;
    const init = binding.path.get("init") as NodePath;
    if (init.node == null) return;
    this.traceElements(init, [...checks, this.isOnlyName(binding)], found, steps);
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
      if (isText(literal)) found.push({ path: literal, module: this.module, checks });
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

/** Whether a reference only exports what it names. */
const isExport = (reference: NodePath): boolean =>
  reference.isExportDeclaration() || reference.parentPath?.isExportSpecifier() === true ||
  reference.parentPath?.isExportDefaultDeclaration() === true;
