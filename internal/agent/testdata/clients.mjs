// Clients of the official JavaScript SDKs, for TestJavaScriptClients. Arguments: the folder of the packages, the address
// of the HTTP server, the program of the stdio server. Each client prints one line of JSON.
import { createRequire } from "node:module";

const [tools, url, program] = process.argv.slice(2);
const load = createRequire(`${tools}/package.json`);

const v1 = {
  Client: load("@modelcontextprotocol/sdk/client/index.js").Client,
  Stdio: load("@modelcontextprotocol/sdk/client/stdio.js").StdioClientTransport,
  Http: load("@modelcontextprotocol/sdk/client/streamableHttp.js").StreamableHTTPClientTransport,
};
const newer = load("@modelcontextprotocol/client");
const v2 = {
  Client: newer.Client,
  Stdio: load("@modelcontextprotocol/client/stdio").StdioClientTransport,
  Http: newer.StreamableHTTPClientTransport,
};

const kinds = [
  ["sdk 1", v1, {}],
  ["2026-07-28", v2, { versionNegotiation: { mode: { pin: "2026-07-28" } } }],
  ["auto", v2, { versionNegotiation: { mode: "auto" } }],
  ...["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"].map((v) => [v, v2, { supportedProtocolVersions: [v] }]),
];

async function use(name, sdk, options, over) {
  const transport =
    over === "stdio"
      ? new sdk.Stdio({ command: program, args: [], env: { ...process.env, AGENT_STDIO: "1" }, stderr: "inherit" })
      : new sdk.Http(new URL(url));
  const client = new sdk.Client({ name: "conformance", version: "1" }, options);
  await client.connect(transport);
  const tools = (await client.listTools()).tools.map((t) => t.name);
  // The client checks structured content against the output schema.
  const status = await client.callTool({ name: "status", arguments: {} });
  const update = await client.callTool({ name: "wait_for_update", arguments: { since: 3 } });
  const failed = await client.callTool({ name: "snapshot", arguments: { page: "c9" } });
  const own = await client.callTool({ name: "cart_clear", arguments: { why: "test" } });
  const quit = new AbortController();
  const slow = (
    sdk === v1
      ? client.callTool({ name: "logs", arguments: { wait: 60000 } }, undefined, { signal: quit.signal })
      : client.callTool({ name: "logs", arguments: { wait: 60000 } }, { signal: quit.signal })
  ).then(
    () => "answered",
    () => "ended",
  );
  // The server's errors say whether the slow call has begun.
  for (;;) {
    const { content } = await client.callTool({ name: "errors", arguments: {} });
    if (content[0].text.includes("a slow call waits")) break;
  }
  quit.abort();
  const ended = await slow;
  // Over HTTP, older revisions give up a call by closing the connection, see the Go test.
  while (over === "stdio" || client.getNegotiatedProtocolVersion?.() === "2026-07-28") {
    const { content } = await client.callTool({ name: "errors", arguments: {} });
    if (content[0].text.includes("no slow call")) break;
  }
  const version = client.getNegotiatedProtocolVersion?.() ?? "";
  const instructions = (client.getInstructions() ?? "").length > 0;
  await client.close();
  return {
    over,
    name,
    version,
    instructions,
    tools,
    status: status.structuredContent?.cursor,
    update: update.content[0].text.split("\n")[0],
    failed: failed.isError === true && failed.content[0].text,
    own: own.content[0].text,
    ended,
  };
}

(async () => {
  for (const over of ["stdio", "http"]) {
    for (const [name, sdk, options] of kinds) {
      try {
        console.log(JSON.stringify(await use(name, sdk, options, over)));
      } catch (error) {
        console.log(JSON.stringify({ over, name, error: String(error) }));
      }
    }
  }
  process.exit(0);
})();
