import { setMaxListeners } from "node:events";
import { expect, test } from "vitest";
import type { Canary } from "#api";
import { createVirtualClock, type VirtualClock } from "#testing";
import { createOutboundHttp } from "../gates/index.ts";
import { type LocalServer, startLocalServer } from "../local-server.ts";
import { canary as bare } from "../rehearsal-objects.ts";
import { measure } from "./measure.ts";
import type { MeasureContext } from "./measure-context.ts";
import { createQueryBatcher } from "./query-batcher.ts";
import { measureServedShare } from "./served-share.ts";

const canaryOf = (name: string, spec: Partial<Canary["spec"]> = {}): Canary => ({
  ...bare,
  metadata: { name, namespace: "shop" },
  spec: { ...bare.spec, targetRef: { kind: "Deployment", name }, ...spec },
});

interface Sample {
  readonly workload?: string;
  readonly value: string;
}

/** A Prometheus that answers each query by its text. */
async function withPrometheus(
  answer: (query: string) => readonly Sample[] | "down",
  body: (at: { context: MeasureContext; clock: VirtualClock; queries: () => string[] }) => Promise<void>,
) {
  const queryOf = (server: Pick<LocalServer, "url"> | undefined, request: { url: string; body: string }): string => {
    const inUrl = new URL(request.url, server?.url ?? "http://x").searchParams.get("query");
    return inUrl ?? new URLSearchParams(request.body).get("query") ?? "";
  };
  const server = await startLocalServer((response, request) => {
    const samples = answer(queryOf(undefined, request));
    if (samples === "down") return void response.writeHead(503).end("down");
    const result = samples.map(({ workload, value }) => ({
      metric: workload === undefined ? {} : { destination_workload_namespace: "shop", destination_workload: workload },
      value: [0, value],
    }));
    response.end(JSON.stringify({ status: "success", data: { resultType: "vector", result } }));
  });
  const http = createOutboundHttp({});
  const clock = createVirtualClock();
  const { signal } = new AbortController();
  setMaxListeners(1000, signal);
  const context: MeasureContext = {
    metricsServer: server.url,
    meshProvider: "istio",
    http,
    clock,
    batcher: createQueryBatcher(clock),
    signal,
    template: () => undefined,
    secret: () => undefined,
  };
  try {
    await body({ context, clock, queries: () => server.requests.map((request) => queryOf(server, request)) });
  } finally {
    await http.close();
    await server.close();
  }
}

test("measureServedShare: the canary's part of the requests of both copies, in one query", async () => {
  const samples = [
    { workload: "web", value: "10" },
    { workload: "web-primary", value: "30" },
    { workload: "other", value: "1000" },
  ];
  await withPrometheus(
    () => samples,
    async ({ context, clock, queries }) => {
      const share = measureServedShare({ canary: canaryOf("web") }, context);
      await clock.advance(20);
      expect(await share).toEqual({ canaryPercent: 25, requestCount: 40, windowMs: 60_000 });
      expect(queries()).toEqual([
        'sum(increase(istio_requests_total{reporter="destination",destination_workload_namespace=~"shop",destination_workload=~"web|web-primary"}[1m])) by (destination_workload_namespace, destination_workload)',
      ]);
    },
  );
});

test.each([
  [
    "a copy without requests has served none",
    [{ workload: "web-primary", value: "8" }],
    { canaryPercent: 0, requestCount: 8, windowMs: 60_000 },
  ],
  ["nothing served is no share", [{ workload: "web", value: "0" }], undefined],
  ["nothing measured is no share", [], undefined],
  ["nobody who answers is no share", "down" as const, undefined],
])("measureServedShare: %s", async (_, samples, expected) => {
  await withPrometheus(
    () => samples,
    async ({ context, clock }) => {
      const share = measureServedShare({ canary: canaryOf("web") }, context);
      await clock.advance(20);
      expect(await share).toEqual(expected);
    },
  );
});

