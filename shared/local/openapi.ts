/**
 * `npm run openapi`: writes the OpenAPI document and the page of codes; with --check it only checks that they
 * are up to date.
 */
import { openApiDocument } from "../contract/openapi/openapi.ts";
import { contractReference } from "../contract/openapi/reference.ts";

const FOLDER = new URL("../contract/", import.meta.url);

const wanted = {
  "openapi.json": `${JSON.stringify(openApiDocument(), null, 2)}\n`,
  "README.md": contractReference(),
};
for (const [name, text] of Object.entries(wanted)) {
  const file = new URL(name, FOLDER);
  if (!Deno.args.includes("--check")) {
    await Deno.writeTextFile(file, text);
    console.log(`Wrote ${file.pathname}`);
  } else if (await Deno.readTextFile(file).catch(() => "") !== text) {
    console.error(`shared/contract/${name} is out of date: npm run openapi`);
    Deno.exitCode = 1;
  }
}
