import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse } from "yaml";
import type { MetricTemplate } from "#api";
import { createVirtualClock, startTestMetricsStore } from "#testing";
import { startLocalServer } from "../local-server.ts";
import { metricProblems } from "./metric-problems.ts";
import {
  addIstio,
  BOUNDS_MS,
  canaryWith,
  CountingProcess,
  ERRORS,
  LATENCY,
  SCRAPE_MS,
  type SamplesRig,
  withSamplesRig,
} from "./samples-rig.ts";

const MINUTE_MS = 60_000;

function withSamples(body: (rig: SamplesRig) => Promise<void>): Promise<void> {
  // Servers date their answers by the real time, and the age of a number is judged by it.
  const clock = createVirtualClock(Math.ceil(Date.now() / MINUTE_MS) * MINUTE_MS);
  return withSamplesRig({ clock, startStore: startTestMetricsStore }, body);
}

const both = canaryWith([ERRORS, LATENCY]);

/** A node's proxy: what clients and what servers saw, in one process without a label for pods. */
function nodeProxy({ processes }: SamplesRig): CountingProcess {
  const proxy = new CountingProcess("node-proxy");
  processes.push(proxy);
  for (const reporter of ["source", "destination"] as const) {
    addIstio(proxy, { reporter, to: "web-primary", count: 100 });
    addIstio(proxy, { reporter, to: "web", count: 10 });
  }
  return proxy;
}

test("measureSamples: errors and latency of both copies are one query; what clients saw counts", async () => {
  await withSamples(async (rig) => {
    const proxy = nodeProxy(rig);
    await rig.scrape();
    const first = await rig.look(both);
    expect(first).toEqual({
      untilMs: rig.clock.nowMs(),
      metrics: [
        expect.objectContaining({ name: ERRORS.name, kind: "missing", reason: "waiting" }),
        expect.objectContaining({ name: LATENCY.name, kind: "missing", reason: "waiting" }),
      ],
    });
    addIstio(proxy, { reporter: "source", to: "web-primary", count: 90, ms: 50 });
    addIstio(proxy, { reporter: "source", to: "web-primary", count: 1, code: "503", ms: 700 });
    addIstio(proxy, { reporter: "source", to: "web", count: 6 });
    addIstio(proxy, { reporter: "source", to: "web", count: 1, code: "504", flags: "UT", ms: 900 });
    addIstio(proxy, { reporter: "source", to: "web", count: 1, code: "0", flags: "DC", ms: 900 });
    addIstio(proxy, { reporter: "source", to: "web", count: 1, code: "200", flags: "URX,UC" });
    // What a server saw of the same requests, one of them tried twice.
    addIstio(proxy, { reporter: "destination", to: "web", count: 77 });
    await rig.scrape();
    rig.queries.length = 0;
    const second = await rig.look(both, { afterMs: first.untilMs ?? 0 });
    expect(rig.queries).toEqual([
      '{__name__=~"istio_request_duration_milliseconds_bucket|istio_requests_total",reporter="source",destination_workload_namespace="shop",destination_workload=~"web|web-primary"}[5m5s]',
    ]);
    expect(second).toMatchObject({
      untilMs: rig.clock.nowMs(),
      metrics: [
        { kind: "counts", arms: { canary: { total: 9, bad: 3 }, primary: { total: 91, bad: 1 } } },
        {
          kind: "latency",
          canary: { boundsMs: BOUNDS_MS, above: [2, 2, 2], total: 9 },
          primary: { boundsMs: BOUNDS_MS, above: [91, 1, 1], total: 91 },
        },
      ],
    });
  });
});

/** Sidecars: each pod's process is scraped by itself, and no client is in the mesh. */
function sidecars({ processes }: SamplesRig, counts: Readonly<Record<string, number>>): Map<string, CountingProcess> {
  const pods = Object.entries(counts).flatMap(([workload, count]) =>
    Array.from({ length: count }, (_, index) => {
      const pod = `${workload}-${index}`;
      return [pod, new CountingProcess("pods", { namespace: "shop", pod })] as const;
    }),
  );
  processes.push(...pods.map(([, process]) => process));
  return new Map(pods);
}

