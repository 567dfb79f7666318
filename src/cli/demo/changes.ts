import type { KubeObject } from "#api";
import { deepCopy, formatDuration, isObject } from "#base";
import type { DemoOptions } from "./options.ts";

/** What the demo releases. */
const NEW_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.1";
export const OLD_VERSION = "6.4.0";
export const NEW_VERSION = "6.4.1";

/** How long a new version may take to become ready in the demo; the article's 60 s would be most of a run. */
const PROGRESS_DEADLINE_SECONDS = 25;
/** Shortest window of a metric; under a load that changes that of the autoscalers, too. */
const WINDOW_MIN_MS = 10_000;

/**
 * Shortens the example's times so that a run fits in a minute and a half: the analysis interval, the window of each
 * metric (five intervals, at least 10 s; under a load that changes 10 s), and the progress deadline. Everything else stays as the manifests have it.
 */
export function withDemoTimes(objects: readonly KubeObject[], options: DemoOptions): KubeObject[] {
  return objects.map((object) => {
    const copy = deepCopy(object) as { spec?: unknown };
    if (object.kind === "Canary" && isObject(copy.spec)) shortenCanary(copy.spec, options);
    if (object.kind === "Deployment" && isObject(copy.spec) && "progressDeadlineSeconds" in copy.spec) {
      copy.spec.progressDeadlineSeconds = PROGRESS_DEADLINE_SECONDS;
    }
    return copy as KubeObject;
  });
}

/**
 * The quickest profile: half a point of errors is ruled out in about a minute. The app is warm at once, and nobody watches a
 * demo for half an hour.
 */
const SEQUENTIAL = { profile: "fast", warmup: "3s", maxDuration: "2m" };

function shortenCanary(spec: Record<string, unknown>, { intervalMs, load, method }: DemoOptions): void {
  // What a pod serves is learned from two rates, the mesh's and the autoscaler's: their windows are the same.
  const windowMs = load === undefined ? Math.max(WINDOW_MIN_MS, 5 * intervalMs) : WINDOW_MIN_MS;
  spec.progressDeadlineSeconds = PROGRESS_DEADLINE_SECONDS;
  if (!isObject(spec.analysis)) return;
  spec.analysis.interval = wholeSeconds(intervalMs);
  if (method === "sequential") {
    spec.analysis.method = method;
    spec.analysis.sequential = SEQUENTIAL;
  }
  for (const metric of Array.isArray(spec.analysis.metrics) ? spec.analysis.metrics : []) {
    if (isObject(metric)) metric.interval = wholeSeconds(windowMs);
  }
}

/** The Canary's schema takes whole minutes or seconds only. */
function wholeSeconds(ms: number): string {
  return formatDuration(Math.ceil(ms / 1000) * 1000).replace(/^(\d+)m0s$/, "$1m");
}

/** The change that starts the rollout: the new image, and with it the fault, so that only the new version has it. */
export function releasePatch(options: DemoOptions): object {
  const env = options.fault === undefined ? [] : [{ name: "PODINFO_FAULT", value: options.fault.setting }];
  return { spec: { template: { spec: { containers: [{ name: "canary-app", image: NEW_IMAGE, env }] } } } };
}
