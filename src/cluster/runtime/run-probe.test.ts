import { createServer } from "node:http";
import { createServer as createHttp2Server } from "node:http2";
import type { AddressInfo, Server } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { Container, Probe } from "#api";
import { systemClock } from "#kube";
import { type ProbeResult, runProbe } from "./run-probe.ts";

const servers: { close(): unknown }[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

function probe(handler: Probe, container: Partial<Container> = {}, timeoutMs = 2000): Promise<ProbeResult> {
  const target = {
    podIp: "127.0.0.1",
    container: { name: "app", ...container },
    process: { words: [], env: { PATH: process.env.PATH ?? "", GREETING: "hi" }, workingDirectory: "/" },
  };
  return runProbe(handler, target, { timeoutMs, clock: systemClock, signal: new AbortController().signal });
}

test("runProbe: HTTP succeeds from 200 to 399, with headers, and a named port", async () => {
  const seen: (string | undefined)[] = [];
  const port = await listen(
    createServer((request, response) => {
      seen.push(`${request.url} ${String(request.headers["x-probe"])}`);
      response.writeHead(Number(request.url?.slice(1))).end();
    }),
  );
  const ports = [{ name: "web", containerPort: port }];
  const get = (path: string): Probe => ({
    httpGet: { path, port: "web", httpHeaders: [{ name: "X-Probe", value: "yes" }] },
  });
  expect(await probe(get("/200"), { ports })).toEqual({ isSuccess: true, output: "" });
  expect(await probe(get("302"), { ports })).toMatchObject({ isSuccess: true });
  expect(await probe(get("/503"), { ports })).toEqual({
    isSuccess: false,
    output: "HTTP probe failed with statuscode: 503",
  });
  expect(seen).toEqual(["/200 yes", "/302 yes", "/503 yes"]);
  expect((await probe(get("/200"))).output).toBe('the container has no port named "web"');
});

test("runProbe: a server that does not answer, and one that is not there", async () => {
  const port = await listen(createServer(() => undefined));
  const silent = await probe({ httpGet: { port } }, {}, 50);
  expect(silent.output).toBe(`Get "http://127.0.0.1:${port}/": no answer within 50ms`);
  const gone = await probe({ tcpSocket: { port: 1 } });
  expect(gone).toMatchObject({ isSuccess: false });
  expect(gone.output).toContain("ECONNREFUSED");
});

test("runProbe: TCP", async () => {
  const port = await listen(createServer());
  expect(await probe({ tcpSocket: { port } })).toEqual({ isSuccess: true, output: "" });
});

test("runProbe: exec with the container's variables; its output is the reason of a failure", async () => {
  const sh = (script: string): Probe => ({ exec: { command: ["sh", "-c", script] } });
  expect(await probe(sh('test "$GREETING" = hi'))).toEqual({ isSuccess: true, output: "" });
  expect(await probe(sh("echo broken; exit 3"))).toEqual({ isSuccess: false, output: "broken\n" });
  expect((await probe({ exec: { command: ["no-such-program"] } })).output).toContain("ENOENT");
});

test("runProbe: exec that takes too long is ended with all it started", async () => {
  // Without the end of all of them, the pipe stays open for longer than a test may take.
  const result = await probe({ exec: { command: ["sh", "-c", "sleep 300 | sleep 300"] } }, {}, 100);
  expect(result.output).toContain("timed out after 100ms");
});

test("runProbe: exec does not wait for what it left in the background", async () => {
  expect(await probe({ exec: { command: ["sh", "-c", "sleep 300 & echo ok"] } }, {}, 15_000)).toMatchObject({
    isSuccess: true,
  });
});

test("runProbe: gRPC health", async () => {
  const server = createHttp2Server();
  server.on("stream", (stream) => {
    const chunks: Buffer[] = [];
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      const service = Buffer.concat(chunks).subarray(7).toString();
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(Buffer.from([0, 0, 0, 0, 2, 0x08, service === "up" ? 1 : 2]));
    });
  });
  const port = await listen(server as unknown as Server);
  expect(await probe({ grpc: { port, service: "up" } })).toEqual({ isSuccess: true, output: "" });
  expect(await probe({ grpc: { port, service: "no" } })).toMatchObject({ isSuccess: false });
});