test("measureSamples: without clients in the mesh the servers' counts are taken; a pod that is new or restarts loses nothing", async () => {
  await withSamples(async (rig) => {
    const pods = sidecars(rig, { "web-primary": 2, web: 1 });
    const serve = (pod: string, count: number, code = "200"): void => {
      const process = pods.get(pod);
      const to = pod.startsWith("web-primary") ? "web-primary" : "web";
      if (process !== undefined) addIstio(process, { reporter: "destination", to, count, code });
    };
    for (const pod of pods.keys()) serve(pod, 50);
    for (let scrape = 0; scrape < 3; scrape++) await rig.scrape();
    const first = await rig.look(both);
    serve("web-primary-0", 10);
    serve("web-primary-1", 20);
    pods.get("web-0")?.restart();
    serve("web-0", 4, "500");
    const added = new CountingProcess("pods", { namespace: "shop", pod: "web-1" });
    rig.processes.push(added);
    addIstio(added, { reporter: "destination", to: "web", count: 3, code: "500" });
    await rig.scrape();
    await rig.scrape();
    const second = await rig.look(both, { afterMs: first.untilMs ?? 0 });
    expect(second.metrics).toMatchObject([
      { kind: "counts", arms: { canary: { total: 7, bad: 7 }, primary: { total: 30, bad: 0 } } },
      { kind: "latency", canary: { total: 7 }, primary: { total: 30 } },
    ]);
    // Asked again after a restart of the operator, the interval is the same.
    expect(await rig.look(both, { afterMs: first.untilMs ?? 0 })).toEqual(second);
  });
});

test("measureSamples: a pod whose scrapes fail delays both copies, and the counts of the gap come together", async () => {
  await withSamples(async (rig) => {
    const pods = sidecars(rig, { "web-primary": 1, web: 1 });
    const serve = (): void => {
      for (const [pod, process] of pods)
        addIstio(process, { reporter: "destination", to: pod.replace(/-0$/, ""), count: 10 });
    };
    serve();
    for (let scrape = 0; scrape < 3; scrape++) await rig.scrape();
    const { untilMs: afterMs = 0 } = await rig.look(both);
    const canary = pods.get("web-0");
    if (canary !== undefined) canary.isDown = true;
    serve();
    await rig.scrape();
    expect((await rig.look(both, { afterMs })).metrics).toMatchObject([{ reason: "waiting" }, { reason: "waiting" }]);
    if (canary !== undefined) canary.isDown = false;
    serve();
    await rig.scrape();
    expect(await rig.look(both, { afterMs })).toMatchObject({
      untilMs: rig.clock.nowMs(),
      metrics: [{ arms: { canary: { total: 20 }, primary: { total: 20 } } }, { kind: "latency" }],
    });
  });
});

test("measureSamples: where applications count, by the names of pods, seconds become milliseconds", async () => {
  await withSamples(async (rig) => {
    const processes = ["web-5d8f-x1", "web-primary-77c-a2"].map(
      (pod) => new CountingProcess("pods", { kubernetes_namespace: "shop", kubernetes_pod_name: pod }),
    );
    rig.processes.push(...processes);
    const serve = (count: number, status: string): void => {
      for (const process of processes) {
        process.add(`http_request_duration_seconds_count{status="${status}"}`, count);
        for (const le of ["0.07", "0.5", "+Inf"])
          process.add(`http_request_duration_seconds_bucket{status="${status}",le="${le}"}`, le === "0.07" ? 0 : count);
      }
    };
    serve(5, "200");
    await rig.scrape();
    const canary = canaryWith([ERRORS, LATENCY], { provider: "gatewayapi:v1" });
    const { untilMs: afterMs = 0 } = await rig.look(canary);
    serve(3, "200");
    serve(1, "503");
    await rig.scrape();
    const histogram = { boundsMs: [70, 500], above: [4, 0], total: 4 };
    expect((await rig.look(canary, { afterMs })).metrics).toMatchObject([
      { kind: "counts", arms: { canary: { total: 4, bad: 1 }, primary: { total: 4, bad: 1 } } },
      { kind: "latency", canary: histogram, primary: histogram },
    ]);
  });
});

test("measureSamples: series that show one copy only, nobody who answers, and no series are told apart", async () => {
  await withSamples(async (rig) => {
    rig.processes.push(new CountingProcess("idle"));
    await rig.scrape();
    const nginx = canaryWith([ERRORS], { provider: "nginx" });
    expect(await rig.look(nginx)).toEqual({
      untilMs: undefined,
      metrics: [
        {
          name: ERRORS.name,
          kind: "missing",
          reason: "error",
          message: expect.stringContaining("MetricTemplate with spec.counts"),
        },
      ],
    });
    expect(await rig.look(both)).toMatchObject({
      untilMs: undefined,
      metrics: [{ reason: "none" }, { reason: "none" }],
    });
    const down = canaryWith([ERRORS], { metricsServer: "http://user:geheim@127.0.0.1:1" });
    const { metrics } = await rig.look(down, { needsHistory: true });
    expect(metrics).toMatchObject([{ reason: "unreachable" }]);
    expect(JSON.stringify(metrics)).not.toContain("geheim");
  });
});

