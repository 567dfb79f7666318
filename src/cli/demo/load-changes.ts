import type { KubeObject } from "#api";
import { deepCopy, isObject } from "#base";

/**
 * What one pod of the app can do under a load that changes: two requests at a time, 200 ms each, so 10 a second. The
 * limit is podinfo's own variable, not another image: the demo stays the article's app, and a real podinfo ignores it.
 */
const POD_CAPACITY = "concurrency=2,time=200ms,queue=10,start=3s";
/** What the autoscalers give a pod: seven tenths of what it can do. */
const TARGET_PER_POD = 7;
const MAX_COUNT = 9;
/** Window of the autoscalers' rate; the example's minute would be half of a run. */
const WINDOW = "10s";
/** What an answer may take: the Canary's own limit of the request duration. */
export const LATENCY_TARGET_MS = 500;
/** How often autoscalers look; 15 s on a cluster, where a day is longer than two minutes. */
export const AUTOSCALE_INTERVAL_MS = 3000;

/** What `serin demo --load` changes in the example: the app gets a limit, and autoscaling the pace of the compressed day. */
export function withLoadChanges(objects: readonly KubeObject[]): KubeObject[] {
  return objects.map((object) => {
    const copy = deepCopy(object) as { kind: string; spec?: unknown };
    if (!isObject(copy.spec)) return object;
    if (copy.kind === "Deployment" && object.metadata.name === "canary-app") limitApp(copy.spec);
    if (copy.kind === "ScaledObject") quicken(copy.spec);
    // Visitors make the load; a second source of it would only blur what is seen.
    if (copy.kind === "Canary") dropWebhook(copy.spec, "load-test");
    return copy as KubeObject;
  });
}

function limitApp(spec: Record<string, unknown>): void {
  // Pods that come and go one after the other would take longer than the day.
  spec.minReadySeconds = 1;
  spec.strategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: "50%" } };
  const template = isObject(spec.template) && isObject(spec.template.spec) ? spec.template.spec : {};
  for (const container of listOf(template.containers)) {
    container.env = [...listOf(container.env), { name: "PODINFO_CAPACITY", value: POD_CAPACITY }];
    // Each probe by a command starts a process; with a dozen pods those would be most of what the machine does.
    container.readinessProbe = { httpGet: { path: "/readyz", port: "http" }, periodSeconds: 1 };
    container.livenessProbe = { httpGet: { path: "/healthz", port: "http" }, periodSeconds: 5 };
    // It serves until the proxy has heard that it goes.
    container.lifecycle = { preStop: { exec: { command: ["sleep", "2"] } } };
  }
}

function quicken(spec: Record<string, unknown>): void {
  spec.pollingInterval = 2;
  spec.maxReplicaCount = MAX_COUNT;
  const fast = { stabilizationWindowSeconds: 15, policies: [{ type: "Percent", value: 50, periodSeconds: 5 }] };
  spec.advanced = { horizontalPodAutoscalerConfig: { behavior: { scaleDown: fast } } };
  for (const { metadata } of listOf(spec.triggers)) {
    if (!isObject(metadata)) continue;
    metadata.threshold = String(TARGET_PER_POD);
    metadata.query = String(metadata.query).replace(/\[\w+\]/, `[${WINDOW}]`);
  }
}

function dropWebhook({ analysis }: Record<string, unknown>, name: string): void {
  if (isObject(analysis)) analysis.webhooks = listOf(analysis.webhooks).filter((webhook) => webhook.name !== name);
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}
