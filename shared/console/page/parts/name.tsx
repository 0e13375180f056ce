import { visible } from "../../../report/text.ts";

/**
 * The name of a table or another object, as it is: what cannot be seen is written out, and it does not change the
 * direction of the text around it.
 *
 * @param schema Shown before the name. Default, and for "public": none.
 */
export const Name = ({ schema, name }: { schema?: string; name: string }) => (
  <bdi className="name">
    {schema !== undefined && schema !== "public" && `${visible(schema)}.`}
    {visible(name)}
  </bdi>
);

/** Old and new name of a rename. */
export const Renaming = (
  { schema, old_name, new_name }: { schema?: string; old_name: string; new_name: string },
) => (
  <span className="renaming">
    <Name schema={schema} name={old_name} />
    <span aria-hidden="true">→</span>
    <span className="visually-hidden">becomes</span>
    <Name name={new_name} />
  </span>
);