const counts = {
  total: 'orders_total{app="{{ target }}"}',
  bad: 'orders_total{app="{{ target }}",outcome="lost"}',
};
const templated = canaryWith([{ name: "orders", templateRef: { name: "orders" } }]);

function setTemplate(rig: SamplesRig, spec: Partial<MetricTemplate["spec"]>): void {
  rig.templates.set("orders", {
    provider: { type: "prometheus", address: rig.url, secretRef: { name: "login" } },
    query: 'up{job="{{ target }}"}',
    ...spec,
  });
}

async function withOrders(
  body: (rig: SamplesRig, add: (app: string, outcome: string, count: number) => void) => Promise<void>,
): Promise<void> {
  await withSamples(async (rig) => {
    const process = new CountingProcess("orders");
    rig.processes.push(process);
    const add = (app: string, outcome: string, count: number): void =>
      process.add(`orders_total{app="${app}",outcome="${outcome}"}`, count);
    for (const app of ["web", "web-primary", "other"]) add(app, "won", 10);
    await rig.scrape();
    await body(rig, add);
  });
}

test("measureSamples: counts of a template are asked for both copies, in one query where selectors allow", async () => {
  await withOrders(async (rig, add) => {
    setTemplate(rig, { counts });
    const { untilMs: afterMs = 0 } = await rig.look(templated);
    add("web", "won", 5);
    add("web", "lost", 2);
    add("web-primary", "won", 40);
    add("other", "lost", 9);
    await rig.scrape();
    rig.queries.length = 0;
    expect((await rig.look(templated, { afterMs })).metrics).toMatchObject([
      { name: "orders", kind: "counts", arms: { canary: { total: 7, bad: 2 }, primary: { total: 40, bad: 0 } } },
    ]);
    expect(rig.queries).toEqual(['orders_total{app=~"web|web-primary"}[5m5s]']);
  });
});

test.each<[string, Partial<MetricTemplate["spec"]>, string]>([
  [
    "rate()",
    { counts: { ...counts, bad: 'rate(x{a="{{ target }}"}[1m])' } },
    "spec.counts.bad is no raw counter: it calls rate()",
  ],
  [
    "sum()",
    { counts: { ...counts, total: 'sum(x{a="{{ target }}"})' } },
    "spec.counts.total is no raw counter: it aggregates with sum()",
  ],
  ["a window", { counts: { ...counts, total: 'x{a="{{ target }}"}[5m]' } }, "it has a window in brackets"],
  ["an offset", { counts: { ...counts, total: 'x{a="{{ target }}"} offset 1m' } }, "leave out offset"],
  ["an expression", { counts: { ...counts, total: 'x{a="{{ target }}"} * 2' } }, "it is no selector"],
  ["a syntax error", { counts: { ...counts, total: 'x{a="{{ target }}"' } }, "1:"],
  ["no target", { counts: { ...counts, total: "x" } }, "spec.counts.total is the same for both copies"],
  ["a missing query", { counts: { total: "", bad: counts.bad } }, "spec.counts.total is missing"],
  ["an unknown variable", { counts: { ...counts, bad: 'x{a="{{ targt }}"}' } }, '"targt" is not defined'],
  [
    "another provider",
    { counts, provider: { type: "graphite", address: "http://g" } },
    "spec.counts needs raw counters",
  ],
  ["both forms", { counts, scalar: { worse: "higher" } }, "both spec.counts and spec.scalar"],
  ["a scalar without target", { scalar: { worse: "higher" }, query: "up" }, "spec.query is the same for both copies"],
  ["a margin below 1", { scalar: { worse: "higher", margin: 0.5 } }, "spec.scalar.margin is 0.5"],
])("metricProblems, measureSamples: a template with %s is told, with what to correct", async (_, spec, expected) => {
  await withSamples(async (rig) => {
    setTemplate(rig, spec);
    const [problem] = metricProblems(templated, rig.context);
    expect(problem).toMatchObject({ path: "spec.analysis.metrics[0].templateRef", code: "invalid-value" });
    expect(problem?.message).toContain('MetricTemplate "shop/orders"');
    expect(problem?.message).toContain(expected);
    expect(problem?.fix).not.toBe("");
    expect((await rig.look(templated)).metrics).toEqual([
      { name: "orders", kind: "missing", reason: "error", message: expect.stringContaining(expected) },
    ]);
    const { analysis } = templated.spec;
    const threshold = {
      ...templated,
      spec: { ...templated.spec, analysis: { ...analysis, method: "threshold" as const } },
    };
    if (spec.provider === undefined) expect(metricProblems(threshold, rig.context)).toEqual([]);
  });
});

