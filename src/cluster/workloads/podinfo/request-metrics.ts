import { Counter, Histogram, Registry } from "prom-client";

/** Request metrics with the names, labels and buckets of the real podinfo. */
export interface RequestMetrics {
  observe(request: { readonly method: string; readonly path: string; readonly status: number }, seconds: number): void;
  readonly contentType: string;
  text(): Promise<string>;
}

/** Source: podinfo 6.4, pkg/api/metrics.go; the buckets are Prometheus' defaults. */
const BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createRequestMetrics(): RequestMetrics {
  const registry = new Registry();
  const total = new Counter({
    name: "http_requests_total",
    help: "The total number of HTTP requests.",
    labelNames: ["status"],
    registers: [registry],
  });
  const duration = new Histogram({
    name: "http_request_duration_seconds",
    help: "Seconds spent serving HTTP requests.",
    labelNames: ["method", "path", "status"],
    buckets: BUCKETS,
    registers: [registry],
  });
  return {
    observe({ method, path, status }, seconds) {
      total.inc({ status });
      duration.observe({ method, path, status }, seconds);
    },
    contentType: registry.contentType,
    text: () => registry.metrics(),
  };
}
