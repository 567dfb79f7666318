import { expect, test } from "vitest";
import type { CanaryMetric, MetricTemplate, Secret } from "#api";
import { createOutboundHttp } from "../gates/index.ts";
import { type LocalServer, startLocalServer } from "../local-server.ts";
import { canary as bare } from "../rehearsal-objects.ts";
import { type MeasureContext, measure } from "./measure.ts";

const canary = { ...bare, metadata: { name: "web", namespace: "shop" } };

async function withServer(answer: string, body: (server: LocalServer, context: MeasureContext) => Promise<void>) {
  const server = await startLocalServer((response) =>
    response.end(
      JSON.stringify({
        status: "success",
        data: { resultType: "vector", result: [{ metric: {}, value: [0, answer] }] },
      }),
    ),
  );
  const http = createOutboundHttp({});
  const template: MetricTemplate = {
    apiVersion: "flagger.app/v1beta1",
    kind: "MetricTemplate",
    metadata: { name: "t", namespace: "shop" },
    spec: {
      provider: { type: "prometheus", address: server.url, secretRef: { name: "s" } },
      query: 'x{ns="{{ namespace }}", dc="{{ variables.dc }}"}[{{ interval }}]',
    },
  };
  const secret: Secret = {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "s", namespace: "shop" },
    data: { token: Buffer.from("geheim").toString("base64") },
  };
  try {
    await body(server, {
      metricsServer: server.url,
      http,
      signal: new AbortController().signal,
      template: ({ namespace, name }) => (namespace === "shop" && name === "t" ? template : undefined),
      secret: ({ namespace, name }) => (namespace === "shop" && name === "s" ? secret : undefined),
    });
  } finally {
    await http.close();
    await server.close();
  }
}

test("measure: the built-in success rate asks for the target's requests of the window", async () => {
  await withServer("99.5", async (_, context) => {
    const metric: CanaryMetric = { name: "request-success-rate", interval: "30s" };
    const { result, query } = await measure({ canary, metric, part: "builtin" }, context);
    expect(result).toEqual({ kind: "value", value: 99.5 });
    const selector = 'reporter="destination",destination_workload_namespace="shop",destination_workload=~"web"';
    expect(query).toBe(
      `sum(rate(istio_requests_total{${selector},response_code!~"5.*"}[30s])) / sum(rate(istio_requests_total{${selector}}[30s])) * 100`,
    );
  });
});

test("measure: durations are cut to whole milliseconds, windows default to a minute", async () => {
  await withServer("0.7", async (_, context) => {
    const measured = await measure({ canary, metric: { name: "request-duration" }, part: "builtin" }, context);
    expect(measured.result).toEqual({ kind: "zero" });
    expect(measured.query).toContain("[1m]");
  });
});

test("measure: a template is rendered and asked for with its Secret's token", async () => {
  await withServer("3", async (server, context) => {
    const metric: CanaryMetric = { name: "e", templateRef: { name: "t" }, templateVariables: { dc: "east" } };
    const { result, query } = await measure({ canary, metric, part: "template" }, context);
    expect(result).toEqual({ kind: "value", value: 3 });
    expect(query).toBe('x{ns="shop", dc="east"}[1m]');
    expect(server.requests[0]?.headers.authorization).toBe("Bearer geheim");
  });
});

test.each([
  ["a missing template", { templateRef: { name: "no" } }, 'the MetricTemplate "shop/no" does not exist'],
  ["a missing variable", { templateRef: { name: "t" } }, 'variable "dc" is not set'],
])("measure: %s is an error that says so", async (_, changes, message) => {
  await withServer("1", async (server, context) => {
    const { result } = await measure({ canary, metric: { name: "e", ...changes }, part: "template" }, context);
    expect(result).toEqual({ kind: "error", message: expect.stringContaining(message) });
    expect(server.requests).toEqual([]);
  });
});
