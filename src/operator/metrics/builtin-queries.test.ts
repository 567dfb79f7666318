import fc from "fast-check";
import { expect, test } from "vitest";
import {
  compileMatcher,
  createLabels,
  evaluateInstant,
  formatFloat,
  labelEntries,
  labelValue,
  parsePromql,
  type Queryable,
  type Series,
} from "#promql";
import type { MetricResult } from "#rollout";
import { canary as bare } from "../rehearsal-objects.ts";
import { splitByWorkload } from "./ask-builtin.ts";
import {
  type BuiltinKind,
  builtinQuery,
  builtinRowOf,
  metricsProviderOf,
  type Workload,
  workloadQuery,
} from "./builtin-queries.ts";
import { builtinRows, istioRow } from "./builtin-table.ts";
import { type PrometheusAnswer, singleResult } from "./prometheus-client.ts";
import type { TemplateValues } from "./template.ts";

const values: TemplateValues = {
  name: "web",
  namespace: "shop",
  target: "web",
  service: "web-svc",
  ingress: "web-ingress",
  route: "web-00002",
  interval: "30s",
  variables: {},
};

function queryOf(kind: BuiltinKind, provider: string, changes: Partial<TemplateValues> = {}): string {
  const query = builtinQuery(kind, builtinRowOf(provider), { ...values, ...changes });
  return query.ok ? query.value : query.error;
}

test.each([
  [
    "istio",
    "istio_requests_total",
    'reporter="destination",destination_workload_namespace="shop",destination_workload=~"web"',
    'response_code!~"5.*"',
  ],
  [
    "kubernetes",
    "http_request_duration_seconds_count",
    'kubernetes_namespace="shop",kubernetes_pod_name=~"web-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"',
    'status!~"5.*"',
  ],
  [
    "gatewayapi:v1",
    "http_request_duration_seconds_count",
    'kubernetes_namespace="shop",kubernetes_pod_name=~"web-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"',
    'status!~"5.*"',
  ],
  [
    "appmesh:v1beta2",
    "envoy_cluster_upstream_rq",
    'kubernetes_namespace="shop",kubernetes_pod_name=~"web-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"',
    'envoy_response_code!~"5.*"',
  ],
  [
    "contour",
    "envoy_cluster_upstream_rq",
    'envoy_cluster_name=~"shop_web-svc-canary_[0-9a-zA-Z-]+"',
    'envoy_response_code!~"5.*"',
  ],
  [
    "gloo",
    "envoy_cluster_upstream_rq",
    'envoy_cluster_name=~"shop-web-canaryupstream-[0-9a-zA-Z-]+_[0-9a-zA-Z-]+"',
    'envoy_response_code!~"5.*"',
  ],
  ["knative", "envoy_cluster_upstream_rq", 'envoy_cluster_name=~"shop/web-00002"', 'envoy_response_code!~"5.*"'],
  ["kuma", "envoy_cluster_upstream_rq", 'service=~"web-canary_shop_svc_[0-9a-zA-Z-]+"', 'envoy_response_code!~"5.*"'],
  ["linkerd", "response_total", 'namespace="shop",deployment=~"web",direction="inbound"', 'classification!="failure"'],
  ["nginx", "nginx_ingress_controller_requests", 'namespace="shop",ingress="web-ingress",canary!=""', 'status!~"5.*"'],
  [
    "osm",
    "osm_request_total",
    'destination_namespace="shop",destination_kind="Deployment",destination_name="web"',
    'response_code!~"5.*"',
  ],
  [
    "skipper",
    "skipper_response_duration_seconds_bucket",
    'route=~"kube(ew)?_shop__web_ingress_canary__.*__web_svc_canary(_[0-9]+)?",le="+Inf"',
    'code!~"5.."',
  ],
  [
    "traefik",
    "traefik_service_request_duration_seconds_bucket",
    'service=~"shop-web-canary-[0-9a-zA-Z-]+@kubernetescrd",le="+Inf"',
    'code!~"5.."',
  ],
  ["apisix", "apisix_http_status", 'route=~"shop_web-00002-web-canary_.+"', 'code!~"5.."'],
  [
    "smi:v1alpha2",
    "istio_requests_total",
    'reporter="destination",destination_workload_namespace="shop",destination_workload=~"web"',
    'response_code!~"5.*"',
  ],
])("builtinQuery: the success rate of %s", (provider, series, scope, succeeded) => {
  const all = `sum(rate(${series}{${scope}}[30s]))`;
  expect(queryOf("success-rate", provider)).toBe(
    `(sum(rate(${series}{${scope},${succeeded}}[30s])) or ${all} * 0) / ${all} * 100`,
  );
});

