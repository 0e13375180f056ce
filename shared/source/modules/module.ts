/** A module of JavaScript or TypeScript, parsed, with what its names are bound to. */
import type { parse } from "@babel/parser";
import type { Binding, NodePath, TraverseOptions } from "@babel/traverse";
import { PlacedText } from "./placed_text.ts";

type Traverse = (parent: ReturnType<typeof parse>, options: TraverseOptions) => void;

export type { Binding, NodePath };

export interface Parser {
  /** Parses a module; null if it is not JavaScript or TypeScript. Never throws. */
  parse(source: string, options: { jsx: boolean }): Module | null;
}

/** Loads the parser, which takes some 0.4 s, so that only commands which need it do. */
export async function loadParser(): Promise<Parser> {
  const { parse } = await import("@babel/parser");
  const loaded = await import("@babel/traverse");
  // A CommonJS module, whose default export is in the default export that Node and Deno make.
  const exported: unknown = loaded.default;
  const traverse = [exported, (exported as { default?: unknown }).default]
    .find((one) => typeof one === "function") as Traverse;
  return {
    parse(source, { jsx }) {
      try {
        const file = parse(source, {
          sourceType: "unambiguous",
          errorRecovery: true,
          allowReturnOutsideFunction: true,
          allowAwaitOutsideFunction: true,
          plugins: ["typescript", "decorators", ...(jsx ? ["jsx" as const] : [])],
        });
        const paths: NodePath[] = [];
        traverse(file, { enter: (path) => void paths.push(path) });
        return new Module(source, paths, file.errors?.length ?? 0);
      } catch {
        return null;
      }
    },
  };
}

export class Module {
  /** Type aliases and interfaces by name, wherever they are declared. */
  readonly types: Map<string, NodePath[]>;
  private readonly enums: Map<string, NodePath[]>;

  constructor(
    readonly source: string,
    /** All nodes, outer before inner. */
    readonly paths: NodePath[],
    /** How many errors the parser went on after. */
    readonly errors: number,
  ) {
    const declared = (path: NodePath) =>
      path.isTSTypeAliasDeclaration() || path.isTSInterfaceDeclaration()
        ? [[path.node.id.name, path] as const]
        : [];
    const enums = paths.flatMap((path) =>
      path.isTSEnumDeclaration() ? [[path.node.id.name, path as NodePath] as const] : []
    );
    this.types = grouped(paths.flatMap(declared));
    this.enums = grouped(enums);
  }

  /** The one declaration of this type in the module; null if there is none, or several. */
  typeNamed(name: string): NodePath | null {
    const [declaration, another] = this.types.get(name) ?? [];
    return another === undefined ? declaration ?? null : null;
  }

  textAt({ node: { start, end } }: NodePath): string {
    return this.source.slice(start ?? 0, end ?? 0);
  }

  enumNamed(name: string): NodePath | null {
    const [declaration, another] = this.enums.get(name) ?? [];
    return another === undefined ? declaration ?? null : null;
  }

  /**
   * The text of a string, a template or a concatenation, with places; null for everything else.
   *
   * @param placeholder What stands for an expression in it.
   */
  textOf(path: NodePath, placeholder: string): PlacedText | null {
    const { node } = path;
    const { start, end } = node;
    if (start == null || end == null) return null;
    if (path.isStringLiteral()) {
      const quote = this.source[start];
      if (quote !== '"' && quote !== "'") return null;
      const text = PlacedText.quoted(this.source, start + 1, end - 1, quote);
      // Entities in attributes of JSX.
      return text.text === path.node.value ? text : null;
    }
    if (path.isTemplateLiteral()) {
      const { quasis } = path.node;
      return PlacedText.joined(quasis.flatMap((quasi, i) => {
        const text = PlacedText.quoted(this.source, quasi.start!, quasi.end!, "`");
        const next = quasis[i + 1];
        if (next === undefined) return [text];
        // `${` and `}` belong to the expression.
        return [text, PlacedText.unknown(placeholder, quasi.end!, next.start!)];
      }));
    }
    if (path.isBinaryExpression() && path.node.operator === "+") {
      const parts = [path.get("left"), path.get("right")].map((side) =>
        this.textOf(unwrapped(side as NodePath), placeholder) ??
          PlacedText.unknown(placeholder, side.node.start!, side.node.end!)
      );
      return isText(path) ? PlacedText.joined(parts) : null;
    }
    return null;
  }
}

function grouped(entries: (readonly [string, NodePath])[]): Map<string, NodePath[]> {
  const groups = new Map<string, NodePath[]>();
  for (const [name, path] of entries) groups.set(name, [...groups.get(name) ?? [], path]);
  return groups;
}

