/**
 * The modules of an application, and what they import from each other, so that a constant with the name of a table is
 * followed from the file that uses it to the file that declares it, and everything else that is done with it is seen.
 */
import type { Imports, Target } from "./literals.ts";
import type { Binding, Module, NodePath } from "./module.ts";
import type { ModuleUses } from "./module_uses.ts";
import { propertyOf } from "./module.ts";
import { importOf, isLocalImport } from "./origin.ts";
import { type WantedNames, wordPattern } from "../uses.ts";

/** A module by its file. */
interface ProgramFile {
  path: string;
  /** What stands in a component beside its scripts. */
  markup: string;
  uses: ModuleUses;
}

/** The file that a module means by a specifier; null if it is none of those that are read. */
export type Resolve = (from: string, specifier: string) => string | null;

/** An import or export of a module that names another one. */
interface Link {
  from: ProgramFile;
  declaration: NodePath;
}

export class Program implements Imports {
  private readonly byPath: Map<string, ProgramFile>;
  private readonly byModule: Map<Module, ProgramFile>;
  /** What names a file, by the file. */
  private readonly links = new Map<string, Link[]>();
  /** Imports that look like a file of the application, and are none that was read. */
  private readonly unknown: Link[] = [];

  constructor(files: ProgramFile[], private readonly resolve: Resolve) {
    this.byPath = new Map(files.map((file) => [file.path, file]));
    this.byModule = new Map(files.map((file) => [file.uses.module, file]));
    for (const from of files) {
      for (const declaration of from.uses.module.paths) {
        const specifier = specifierOf(declaration);
        if (specifier === null) continue;
        const to = resolve(from.path, specifier);
        const link = { from, declaration };
        if (to !== null) this.links.set(to, [...this.links.get(to) ?? [], link]);
        else if (isLocalImport(specifier)) this.unknown.push(link);
      }
    }
  }

  target(module: Module, binding: Binding, member?: string): Target | null {
    const file = this.byModule.get(module);
    const imported = importOf(binding.path);
    if (file === undefined || imported === null) return null;
    if ((imported.name === "*") !== (member !== undefined)) return null;
    return this.exported(this.resolve(file.path, imported.from), member ?? imported.name, []);
  }

  /** What a file exports under a name. */
  private exported(path: string | null, name: string, seen: string[]): Target | null {
    const file = path === null ? undefined : this.byPath.get(path);
    if (file === undefined || seen.includes(file.path)) return null;
    const again = (source: string, next: string) =>
      this.exported(this.resolve(file.path, source), next, [...seen, file.path]);
    const { module, literals } = file.uses;
    for (const statement of module.paths) {
      if (statement.isExportDefaultDeclaration() && name === "default") {
        const value = statement.get("declaration") as NodePath;
        return value.isIdentifier()
          ? this.named(file, value, value.node.name)
          : { literals, is: "default", value };
      }
      if (statement.isExportAllDeclaration() && name !== "default") {
        const found = again(statement.node.source.value, name);
        if (found !== null) return found;
      }
      if (!statement.isExportNamedDeclaration()) continue;
      const { source } = statement.node;
      for (const specifier of statement.get("specifiers") as NodePath[]) {
        const names = namesOf(specifier);
        if (names?.exported !== name) continue;
        return source == null
          ? this.named(file, statement, names.local)
          : again(source.value, names.local);
      }
      const declared = statement.get("declaration") as NodePath;
      if (declares(declared, name)) {
        return this.named(file, statement, name);
      }
    }
    return null;
  }

  /** What a module has by this name. */
  private named({ uses }: ProgramFile, at: NodePath, name: string): Target | null {
    const { module, literals } = uses;
    const binding = at.scope.getBinding(name);
    if (binding === undefined) {
      return module.enumNamed(name) === null ? null : { literals, is: "enum", name };
    }
    if (importOf(binding.path) !== null) return this.target(module, binding);
    return { literals, is: "bound", binding };
  }

  otherUse(
    module: Module,
    local: string | null,
    isKnown: (reference: NodePath) => boolean,
  ): string | null {
    const file = this.byModule.get(module);
    const name = local ?? "default";
    if (file === undefined) return `${name} is exported, and may be used for something else`;
    const names = local === null ? ["default"] : exportedAs(module, local);
    const users = { count: 0 };
    for (const one of names) {
      const reason = this.otherUseOf(file, one, isKnown, users, []);
      if (reason !== null) return reason;
    }
    return users.count === 0 ? `${name} is exported, and no file that was read imports it` : null;
  }

