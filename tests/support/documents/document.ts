/** The OpenAPI document, and whether answers are what it says. */
import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openApiDocument } from "../../../shared/contract/openapi/openapi.ts";

/** As it is written to openapi.json. */
// deno-lint-ignore no-explicit-any -- a JSON document, walked by path
export const document: any = JSON.parse(JSON.stringify(openApiDocument()));

const ajv = new Ajv2020({ strict: false, allErrors: true });
// The package is CommonJS: its function is what a default import has as `default`, or is.
const formats = addFormats as unknown as { default?: (ajv: Ajv2020) => void };
(formats.default ?? (addFormats as unknown as (ajv: Ajv2020) => void))(ajv);
ajv.addSchema(document, "document");

/** Why a value does not fit the schema at this place of the document; empty where it does. */
export function misfits(pointer: string, value: unknown): string[] {
  const validate = ajv.getSchema(`document#${pointer}`);
  if (validate === undefined) throw new Error(`the document has nothing at ${pointer}`);
  return validate(value)
    ? []
    : validate.errors!.map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** The place of a schema by its name. */
export const schemaPointer = (name: string) => `/components/schemas/${name}`;

/** The place of what an endpoint answers with this status, as JSON. */
export function answerPointer(path: string, method: string, status: number, type: string): string {
  const escaped = (part: string) => part.replaceAll("~", "~0").replaceAll("/", "~1");
  const content = `/paths/${escaped(path)}/${method.toLowerCase()}/responses/${status}/content`;
  return encodeURI(`${content}/${escaped(type)}/schema`);
}
