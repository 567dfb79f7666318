import { expect, test } from "vitest";
import type { CanaryMetric, MetricTemplate, Secret } from "#api";
import { createVirtualClock } from "#testing";
import { createOutboundHttp } from "../gates/index.ts";
import { type LocalServer, startLocalServer } from "../local-server.ts";
import { canary as bare } from "../rehearsal-objects.ts";
import { checkProvider, measure } from "./measure.ts";
import type { MeasureContext } from "./measure-context.ts";

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
      clock: createVirtualClock(),
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
    const all = `sum(rate(istio_requests_total{${selector}}[30s]))`;
    const succeeded = `sum(rate(istio_requests_total{${selector},response_code!~"5.*"}[30s]))`;
    expect(query).toBe(`(${succeeded} or ${all} * 0) / ${all} * 100`);
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

test("measure: a template is found in the Canary's namespace when it names none or an empty one (pinned 19)", async () => {
  await withServer("3", async (_, context) => {
    for (const templateRef of [{ name: "t" }, { name: "t", namespace: "" }, { name: "t", namespace: "shop" }]) {
      const metric: CanaryMetric = { name: "e", templateRef, templateVariables: { dc: "x" } };
      expect((await measure({ canary, metric, part: "template" }, context)).result).toEqual({
        kind: "value",
        value: 3,
      });
    }
    const elsewhere: CanaryMetric = { name: "e", templateRef: { name: "t", namespace: "other" } };
    const { result } = await measure({ canary, metric: elsewhere, part: "template" }, context);
    expect(result).toEqual({ kind: "error", message: 'the MetricTemplate "other/t" does not exist' });
  });
});

test("measure: a template and an inline query of one metric are both asked for (pinned 20)", async () => {
  await withServer("3", async (server, context) => {
    const metric: CanaryMetric = {
      name: "e",
      templateRef: { name: "t" },
      query: "sum({{ target }})",
      templateVariables: { dc: "x" },
    };
    for (const part of ["template", "inline"] as const)
      expect((await measure({ canary, metric, part }, context)).result.kind).toBe("value");
    expect(server.requests.map(({ url }) => new URL(url, server.url).searchParams.get("query"))).toEqual([
      'x{ns="shop", dc="x"}[1m]',
      "sum(web)",
    ]);
  });
});

test("measure: a Canary's own metricsServer is asked instead of the global one (pinned 19)", async () => {
  await withServer("99", async (server, context) => {
    const own = { ...canary, spec: { ...canary.spec, metricsServer: server.url } };
    const away = { ...context, metricsServer: "http://127.0.0.1:1" };
    const metric: CanaryMetric = { name: "request-success-rate" };
    const part = "builtin";
    expect((await measure({ canary: own, metric, part }, away)).result).toEqual({ kind: "value", value: 99 });
    expect((await measure({ canary, metric, part }, away)).result.kind).toBe("unreachable");
    expect(await checkProvider({ canary, metric, part }, away)).toContain(
      "metric request-success-rate: http://127.0.0.1:1",
    );
  });
});

test("checkProvider: a mistake in a template shows before the first analysis", async () => {
  await withServer("1", async (server, context) => {
    const metric: CanaryMetric = { name: "e", query: "up{{ if }}" };
    expect(await checkProvider({ canary, metric, part: "inline" }, context)).toContain("line 1, column 5");
    expect(server.requests).toEqual([]);
  });
});

test("checkProvider: vector(1) has to be 1 (pinned 19)", async () => {
  const metric: CanaryMetric = { name: "request-success-rate" };
  await withServer("1", async (_, context) => {
    expect(await checkProvider({ canary, metric, part: "builtin" }, context)).toBeUndefined();
  });
  await withServer("0", async (_, context) => {
    expect(await checkProvider({ canary, metric, part: "builtin" }, context)).toContain("vector(1) gave zero");
  });
});

test.each([
  ["a missing template", { templateRef: { name: "no" } }, 'the MetricTemplate "shop/no" does not exist'],
  ["a missing variable (pinned 50)", { templateRef: { name: "t" } }, 'variable "dc" is not set'],
  [
    "an interval that is none",
    { templateRef: { name: "t" }, interval: "soon" },
    'the interval "soon" is no duration above zero',
  ],
])("measure: %s is an error that says so", async (_, changes, message) => {
  await withServer("1", async (server, context) => {
    const { result } = await measure({ canary, metric: { name: "e", ...changes }, part: "template" }, context);
    expect(result).toEqual({ kind: "error", message: expect.stringContaining(message) });
    expect(server.requests).toEqual([]);
  });
});

test("measure: a provider type that is not executed is an error that names it and those that are", async () => {
  await withServer("1", async (_, context) => {
    const template: MetricTemplate = {
      apiVersion: "flagger.app/v1beta1",
      kind: "MetricTemplate",
      metadata: { name: "t", namespace: "shop" },
      spec: { provider: { type: "abacus" }, query: "x" },
    };
    const metric: CanaryMetric = { name: "e", templateRef: { name: "t" } };
    const { result } = await measure({ canary, metric, part: "template" }, { ...context, template: () => template });
    const message = expect.stringMatching(
      /^MetricTemplate "shop\/t": the provider type "abacus" is not executed; use one of .*prometheus/,
    );
    expect(result).toEqual({ kind: "error", message });
  });
});
