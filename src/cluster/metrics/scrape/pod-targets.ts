import type { Pod } from "#api";
import type { ScrapeTarget } from "./scrape-target.ts";

const POD_JOB = "kubernetes-pods";
const DEFAULT_PORT = 80;

/**
 * The scrape targets among pods: those that run, have an address and the annotation `prometheus.io/scrape: "true"`.
 * `prometheus.io/port`, `/path` and `/scheme` (http only) tell where. Series get the pod's labels and `namespace`, `pod` and
 * `node`, and the older `kubernetes_namespace` and `kubernetes_pod_name` beside them.
 *
 * Source: job `kubernetes-pods` of Istio's samples/addons/prometheus.yaml.
 */
export function podTargets(pods: readonly Pod[]): readonly ScrapeTarget[] {
  return pods.flatMap((pod) => podTarget(pod) ?? []);
}

function podTarget(pod: Pod): ScrapeTarget | undefined {
  const annotations = pod.metadata.annotations ?? {};
  const address = pod.status?.podIP;
  if (annotations["prometheus.io/scrape"] !== "true" || pod.status?.phase !== "Running" || !address) return undefined;
  if (pod.metadata.deletionTimestamp !== undefined) return undefined;
  if ((annotations["prometheus.io/scheme"] ?? "http") !== "http") return undefined;
  const url = targetUrl(address, { port: annotatedPort(pod), path: annotations["prometheus.io/path"] ?? "/metrics" });
  if (url === undefined) return undefined;
  return { job: POD_JOB, url, labels: podLabels(pod), honorLabels: true };
}

function annotatedPort(pod: Pod): number {
  const annotation = pod.metadata.annotations?.["prometheus.io/port"];
  if (annotation !== undefined) return Number(annotation);
  return pod.spec.containers.flatMap(({ ports }) => ports ?? [])[0]?.containerPort ?? DEFAULT_PORT;
}

function targetUrl(
  address: string,
  { port, path }: { readonly port: number; readonly path: string },
): string | undefined {
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return undefined;
  const host = address.includes(":") ? `[${address}]` : address;
  const text = `http://${host}:${port}${path.startsWith("/") ? path : `/${path}`}`;
  // The path is the user's text; it must not lead to another host.
  return URL.canParse(text) && new URL(text).hostname === host ? text : undefined;
}

function podLabels(pod: Pod): Readonly<Record<string, string>> {
  const { name = "", namespace = "" } = pod.metadata;
  const labels = new Map<string, string>();
  for (const [key, value] of Object.entries(pod.metadata.labels ?? {})) labels.set(labelNameOf(key), value);
  labels.set("namespace", namespace);
  labels.set("pod", name);
  labels.set("kubernetes_namespace", namespace);
  labels.set("kubernetes_pod_name", name);
  if (pod.spec.nodeName !== undefined) labels.set("node", pod.spec.nodeName);
  return Object.fromEntries(labels);
}

/** `app.kubernetes.io/name` → `app_kubernetes_io_name`, as Prometheus' service discovery does. */
function labelNameOf(key: string): string {
  const name = key.replace(/[^a-zA-Z0-9_]/g, "_");
  return /^\d/.test(name) ? `_${name}` : name;
}