test.each([
  [
    "istio",
    /^histogram_quantile\(0.99, sum\(rate\(istio_request_duration_milliseconds_bucket\{.*\}\[30s\]\)\) by \(le\)\)$/,
  ],
  [
    "kubernetes",
    /^histogram_quantile\(0.99, sum\(rate\(http_request_duration_seconds_bucket\{.*\) by \(le\)\) \* 1000$/,
  ],
  ["contour", /^histogram_quantile\(0.99, sum\(rate\(envoy_cluster_upstream_rq_time_bucket\{.*\) by \(le\)\)$/],
  ["linkerd", /response_latency_ms_bucket/],
  ["osm", /osm_request_duration_ms_bucket/],
  ["traefik", /traefik_service_request_duration_seconds_bucket\{service=~"[^"]*"\}.* \* 1000$/],
  ["apisix", /apisix_http_latency_bucket\{[^}]*type=~"request"\}/],
  [
    "nginx",
    /^sum\(rate\(nginx_ingress_controller_response_duration_seconds_sum\{.*\)\) \/ sum\(rate\(nginx_ingress_controller_response_duration_seconds_count\{.*\* 1000$/,
  ],
  [
    "skipper",
    /^sum\(rate\(skipper_serve_route_duration_seconds_sum\{.*\)\) \/ sum\(rate\(skipper_serve_route_duration_seconds_count\{.*\* 1000$/,
  ],
])("builtinQuery: the duration of %s", (provider, expected) => {
  expect(queryOf("duration", provider)).toMatch(expected);
});

test("builtinQuery: every row gives queries that parse, for one and for many", () => {
  for (const row of builtinRows)
    for (const kind of ["success-rate", "duration", "requests"] as const) {
      const one = builtinQuery(kind, row, values);
      expect(one.ok && parsePromql(one.value)).toMatchObject({ ok: true });
      const many = workloadQuery(kind, row, { workloads: [{ namespace: "shop", name: "web" }], interval: "30s" });
      expect(many === undefined).toBe(row.workload === undefined);
      if (many !== undefined) expect(parsePromql(many.query)).toMatchObject({ ok: true });
    }
});

test("builtinQuery: a dot in a name matches a dot only", () => {
  expect(queryOf("requests", "istio", { target: "web.v1" })).toContain('destination_workload=~"web[.]v1"');
  expect(queryOf("requests", "osm", { target: "web.v1" })).toContain('destination_name="web.v1"');
});

test.each([
  ["the flag", {}, "istio", "istio"],
  ["the Canary's own", { provider: "nginx" }, "istio", "nginx"],
  ["linkerd behind another router", { provider: "nginx" }, "linkerd", "linkerd"],
  ["crossover", { provider: "nginx" }, "appmesh:crossover", "crossover"],
  ["a core Service", { provider: "nginx", targetRef: { kind: "Service", name: "web" } }, "", "nginx:service"],
  [
    "a core Service with the Gateway API",
    { provider: "gatewayapi:v1", targetRef: { kind: "Service", name: "web" } },
    "",
    "gatewayapi:v1:service",
  ],
])("metricsProviderOf: %s", (_, changes, flag, expected) => {
  expect(metricsProviderOf({ ...bare, spec: { ...bare.spec, ...changes } }, flag)).toBe(expected);
});

test("builtinRowOf: Services have Istio's row, or that of their prefix", () => {
  expect(builtinRowOf("nginx:service")).toBe(istioRow);
  expect(builtinRowOf("gatewayapi:v1:service").requests.series).toBe("http_request_duration_seconds_count");
});

test("workloadQuery: names are listed while they are few, else all are asked for", () => {
  const workloads = [
    { namespace: "shop", name: "web" },
    { namespace: "pay", name: "web.v1" },
  ];
  const few = workloadQuery("requests", istioRow, { workloads, interval: "1m" });
  expect(few?.query).toBe(
    'sum(increase(istio_requests_total{reporter="destination",destination_workload_namespace=~"pay|shop",destination_workload=~"web|web[.]v1"}[1m])) by (destination_workload_namespace, destination_workload)',
  );
  expect(few?.covers({ namespace: "shop", name: "other" })).toBe(false);
  const many = Array.from({ length: 500 }, (_, i) => ({ namespace: "shop", name: `workload-${i}` }));
  const all = workloadQuery("requests", istioRow, { workloads: many, interval: "1m" });
  expect(all?.query).toContain('destination_workload_namespace=~"shop",destination_workload!=""');
  expect(all?.covers({ namespace: "shop", name: "other" })).toBe(true);
  expect(all?.covers({ namespace: "pay", name: "other" })).toBe(false);
});

/** Counters of a few workloads that step at random, some with a reset, some that begin late. */
const workloads = ["web", "web-primary", "api", "v1.x", "v1-x"].flatMap((name) =>
  ["shop", "pay"].map((namespace) => ({ namespace, name })),
);
const counter = fc.record({
  workload: fc.constantFrom(...workloads),
  code: fc.constantFrom("200", "404", "503"),
  le: fc.constantFrom("10", "50", "250", "+Inf"),
  steps: fc.array(fc.oneof(fc.nat({ max: 50 }), fc.constant(0), fc.constant(-1)), { minLength: 1, maxLength: 9 }),
});

interface Counter {
  readonly workload: Workload;
  readonly code: string;
  readonly le: string;
  readonly steps: readonly number[];
}

function storeOf(counters: readonly Counter[]): Queryable {
  const all = new Map<string, Series>();
  for (const [i, { workload, code, le, steps }] of counters.entries()) {
    const timestamps = Float64Array.from(steps, (_, step) => 120_000 - step * 15_000).reverse();
    let total = 0;
    // A reset begins at zero again.
    const sums = Float64Array.from(steps, (step) => (total = step < 0 ? 0 : total + step));
    for (const [metric, more] of [
      ["istio_requests_total", []],
      ["istio_request_duration_milliseconds_bucket", [["le", le]]],
    ] as const) {
      const labels = createLabels([
        ["__name__", metric],
        ["reporter", "destination"],
        ["destination_workload_namespace", workload.namespace],
        ["destination_workload", workload.name],
        ["response_code", code],
        ["pod", `${workload.name}-${i % 3}`],
        ...more,
      ]);
      all.set(labels.key, { labels, timestamps, values: sums });
    }
  }
  return {
    select: (matchers, startMs, endMs) =>
      [...all.values()].flatMap((series) => {
        const accepts = matchers.every((matcher) => {
          const compiled = compileMatcher(matcher);
          return compiled.ok && compiled.value(labelValue(series.labels, matcher.name));
        });
        const isInside = (_: number, i: number) =>
          (series.timestamps[i] ?? 0) >= startMs && (series.timestamps[i] ?? 0) <= endMs;
        return accepts
          ? [{ ...series, timestamps: series.timestamps.filter(isInside), values: series.values.filter(isInside) }]
          : [];
      }),
  };
}

function evaluated(query: string, store: Queryable): PrometheusAnswer {
  const expr = parsePromql(query);
  if (!expr.ok) throw new Error(expr.error.message);
  const result = evaluateInstant(expr.value, store, { timeMs: 120_000 });
  if (!result.ok || result.value.value.type !== "vector") throw new Error(`no vector of ${query}`);
  const elements = result.value.value.elements.map(({ labels, value }) => ({
    labels: Object.fromEntries(labelEntries(labels)),
    value: formatFloat(value),
  }));
  return { kind: "series", elements };
}

/** Sums in another order may differ in the last digits. */
function rounded(result: MetricResult): unknown {
  return result.kind === "value" ? Number(result.value.toPrecision(9)) : result.kind;
}

test("workloadQuery: each workload gets from the shared query what its own query gives", () => {
  fc.assert(
    fc.property(
      fc.array(counter, { maxLength: 40 }),
      fc.constantFrom<BuiltinKind>("success-rate", "duration", "requests"),
      fc.shuffledSubarray(workloads, { minLength: 1 }),
      (counters, kind, askers) => {
        const store = storeOf(counters);
        const shared = workloadQuery(kind, istioRow, { workloads: askers, interval: "1m" });
        const answer = splitByWorkload(evaluated(shared?.query ?? "", store), istioRow, 60_000);
        for (const asker of askers) {
          const own = queryOf(kind, "istio", { namespace: asker.namespace, target: asker.name, interval: "1m" });
          const figure: MetricResult = answer.kind === "figures" ? answer.of(asker) : answer;
          expect(rounded(figure)).toEqual(rounded(singleResult(evaluated(own, store))));
        }
      },
    ),
    { numRuns: 300 },
  );
});

test("builtinQuery: a canary that answers nothing but errors has a success rate of zero, one without requests none", () => {
  const errors = { workload: { namespace: "shop", name: "web" }, code: "503", le: "10", steps: [1, 2, 3, 4] };
  const rate = (steps: number[]) =>
    singleResult(evaluated(queryOf("success-rate", "istio"), storeOf([{ ...errors, steps }])));
  expect(rate([1, 2, 3, 4])).toEqual({ kind: "zero" });
  expect(rate([1, 0, 0, 0, 0, 0])).toEqual({ kind: "empty" });
  expect(singleResult(evaluated(queryOf("success-rate", "istio"), storeOf([])))).toEqual({ kind: "empty" });
});
