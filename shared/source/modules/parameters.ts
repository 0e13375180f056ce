/** Parameters of functions: what gives them their values. */
import { type Binding, methodCall, type NodePath } from "./module.ts";

const ITERATORS = new Set("map forEach flatMap filter some every find".split(" "));

/** The function and the place of a parameter; null if the path is not a whole parameter. */
export function parameterOf(path: NodePath): { owner: NodePath; index: number } | null {
  const parameter = path.listKey === "params" ? path : path.parentPath;
  if (parameter?.listKey !== "params" || parameter.parentPath === null) return null;
  return { owner: parameter.parentPath, index: Number(parameter.key) };
}

/** What `["a", "b"].map((x) => …)` goes through; null if the function is not given to such a method. */
export function iteratedBy(owner: NodePath, index: number): NodePath | null {
  const method = owner.key === 0 && owner.parentPath ? methodCall(owner.parentPath) : null;
  return method !== null && index === 0 && ITERATORS.has(method.name) ? method.on : null;
}

/** All calls of the parameter's function are in the module. */
export function isCalledHere(path: NodePath): () => string | null {
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
export function functionBinding(path: NodePath): Binding | null {
  if (path.isFunctionDeclaration()) {
    return path.node.id ? path.parentPath.scope.getBinding(path.node.id.name) ?? null : null;
  }
  const declarator = path.parentPath;
  if (!declarator?.isVariableDeclarator() || declarator.node.id.type !== "Identifier") return null;
  return declarator.scope.getBinding(declarator.node.id.name) ?? null;
}

/** The arguments of the call of what is referred to; null if it is not called. */
export function calls(reference: NodePath): NodePath[] | null {
  const call = reference.parentPath;
  if (reference.key !== "callee" || !call?.isCallExpression()) return null;
  return call.get("arguments") as NodePath[];
}