/** Whether it is a string, a template, or a sum with one. */
export function isText(path: NodePath): boolean {
  if (path.isStringLiteral() || path.isTemplateLiteral()) return true;
  return path.isBinaryExpression() && path.node.operator === "+" &&
    [path.get("left"), path.get("right")].some((side) => isText(unwrapped(side as NodePath)));
}

/** The expression without parentheses, `as`, `satisfies`, `!` and `await` around it. */
export function unwrapped(path: NodePath): NodePath {
  let inner = path;
  for (;;) {
    const wraps = inner.isTSAsExpression() || inner.isTSSatisfiesExpression() ||
      inner.isTSNonNullExpression() || inner.isTSTypeAssertion() ||
      inner.isParenthesizedExpression() || inner.isAwaitExpression() ||
      inner.isTSInstantiationExpression();
    if (!wraps) return inner;
    inner =
      (inner.isAwaitExpression() ? inner.get("argument") : inner.get("expression")) as NodePath;
  }
}

/** The name of a property: `a.b`, `a["b"]`, `a?.b`; null if it is not known. */
export function propertyOf(path: NodePath): string | null {
  if (!path.isMemberExpression() && !path.isOptionalMemberExpression()) return null;
  const { property, computed } = path.node;
  if (!computed) return property.type === "Identifier" ? property.name : null;
  return property.type === "StringLiteral" ? property.value : null;
}

/** A call of a method: its name, and what it is called on; null for every other expression. */
export function methodCall(
  path: NodePath,
): { name: string; on: NodePath; args: NodePath[] } | null {
  if (!path.isCallExpression() && !path.isOptionalCallExpression()) return null;
  const callee = unwrapped(path.get("callee") as NodePath);
  const name = propertyOf(callee);
  if (name === null) return null;
  const on = unwrapped(callee.get("object") as NodePath);
  return { name, on, args: path.get("arguments") as NodePath[] };
}

/** The calls that go on from an expression: of `a.b().c()`, the call of `c` after that of `b`. */
export function callsAfter(path: NodePath): { name: string; path: NodePath; args: NodePath[] }[] {
  const calls = [];
  let inner = path;
  for (;;) {
    let outer = inner.parentPath;
    while (outer !== null && outer.node.type !== "AwaitExpression" && unwrapsTo(outer, inner)) {
      inner = outer;
      outer = outer.parentPath;
    }
    const name = outer === null || outer.get("object") === undefined ? null : propertyOf(outer);
    const call = outer?.parentPath;
    if (name === null || call == null || outer!.node === inner.node) return calls;
    if ((outer!.get("object") as NodePath).node !== inner.node) return calls;
    const called = methodCall(call);
    if (called === null || (call.get("callee") as NodePath).node !== outer!.node) return calls;
    calls.push({ name, path: call, args: called.args });
    inner = call;
  }
}

const unwrapsTo = (outer: NodePath, inner: NodePath) =>
  (outer.isTSAsExpression() || outer.isTSNonNullExpression() || outer.isTSSatisfiesExpression() ||
    outer.isParenthesizedExpression()) && outer.node.expression === inner.node;

/** The value of a property of an object in the source; null if there is none. */
export function memberOf(path: NodePath, name: string): NodePath | null {
  const object = unwrapped(path);
  if (!object.isObjectExpression()) return null;
  for (const member of object.get("properties")) {
    if (member.isObjectProperty() && keyOf(member.node) === name) {
      return unwrapped(member.get("value") as NodePath);
    }
  }
  return null;
}

/** The key of a property, if it is written as a name or a string. */
export function keyOf(
  { key, computed }: { key: { type: string; name?: unknown; value?: unknown }; computed?: boolean },
): string | null {
  if (key.type === "StringLiteral") return String(key.value);
  return key.type === "Identifier" && !computed ? String(key.name) : null;
}

/** The string of an expression that is one; null for every other. */
export function stringOf(path: NodePath | null | undefined): string | null {
  if (path == null) return null;
  const inner = unwrapped(path);
  if (inner.isStringLiteral()) return inner.node.value;
  if (inner.isTemplateLiteral() && inner.node.quasis.length === 1) {
    return inner.node.quasis[0].value.cooked ?? null;
  }
  return constantOf(inner, stringOf);
}

/** What is said of the value of a constant; null if the expression is no constant. */
function constantOf<T>(path: NodePath, say: (value: NodePath) => T | null): T | null {
  if (!path.isIdentifier()) return null;
  const binding = path.scope.getBinding(path.node.name);
  if (!binding?.constant || !binding.path.isVariableDeclarator()) return null;
  const value = binding.path.get("init") as NodePath;
  return value.node == null || !binding.path.get("id").isIdentifier() ? null : say(value);
}
