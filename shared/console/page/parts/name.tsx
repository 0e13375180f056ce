import { visible } from "../../../report/document/text.ts";
import { shownName, shownPart } from "./shown_name.ts";

/**
 * The name of a table or another object, as it is: what cannot be seen is written out, and it does not change the
 * direction of the text around it.
 *
 * @param schema Shown before the name of a table, unless it is "public". Default: none.
 */
export const Name = ({ schema, name }: { schema?: string; name: string }) => (
  <bdi className="name">{schema === undefined ? visible(name) : shownName(schema, name)}</bdi>
);

/** Old and new name of a rename. */
export const Renaming = (
  { schema = "public", old_name, new_name }: {
    schema?: string;
    old_name: string;
    new_name: string;
  },
) => (
  <span className="renaming">
    <Name schema={schema} name={old_name} />
    <span aria-hidden="true">→</span>
    <span className="visually-hidden">becomes</span>
    <bdi className="name">{shownPart(new_name)}</bdi>
  </span>
);
