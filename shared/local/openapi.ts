/** `npm run openapi`: writes the OpenAPI document; with --check it only says whether it is up to date. */
import { openApiDocument } from "../contract/openapi.ts";

const FILE = new URL("../contract/openapi.json", import.meta.url);

const wanted = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
if (Deno.args.includes("--check")) {
  const present = await Deno.readTextFile(FILE).catch(() => "");
  if (present !== wanted) {
    console.error("shared/contract/openapi.json is not what the contract says: npm run openapi");
    Deno.exit(1);
  }
} else {
  await Deno.writeTextFile(FILE, wanted);
  console.log(`Wrote ${FILE.pathname}`);
}
