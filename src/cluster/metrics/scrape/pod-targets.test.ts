import { expect, test } from "vitest";
import type { Pod } from "#api";
import { podTargets } from "./pod-targets.ts";

function pod(annotations: Record<string, string>, changes: Partial<Pod> = {}): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name: "web-1",
      namespace: "shop",
      annotations: { "prometheus.io/scrape": "true", ...annotations },
      labels: { app: "web", "app.kubernetes.io/name": "web" },
    },
    spec: { containers: [{ name: "web", image: "web", ports: [{ containerPort: 9898 }] }], nodeName: "node" },
    status: { phase: "Running", podIP: "127.20.1.4" },
    ...changes,
  };
}

function urls(...pods: Pod[]): string[] {
  return podTargets(pods).map(({ url }) => url);
}

test("podTargets: annotated running pods, with port, path and the labels of Istio's sample configuration", () => {
  const [target] = podTargets([pod({ "prometheus.io/port": "9797", "prometheus.io/path": "stats" })]);
  expect(target).toEqual({
    job: "kubernetes-pods",
    url: "http://127.20.1.4:9797/stats",
    honorLabels: true,
    labels: {
      app: "web",
      app_kubernetes_io_name: "web",
      namespace: "shop",
      pod: "web-1",
      kubernetes_namespace: "shop",
      kubernetes_pod_name: "web-1",
      node: "node",
    },
  });
});

test("podTargets: the first container port is the default", () => {
  expect(urls(pod({}))).toEqual(["http://127.20.1.4:9898/metrics"]);
});

test("podTargets: leaves out pods that cannot or should not be scraped", () => {
  const metadata = pod({}).metadata;
  expect(
    urls(
      pod({ "prometheus.io/scrape": "false" }),
      pod({ "prometheus.io/port": "http" }),
      pod({ "prometheus.io/port": "70000" }),
      pod({ "prometheus.io/scheme": "https" }),
      pod({}, { status: { phase: "Pending", podIP: "127.20.1.4" } }),
      pod({}, { status: { phase: "Running" } }),
      pod({}, { metadata: { ...metadata, deletionTimestamp: "2026-01-01T00:00:00Z" } }),
    ),
  ).toEqual([]);
});

test("podTargets: a path cannot lead to another host", () => {
  for (const path of ["@evil.example/metrics", "//evil.example/", "/\\evil.example", "?x", "#y"]) {
    for (const url of urls(pod({ "prometheus.io/path": path }))) expect(new URL(url).hostname).toBe("127.20.1.4");
  }
});