const page = readFileSync(new URL("../../../docs/metric-providers.md", import.meta.url), "utf8");
const compared = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)]
  .map(([, text = ""]): MetricTemplate => parse(text))
  .filter(({ spec }) => spec.counts !== undefined || spec.scalar !== undefined);

test("docs/metric-providers.md: the examples of counts and of scalar are taken as they stand", async () => {
  await withSamples(async (rig) => {
    expect(compared.map(({ spec }) => Object.keys(spec).at(-1))).toEqual(["counts", "scalar"]);
    for (const { spec } of compared) {
      setTemplate(rig, { ...spec, provider: { ...spec.provider, address: rig.url } });
      expect(metricProblems(templated, rig.context)).toEqual([]);
      expect((await rig.look(templated)).metrics).toMatchObject([{ kind: "missing", reason: "none" }]);
    }
  });
});

test("measureSamples: a target's selector that takes the primary too is no comparison", async () => {
  await withOrders(async (rig) => {
    setTemplate(rig, { counts: { ...counts, total: 'orders_total{app=~"{{ target }}.*"}' } });
    expect((await rig.look(templated)).metrics).toMatchObject([
      {
        reason: "invalid",
        message: expect.stringContaining("the selectors of both copies take the series orders_total{"),
      },
    ]);
  });
});

test("measureSamples: more bad than all is invalid", async () => {
  await withOrders(async (rig, add) => {
    setTemplate(rig, { counts: { total: counts.bad, bad: counts.total } });
    for (const app of ["web", "web-primary"]) add(app, "lost", 1);
    await rig.scrape();
    const { untilMs: afterMs = 0 } = await rig.look(templated);
    for (const app of ["web", "web-primary"]) add(app, "won", 5);
    await rig.scrape();
    expect((await rig.look(templated, { afterMs })).metrics).toMatchObject([
      { reason: "invalid", message: expect.stringContaining("5 bad of 0 requests") },
    ]);
  });
});

test.each<[string, Partial<MetricTemplate["spec"]>, unknown]>([
  [
    "a number of each copy",
    { query: 'sum(orders_total{app="{{ target }}"})' },
    { kind: "scalar", canary: 10, primary: 30, rule: { worse: "higher", scale: "ratio", margin: 1.1 } },
  ],
  [
    "two series",
    { query: 'orders_total{app!="{{ target }}"}' },
    { reason: "invalid", message: expect.stringContaining("2 series") },
  ],
  [
    "NaN",
    { query: 'sum(orders_total{app="{{ target }}"}) * NaN' },
    { reason: "invalid", message: expect.stringContaining('"NaN"') },
  ],
  [
    "a division by 0",
    { query: 'sum(orders_total{app="{{ target }}"}) / 0' },
    { reason: "invalid", message: expect.stringContaining('"+Inf"') },
  ],
  ["text", { query: '"{{ target }}"' }, { reason: "error", message: expect.stringContaining("string") }],
  ["no sample", { query: 'orders_total{app="no {{ target }}"}' }, { reason: "none" }],
  [
    "0 in a ratio",
    { query: 'sum(orders_total{app="{{ target }}"}) - 10' },
    { reason: "invalid", message: expect.stringContaining("difference") },
  ],
  [
    "a wrong query",
    { query: "sum({{ target }}" },
    { reason: "error", message: expect.stringContaining("parse error") },
  ],
  [
    "nobody who answers",
    { query: "{{ target }}", provider: { type: "graphite", address: "http://127.0.0.1:1" } },
    { reason: "unreachable" },
  ],
])("measureSamples: a scalar, %s", async (_, spec, expected) => {
  await withOrders(async (rig, add) => {
    add("web-primary", "won", 20);
    await rig.scrape();
    setTemplate(rig, { ...spec, scalar: { worse: "higher" } });
    const samples = await rig.look(templated);
    expect(samples).toMatchObject({ untilMs: rig.clock.nowMs(), metrics: [expected] });
  });
});

