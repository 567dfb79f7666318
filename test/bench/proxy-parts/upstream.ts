import { createServer } from "node:net";

/** The server behind both proxies: answers every request head on a connection with a fixed body, as cheaply as Node can. */

const bodyBytes = Number(process.argv[2] ?? 12);
const answer = Buffer.from(
  `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: ${bodyBytes}\r\n\r\n${"x".repeat(bodyBytes)}`,
);

const server = createServer({ noDelay: true }, (socket) => {
  let tail = "";
  socket.on("error", () => undefined);
  socket.on("data", (data) => {
    const parts = (tail + data.toString("latin1")).split("\r\n\r\n");
    tail = parts.pop() ?? "";
    for (let index = 0; index < parts.length; index++) socket.write(answer);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${JSON.stringify({ port: typeof address === "object" ? address?.port : 0 })}\n`);
});
process.stdin.on("end", () => process.exit(0)).resume();