  private otherUseOf(
    file: ProgramFile,
    name: string,
    isKnown: (reference: NodePath) => boolean,
    users: { count: number },
    seen: string[],
  ): string | null {
    const key = JSON.stringify([file.path, name]);
    if (seen.includes(key)) return null;
    const unclear = this.unknown.find(({ declaration }) => mayImport(declaration, name));
    if (unclear !== undefined) {
      return `${name} is exported, and ${unclear.from.path} has an import that may be of it`;
    }
    const goOn = (next: ProgramFile, exported: string) =>
      this.otherUseOf(next, exported, isKnown, users, [...seen, key]);
    for (const { from, declaration } of this.links.get(file.path) ?? []) {
      const other = `${name} is used for something else in ${from.path}, too`;
      if (declaration.isExportAllDeclaration()) {
        const reason = name === "default" ? null : goOn(from, name);
        if (reason !== null) return reason;
        continue;
      }
      if (declaration.isCallExpression() || declaration.isTSExternalModuleReference()) {
        return `${name} is exported, and ${from.path} imports it as it runs`;
      }
      for (const specifier of declaration.get("specifiers") as NodePath[]) {
        const names = namesOf(specifier);
        if (specifier.isExportNamespaceSpecifier()) return other;
        if (declaration.isExportNamedDeclaration()) {
          const reason = names?.local === name ? goOn(from, names.exported) : null;
          if (reason !== null) return reason;
          continue;
        }
        const imported = importOf(specifier);
        const local = (specifier.node as { local?: { name: string } }).local?.name ?? "";
        if (imported === null || (imported.name !== name && imported.name !== "*")) continue;
        const binding = specifier.scope.getBinding(local);
        const found = referencesTo(binding, imported.name === "*" ? name : null);
        if (found === null || wordPattern(local).test(from.markup)) return other;
        for (const reference of found) {
          users.count++;
          const again = reexported(reference);
          const reason = again === null ? null : goOn(from, again);
          if (reason !== null) return reason;
          if (again === null && !isKnown(reference)) return other;
        }
      }
    }
    return null;
  }
}

/** The specifier of what imports another module, or exports from it. */
function specifierOf(path: NodePath): string | null {
  if (
    path.isImportDeclaration() || path.isExportAllDeclaration() || path.isExportNamedDeclaration()
  ) return path.node.source?.value ?? null;
  if (path.isTSExternalModuleReference()) return path.node.expression.value;
  if (!path.isCallExpression()) return null;
  const { callee, arguments: [first] } = path.node;
  const imports = callee.type === "Import" ||
    (callee.type === "Identifier" && callee.name === "require");
  return imports && first?.type === "StringLiteral" ? first.value : null;
}

/** The names of `a as b` in an export; null for everything else. */
function namesOf(specifier: NodePath): { local: string; exported: string } | null {
  if (!specifier.isExportSpecifier()) return null;
  const { local, exported } = specifier.node;
  return {
    local: local.name,
    exported: exported.type === "Identifier" ? exported.name : exported.value,
  };
}

/** Whether an import of a file that is not known can be of this name. */
function mayImport(declaration: NodePath, name: string): boolean {
  if (!declaration.isImportDeclaration() && !declaration.isExportNamedDeclaration()) return true;
  return (declaration.get("specifiers") as NodePath[]).some((specifier) => {
    const imported = importOf(specifier)?.name ?? namesOf(specifier)?.local;
    return imported === name || imported === "*" || imported === undefined;
  });
}

const declares = (path: NodePath, name: string): boolean =>
  path.node != null &&
  (path.isTSEnumDeclaration() ? path.node.id.name === name : name in path.getBindingIdentifiers());