test("measureSamples: metrics with neither counts nor scalar are left out, and each name is there once", async () => {
  await withSamples(async (rig) => {
    setTemplate(rig, {});
    const canary = canaryWith([
      ERRORS,
      { name: "inline", query: "up" },
      { name: "orders", templateRef: { name: "orders" } },
      ERRORS,
    ]);
    expect((await rig.look(canary)).metrics.map(({ name }) => name)).toEqual([ERRORS.name]);
  });
});

test.each<[string, string, unknown]>([
  [
    "a vector",
    '{"resultType":"vector","result":[]}',
    { reason: "invalid", message: expect.stringContaining("vector") },
  ],
  [
    "a value that is a number",
    '{"resultType":"matrix","result":[{"metric":{},"values":[[1,2]]}]}',
    { reason: "invalid" },
  ],
  [
    "times out of order",
    '{"resultType":"matrix","result":[{"metric":{},"values":[[2,"1"],[1,"1"]]}]}',
    { reason: "invalid" },
  ],
  [
    "native histograms",
    '{"resultType":"matrix","result":[{"metric":{},"histograms":[]}]}',
    { reason: "invalid", message: expect.stringContaining("native histogram") },
  ],
  [
    "too many series",
    `{"resultType":"matrix","result":[${Array.from({ length: 20_001 }, () => "0").join(",")}]}`,
    { reason: "invalid", message: expect.stringMatching(/20001 series, at most 20000 .* drop labels/) },
  ],
  [
    "too many bytes",
    `"${"x".repeat(17 * 1024 * 1024)}"`,
    { reason: "error", message: expect.stringContaining("drop labels") },
  ],
])("measureSamples: an answer with %s is a reason, and nothing is thrown", async (_, data, expected) => {
  const server = await startLocalServer((response) => response.end(`{"status":"success","data":${data}}`));
  try {
    await withSamples(async (rig) => {
      const canary = canaryWith([ERRORS], { metricsServer: server.url });
      expect((await rig.look(canary, { afterMs: rig.clock.nowMs() })).metrics).toMatchObject([expected]);
    });
  } finally {
    await server.close();
  }
});

test("measureSamples: a server that repeats the login in its refusal does not bring it into a message", async () => {
  const server = await startLocalServer((response) =>
    response.writeHead(400).end('{"error":"geheim-token is unknown"}'),
  );
  try {
    await withSamples(async (rig) => {
      for (const form of [{ counts }, { scalar: { worse: "higher" as const } }]) {
        setTemplate(rig, {
          ...form,
          provider: { type: "prometheus", address: server.url, secretRef: { name: "login" } },
        });
        const { metrics } = await rig.look(templated, { needsHistory: true });
        expect(metrics).toMatchObject([{ reason: "error", message: expect.stringContaining("[secret] is unknown") }]);
      }
    });
  } finally {
    await server.close();
  }
});

test("measureSamples: the primary's past gives what it did, and how its pods differ", async () => {
  await withSamples(async (rig) => {
    const pods = sidecars(rig, { "web-primary": 3 });
    const served = [...pods.values()];
    for (let minute = 0; minute < 31; minute++) {
      served.forEach((process, index) => {
        addIstio(process, { reporter: "destination", to: "web-primary", count: 100, ms: 50 });
        // All errors come from one pod.
        addIstio(process, {
          reporter: "destination",
          to: "web-primary",
          count: index === 0 ? 9 : 0,
          code: "500",
          ms: 900,
        });
      });
      for (let scrape = 0; scrape < 60_000 / SCRAPE_MS; scrape++) await rig.scrape();
    }
    const { history } = await rig.look(both, { needsHistory: true });
    expect(history).toMatchObject([
      { name: ERRORS.name, counts: { total: 309 * 30, bad: 9 * 30 } },
      { name: LATENCY.name, histogram: { boundsMs: BOUNDS_MS, total: 309 * 30 } },
    ]);
    const [errors, latency] = history ?? [];
    expect(errors?.dispersions).toHaveLength(1);
    expect(errors?.dispersions?.[0]).toBeGreaterThan(5);
    // Pods hardly differ in what takes longer than 10 ms.
    expect(latency?.dispersions?.[0]).toBeLessThan(1.3);
    expect(latency?.dispersions?.[2]).toBeGreaterThan(5);
  });
}, 60_000);
