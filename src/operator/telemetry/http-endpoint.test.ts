import { expect, test } from "vitest";
import { request } from "undici";
import { startHttpEndpoint } from "./http-endpoint.ts";
import { createRolloutMetrics } from "./rollout-metrics.ts";

test("http endpoint: serves health, readiness and metrics, nothing else, and ends", async () => {
  let isReady = false;
  const metrics = createRolloutMetrics({ version: "1", meshProvider: "istio" });
  const endpoint = await startHttpEndpoint({ address: "127.0.0.1", port: 0, metrics, isReady: () => isReady });
  const ask = async (path: string) => {
    const { statusCode, body } = await request(`http://127.0.0.1:${endpoint.port}${path}`);
    return { statusCode, text: await body.text() };
  };
  expect(await ask("/healthz")).toEqual({ statusCode: 200, text: "OK" });
  expect((await ask("/readyz")).statusCode).toBe(503);
  isReady = true;
  expect(await ask("/readyz")).toEqual({ statusCode: 200, text: "OK" });
  expect((await ask("/metrics")).text).toContain("flagger_info");
  expect((await ask("/else")).statusCode).toBe(404);
  await endpoint.close();
  await expect(ask("/healthz")).rejects.toBeInstanceOf(Error);
});
