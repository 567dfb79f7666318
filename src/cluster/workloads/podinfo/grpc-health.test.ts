import { connect } from "node:http2";
import { expect, test } from "vitest";
import { startGrpcHealth } from "./grpc-health.ts";

/** Asks a method for a service; the answer's last byte and the gRPC status. */
function ask(port: number, path: string, service: string): Promise<{ last: number | undefined; status: string }> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://127.0.0.1:${port}`);
    session.on("error", reject);
    const stream = session.request({ ":method": "POST", ":path": path, "content-type": "application/grpc" });
    const chunks: Buffer[] = [];
    let status = "";
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("trailers", (trailers) => {
      status = String(trailers["grpc-status"]);
    });
    stream.on("close", () => {
      session.close();
      resolve({ last: Buffer.concat(chunks).at(-1), status });
    });
    const name = Buffer.from(service);
    const message = service === "" ? [] : [0x0a, name.length, ...name];
    stream.end(Buffer.from([0, 0, 0, 0, message.length, ...message]));
  });
}

test("startGrpcHealth: serving, not serving, unknown services and methods", async () => {
  let isHealthy = true;
  const server = await startGrpcHealth({ host: "127.0.0.1", port: 0, service: "podinfo", isHealthy: () => isHealthy });
  const path = "/grpc.health.v1.Health/Check";
  expect(await ask(server.port, path, "")).toEqual({ last: 1, status: "0" });
  expect(await ask(server.port, path, "podinfo")).toEqual({ last: 1, status: "0" });
  isHealthy = false;
  expect(await ask(server.port, path, "podinfo")).toEqual({ last: 2, status: "0" });
  expect(await ask(server.port, path, "other")).toEqual({ last: undefined, status: "5" });
  expect(await ask(server.port, "/x/Y", "")).toEqual({ last: undefined, status: "12" });
  await server.close();
});
