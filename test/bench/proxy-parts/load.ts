import { connect } from "node:net";

/**
 * A load generator on raw sockets: each connection sends its next request when the last response is complete. It reads
 * commands `{port, connectionCount, durationMs}` from standard input, a line each, and answers with a line of results.
 */

interface Command {
  readonly port: number;
  readonly connectionCount: number;
  readonly durationMs: number;
}

interface Slice {
  readonly requestCount: number;
  readonly errorCount: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const REQUEST = "GET /work HTTP/1.1\r\nhost: bench.example.com\r\nuser-agent: bench\r\naccept: */*\r\n\r\n";

async function run({ port, connectionCount, durationMs }: Command): Promise<Slice> {
  const latenciesMs: number[] = [];
  let errorCount = 0;
  const startedMs = performance.now();
  const endMs = startedMs + durationMs;
  const connections = Array.from({ length: connectionCount }, () => drive(port, endMs, latenciesMs));
  for (const failed of await Promise.all(connections)) errorCount += failed;
  const seconds = (performance.now() - startedMs) / 1000;
  latenciesMs.sort((a, b) => a - b);
  const quantile = (q: number): number => latenciesMs[Math.floor(q * (latenciesMs.length - 1))] ?? 0;
  return { requestCount: latenciesMs.length, errorCount, seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) };
}

/** Resolves with the errors of one connection: at most one, because an error ends it. */
function drive(port: number, endMs: number, latenciesMs: number[]): Promise<number> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1", noDelay: true });
    let sentMs = 0;
    let expectedBytes = -1;
    let head = "";
    let isOver = false;
    const send = (): void => {
      sentMs = performance.now();
      socket.write(REQUEST, "latin1");
    };
    socket.on("connect", send);
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(isOver ? 0 : 1));
    socket.on("data", (data) => {
      let bodyBytes = data.length;
      if (expectedBytes < 0) {
        head += data.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return;
        const length = /\r\ncontent-length: (\d+)/i.exec(head);
        if (!head.startsWith("HTTP/1.1 200") || length === null) {
          socket.destroy();
          return;
        }
        bodyBytes = head.length - end - 4;
        expectedBytes = Number(length[1]);
        head = "";
      }
      expectedBytes -= bodyBytes;
      if (expectedBytes > 0) return;
      expectedBytes = -1;
      const nowMs = performance.now();
      latenciesMs.push(nowMs - sentMs);
      if (nowMs < endMs) send();
      else {
        isOver = true;
        socket.destroy();
      }
    });
  });
}

process.stdout.write(`${JSON.stringify({ ready: true })}\n`);
let pending = "";
let queue: Promise<void> = Promise.resolve();
process.stdin.setEncoding("utf8");
process.stdin.on("data", (text: string) => {
  const lines = (pending + text).split("\n");
  pending = lines.pop() ?? "";
  for (const line of lines) {
    const command = JSON.parse(line) as Command;
    queue = queue.then(async () => {
      process.stdout.write(`${JSON.stringify(await run(command))}\n`);
    });
  }
});
process.stdin.on("end", () => process.exit(0));
