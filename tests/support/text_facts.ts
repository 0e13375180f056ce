import type { TextFacts } from "../../shared/facts/facts.ts";

/** A routine that is plain in every respect but these. */
export const routineText = (more: Partial<TextFacts> = {}): TextFacts => ({
  kind: "routine",
  identity: "public.f()",
  schema: "public",
  language: "sql",
  text: "",
  search_path: null,
  owned: true,
  security_definer: false,
  parameters: [],
  record_parameters: false,
  trigger_of: [],
  calls: null,
  role: null,
  object_identity: null,
  ...more,
});