/** The names under which a module exports what it has bound to a name. */
function exportedAs(module: Module, name: string): string[] {
  return module.paths.flatMap((path) => {
    if (path.isExportDefaultDeclaration()) {
      const { declaration } = path.node;
      return declaration.type === "Identifier" && declaration.name === name ? ["default"] : [];
    }
    if (!path.isExportNamedDeclaration() || path.node.source != null) return [];
    const declared = path.get("declaration") as NodePath;
    if (declared.node != null) return declares(declared, name) ? [name] : [];
    return (path.get("specifiers") as NodePath[]).map(namesOf)
      .flatMap((names) => names?.local === name ? [names.exported] : []);
  });
}

/** The name under which a reference is exported again; null if it is used otherwise. */
function reexported(reference: NodePath): string | null {
  const parent = reference.parentPath;
  if (parent?.isExportDefaultDeclaration()) return "default";
  return parent === null ? null : namesOf(parent)?.exported ?? null;
}

/**
 * The references to an import; of a namespace those to one of its members.
 *
 * @returns Null if the namespace is used as a whole.
 */
function referencesTo(binding: Binding | undefined, member: string | null): NodePath[] | null {
  if (binding === undefined) return null;
  if (member === null) return binding.referencePaths;
  const found: NodePath[] = [];
  for (const reference of binding.referencePaths) {
    const property = reference.parentPath === null || reference.key !== "object"
      ? null
      : propertyOf(reference.parentPath);
    if (property === null) return null;
    if (property === member) found.push(reference.parentPath!);
  }
  return found;
}

const SPECIFIER = /(?:\bfrom\s*|\bimport\s*\(?\s*|\brequire\s*\(\s*)["'`]([^"'`\n]+)["'`]/g;

/**
 * The files among `rest` that have to be read, too, since they import a constant of the modules with one of the names
 * in it, or may do so.
 */
export function importersOf<File extends { path: string; text: string }>(
  modules: { path: string; module: Module }[],
  rest: File[],
  wanted: WantedNames,
  resolve: Resolve,
): File[] {
  const constants = modules.map(({ path, module }) => ({
    path,
    names: exportedConstants(module, wanted),
  })).filter(({ names }) => names.length > 0);
  if (constants.length === 0) return [];
  const words = constants.flatMap(({ names }) => names).map((name) => wordPattern(name, "u"));
  const reached = new Set(constants.map(({ path }) => path));
  const all = rest.map((file) => ({
    file,
    to: [...file.text.matchAll(SPECIFIER)].map(([, specifier]) => ({
      path: resolve(file.path, specifier),
      specifier,
    })),
  }));
  const found = new Set<File>();
  for (let size = -1; size !== reached.size;) {
    size = reached.size;
    for (const { file, to } of all) {
      const imports = to.some(({ path, specifier }) =>
        path === null
          ? isLocalImport(specifier) && words.some((word) => word.test(file.text))
          : reached.has(path)
      );
      if (!imports) continue;
      found.add(file);
      // What it exports may be what it imports.
      if (/\bexport\b/.test(file.text)) reached.add(file.path);
    }
  }
  return [...found];
}

/** The names by which a module exports constants with one of the names in them. */
function exportedConstants(module: Module, wanted: WantedNames): string[] {
  const isConstant = (path: NodePath | undefined): boolean => {
    if (path?.node == null) return false;
    const value = path.isVariableDeclarator() ? path.get("init") as NodePath : path;
    return !value.isFunction() && !value.isClass() && wanted.mayBeIn(module.textAt(path));
  };
  const bound = (path: NodePath, name: string) =>
    isConstant(path.scope.getBinding(name)?.path ?? module.enumNamed(name) ?? undefined);
  return module.paths.flatMap((path) => {
    if (path.isExportDefaultDeclaration()) {
      const value = path.get("declaration") as NodePath;
      const found = value.isIdentifier() ? bound(value, value.node.name) : isConstant(value);
      return found ? ["default"] : [];
    }
    if (!path.isExportNamedDeclaration() || path.node.source != null) return [];
    const declared = path.get("declaration") as NodePath;
    if (declared.isVariableDeclaration()) {
      return declared.get("declarations").flatMap((one) =>
        one.node.id.type === "Identifier" && isConstant(one) ? [one.node.id.name] : []
      );
    }
    if (declared.isTSEnumDeclaration()) return isConstant(declared) ? [declared.node.id.name] : [];
    return (path.get("specifiers") as NodePath[]).map(namesOf)
      .flatMap((names) => names !== null && bound(path, names.local) ? [names.exported] : []);
  });
}
