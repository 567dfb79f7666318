import { expect, test } from "vitest";
import { compileMesh } from "../routing/compile-mesh.ts";
import { meshObjects, pod } from "../routing/mesh-fixture.ts";
import { workloadOf } from "../routing/workload.ts";
import { metricSum } from "./proxy-harness.ts";
import { RequestMetrics, type RequestRecord, workloadKey } from "./request-metrics.ts";

const source = workloadOf(
  pod({ name: "front-1", address: "127.1.1.1", deployment: "front", labels: { app: "front" } }),
);
const destination = workloadOf(pod({ name: "web-1", address: "127.1.1.2", deployment: "web", labels: { app: "web" } }));

function record(fields: Partial<RequestRecord> = {}): RequestRecord {
  return {
    reporter: "source",
    source,
    destination,
    service: { host: "web.shop.svc.cluster.local", name: "web", namespace: "shop" },
    responseCode: 200,
    flags: "-",
    protocol: "http",
    grpcStatus: "",
    isMutualTls: true,
    durationMs: 7,
    requestBytes: 100,
    responseBytes: 2000,
    request: {
      method: "GET",
      authority: "web",
      path: "/",
      header: (name) => (name === "x-user" ? 'a "b"\\' : undefined),
    },
    ...fields,
  };
}

test("RequestMetrics writes labels in Istio's order and buckets with Istio's bounds", () => {
  const metrics = new RequestMetrics();
  metrics.record(record(), 0);
  const lines = metrics.expose().split("\n");
  expect(lines[0]).toBe("# TYPE istio_requests_total counter");
  expect(lines[1]).toBe(
    'istio_requests_total{reporter="source",source_workload="front",source_canonical_service="front",source_canonical_revision="latest",source_workload_namespace="shop",source_principal="spiffe://cluster.local/ns/shop/sa/default",source_app="front",source_version="",source_cluster="Kubernetes",destination_workload="web",destination_workload_namespace="shop",destination_principal="spiffe://cluster.local/ns/shop/sa/default",destination_app="web",destination_version="",destination_service="web.shop.svc.cluster.local",destination_canonical_service="web",destination_canonical_revision="latest",destination_service_name="web",destination_service_namespace="shop",destination_cluster="Kubernetes",request_protocol="http",response_code="200",grpc_response_status="",response_flags="-",connection_security_policy="unknown"} 1',
  );
  const bounds = lines
    .filter((line) => line.startsWith("istio_request_duration_milliseconds_bucket"))
    .map((line) => /le="([^"]+)"} (\d+)/.exec(line)?.slice(1));
  expect(bounds.slice(0, 4)).toEqual([
    ["0.5", "0"],
    ["1", "0"],
    ["5", "0"],
    ["10", "1"],
  ]);
  expect(bounds.slice(-2)).toEqual([
    ["3600000", "1"],
    ["+Inf", "1"],
  ]);
  expect(metricSum(metrics.expose(), "istio_response_bytes_sum")).toBe(2000);
});

test("RequestMetrics adds, replaces and removes tags as Telemetry says, values escaped", () => {
  const metrics = new RequestMetrics();
  const tagOverrides = {
    request_method: { value: "request.method" },
    user: { value: "request.headers['x-user']" },
    source_app: { operation: "REMOVE" as const },
    destination_app: { value: "'fixed'" },
  };
  const telemetry = {
    apiVersion: "telemetry.istio.io/v1",
    kind: "Telemetry",
    metadata: { name: "t", namespace: "shop" },
    spec: { metrics: [{ overrides: [{ match: { metric: "REQUEST_COUNT" }, tagOverrides }] }] },
  };
  metrics.setRules(compileMesh(meshObjects({ telemetries: [telemetry] })).telemetry);
  metrics.record(record(), 0);
  const [, line = ""] = metrics.expose().split("\n");
  expect(line).toContain('request_method="GET",user="a \\"b\\"\\\\"');
  expect(line).toContain('destination_app="fixed"');
  expect(line).not.toContain("source_app");
  expect(metrics.expose()).toMatch(/istio_request_bytes_count\{[^}]*source_app="front"/);
});

test("RequestMetrics keeps one series for all pods of a workload, over reconfigurations", () => {
  const metrics = new RequestMetrics();
  metrics.record(record(), 0);
  metrics.record(record({ destination: { ...destination } }), 0);
  expect(metricSum(metrics.expose(), "istio_requests_total")).toBe(2);
  expect(
    metrics
      .expose()
      .split("\n")
      .filter((line) => line.startsWith("istio_requests_total{")),
  ).toHaveLength(1);
});

test("RequestMetrics forgets series of workloads that are gone, some time after their last use", () => {
  const metrics = new RequestMetrics();
  metrics.record(record(), 1000);
  metrics.record(record({ destination: { ...destination, workload: "old" } }), 1000);
  const isKnown = (workload: string): boolean => workload !== "shop/old";
  metrics.forget(1000, isKnown);
  expect(metricSum(metrics.expose(), "istio_requests_total")).toBe(2);
  metrics.forget(1001, isKnown);
  expect(metricSum(metrics.expose(), "istio_requests_total")).toBe(1);
  expect(workloadKey(destination)).toBe("shop/web");
});

test("RequestMetrics takes a bounded number of series and counts what it drops", () => {
  const metrics = new RequestMetrics();
  for (let index = 0; index < 20_500; index++)
    metrics.record(record({ service: { host: `host-${index}`, name: "x", namespace: "y" } }), 0);
  expect(metrics.droppedCount).toBe(500);
});
