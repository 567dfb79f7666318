import { createServer } from "node:net";
import { expect, test } from "vitest";
import { claimPorts, type WantedPort } from "./ports.ts";

const gateway: WantedPort = { address: "127.0.0.1", port: 0, purpose: "the ingress gateway", flag: "--gateway-port" };
const api: WantedPort = { address: "127.0.0.1", port: 0, purpose: "the API server", flag: "--api-port" };

test("claimPorts: picks distinct free ports and leaves them free", async () => {
  const wanted = Array.from({ length: 20 }, () => gateway);
  const ports = await claimPorts(wanted);
  expect(new Set(ports).size).toBe(20);
  expect(ports.every((port) => port > 0)).toBe(true);
  await expect(claimPorts(ports.map((port) => ({ ...gateway, port })))).resolves.toEqual(ports);
});

test("claimPorts: a port that is taken is named with its purpose and flag", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) =>
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port)),
  );
  await expect(claimPorts([gateway, { ...api, port }])).rejects.toMatchObject({
    code: "PortTaken",
    message: `Cannot listen on 127.0.0.1:${port} for the API server: another process uses the port; choose another port with --api-port`,
  });
  await new Promise((resolve) => other.close(resolve));
});

test("claimPorts: one port for two purposes is refused, and says which the other is", async () => {
  const [port] = await claimPorts([gateway]);
  await expect(
    claimPorts([
      { ...gateway, port },
      { ...api, port },
    ]),
  ).rejects.toThrow("for the API server: the ingress gateway uses the port; choose another port with --api-port");
  await expect(claimPorts([{ ...gateway, port }])).resolves.toEqual([port]);
});
