/** The server of the functions and the page in Node.js. */
import { assertEquals } from "@std/assert";
import { build } from "esbuild";
import { run } from "../../support/programs/cli.ts";
import { ROOT_FOLDER } from "../../support/documents/module_graph.ts";

/** Sends requests that are none, as they are, then asks what a real one gets. */
const PROGRAM = `
import { connect } from "node:net";
import { once } from "node:events";
import { listen } from "./shared/local/functions/http_server.ts";
console.error = () => {};
const server = await listen({ hostname: "127.0.0.1", port: 0 }, () => new Response("here"));
for (const [line, host] of [["GET /", "127.0.0.1:99999"], ["GET /", "[a"], ["TRACE /", "localhost"]]) {
  const socket = connect(server.port, "127.0.0.1");
  socket.end(\`\${line} HTTP/1.1\\r\\nHost: \${host}\\r\\nConnection: close\\r\\n\\r\\n\`);
  socket.resume();
  await once(socket, "close");
}
console.log(await (await fetch(\`http://127.0.0.1:\${server.port}/\`)).text());
await server.close();
`;

Deno.test("in Node.js a request with an impossible host or method ends only its own connection", async () => {
  const { outputFiles: [{ text }] } = await build({
    stdin: { contents: PROGRAM, resolveDir: ROOT_FOLDER, loader: "ts" },
    bundle: true,
    write: false,
    platform: "node",
    format: "esm",
    external: ["srvx/node"],
  });
  const { code, stdout, stderr } = await run("node", ["--input-type=module", "-e", text], {
    env: {},
    cwd: ROOT_FOLDER,
  });
  assertEquals([code, stdout.trim()], [0, "here"], stderr);
});
