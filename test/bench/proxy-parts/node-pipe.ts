import { Agent, createServer, request } from "node:http";

/** The peer where HAProxy is missing: the usual few lines of node:http with a keep-alive agent. */

const upstreamPort = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true, maxFreeSockets: 256 });
const server = createServer((incoming, outgoing) => {
  const { method, url, headers } = incoming;
  const forwarded = request(
    { host: "127.0.0.1", port: upstreamPort, method, path: url, headers, agent },
    (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(outgoing);
    },
  );
  forwarded.on("error", () => outgoing.destroy());
  incoming.pipe(forwarded);
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${JSON.stringify({ port: typeof address === "object" ? address?.port : 0 })}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
