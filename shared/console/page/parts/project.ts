/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
/**
 * Which project this tab shows. Another one can be served at the same address later, while the tab is open or what it
 * keeps is there: then neither its calls nor what it keeps may go to the other.
 */
export const PROJECT: string =
  globalThis.document?.querySelector<HTMLMetaElement>("meta[name=project]")?.content ?? "";