test("measureServedShare: by pods where the application counts, not at all where series show the canary only", async () => {
  await withPrometheus(
    (query) => [{ value: query.includes('"web-primary-') ? "3" : "1" }],
    async ({ context, queries }) => {
      const share = await measureServedShare({ canary: canaryOf("web", { provider: "gatewayapi:v1" }) }, context);
      expect(share).toEqual({ canaryPercent: 25, requestCount: 4, windowMs: 60_000 });
      expect(queries().every((query) => query.startsWith("sum(increase(http_request_duration_seconds_count{"))).toBe(
        true,
      );
      expect(await measureServedShare({ canary: canaryOf("web", { provider: "nginx" }) }, context)).toBeUndefined();
      expect(queries().length).toBe(2);
    },
  );
});

test("measure: 200 Canaries ask once for each metric and window, and each gets its own figure", async () => {
  const names = Array.from({ length: 200 }, (_, i) => `app-${i}`);
  await withPrometheus(
    () => names.map((workload, i) => ({ workload, value: i === 7 ? "NaN" : String(i) })),
    async ({ context, clock, queries }) => {
      const asked = names.map((name) =>
        Promise.all(
          ["request-success-rate", "request-duration"].map((metric) =>
            measure({ canary: canaryOf(name), metric: { name: metric }, part: "builtin" }, context),
          ),
        ),
      );
      await clock.advance(20);
      for (const [i, both] of (await Promise.all(asked)).entries())
        for (const { result, query } of both) {
          expect(result).toEqual(
            i === 7 ? { kind: "empty" } : i === 0 ? { kind: "zero" } : { kind: "value", value: i },
          );
          expect(query).toContain(`destination_workload=~"app-${i}"`);
        }
      expect(queries().length).toBe(2);
    },
  );
});

test("measure: a Canary that is alone sends its own query", async () => {
  await withPrometheus(
    () => [{ value: "99" }],
    async ({ context, clock, queries }) => {
      const metric = { name: "request-success-rate" };
      const measured = measure({ canary: canaryOf("web"), metric, part: "builtin" }, context);
      await clock.advance(20);
      const { result, query } = await measured;
      expect(result).toEqual({ kind: "value", value: 99 });
      expect(queries()).toEqual([query]);
    },
  );
});

test("measure: a server that is down is unreachable for every Canary, one that refuses the shared query is asked by each", async () => {
  const metric = { name: "request-success-rate" };
  const ask = async (context: MeasureContext, clock: VirtualClock) => {
    const both = ["a", "b"].map((name) => measure({ canary: canaryOf(name), metric, part: "builtin" }, context));
    await clock.advance(20);
    return (await Promise.all(both)).map(({ result }) => result);
  };
  await withPrometheus(
    () => "down",
    async ({ context, clock }) => {
      expect((await ask(context, clock)).map(({ kind }) => kind)).toEqual(["unreachable", "unreachable"]);
    },
  );
  await withPrometheus(
    (query) => (query.includes("by (destination") ? [] : [{ value: "5" }]),
    async ({ context, clock }) => {
      const refusing = { ...context, batcher: { ask: async () => ({ kind: "error", message: "too large" }) as const } };
      expect(await ask(refusing, clock)).toEqual([
        { kind: "value", value: 5 },
        { kind: "value", value: 5 },
      ]);
    },
  );
});

test("measure: the pods of a DaemonSet are told from those of its primary", async () => {
  await withPrometheus(
    () => [{ value: "1" }],
    async ({ context, queries }) => {
      const canary = canaryOf("web", { provider: "kubernetes", targetRef: { kind: "DaemonSet", name: "web" } });
      await measure({ canary, metric: { name: "request-success-rate" }, part: "builtin" }, context);
      expect(queries()[0]).toContain('kubernetes_pod_name=~"web-[0-9a-zA-Z]+"');
    },
  );
});

test("measure: Knative's route is the latest revision", async () => {
  await withPrometheus(
    () => [{ value: "1" }],
    async ({ context, queries }) => {
      const canary = canaryOf("web", { provider: "knative" });
      const subject = { canary, metric: { name: "request-duration" }, part: "builtin" } as const;
      expect((await measure(subject, context)).result).toEqual({
        kind: "error",
        message: expect.stringContaining("is not known yet"),
      });
      await measure(subject, { ...context, knativeRevision: ({ name }) => `${name}-00002` });
      expect(queries()[0]).toContain('envoy_cluster_name=~"shop/web-00002"');
    },
  );
});
