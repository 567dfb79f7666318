import { join } from "node:path";
import type { KubeObject } from "#api";
import { findExamples } from "../installation.ts";
import { readManifests } from "../output/manifests.ts";
import { withDemoTimes } from "./changes.ts";
import { AUTOSCALE_INTERVAL_MS, withLoadChanges } from "./load-changes.ts";
import { CURVE_MS, type LoadCurve, loadCurve, steadyLoad } from "./load-curve.ts";
import type { DemoOptions } from "./options.ts";

/** What a run of the demo is made of. */
export interface Scenario {
  /** Where the objects come from, for people. */
  readonly source: string;
  readonly objects: readonly KubeObject[];
  readonly rateAt: LoadCurve;
  /** The load, for people. */
  readonly load: string;
  /** Load before the change. */
  readonly baselineMs: number;
  /** The load goes on for at least so long, though the release may be over. */
  readonly loadMs: number;
  /** How often autoscalers look; undefined for the cluster's own pace. */
  readonly autoscaleIntervalMs: number | undefined;
  readonly isScaled: boolean;
}

/** So that the first frame has numbers. */
const STEADY_BASELINE_MS = 2000;
/** Autoscalers look at a window of ten seconds. */
const CHANGING_BASELINE_MS = 12_000;

/** Chooses and shortens the example's objects, and the load. */
export function scenarioOf(options: DemoOptions): Scenario {
  const article = findExamples("article");
  const { load: shape, requestsPerSecond } = options;
  const plain = readManifests(article);
  if (shape === undefined)
    return {
      source: "examples/article",
      objects: withDemoTimes(plain, options),
      rateAt: steadyLoad(requestsPerSecond),
      load: `${requestsPerSecond} requests/s`,
      baselineMs: STEADY_BASELINE_MS,
      loadMs: 0,
      autoscaleIntervalMs: undefined,
      isScaled: false,
    };
  const kept = plain.filter(({ kind }) => kind !== "Canary" && kind !== "HorizontalPodAutoscaler");
  const objects = [...kept, ...readManifests(join(article, "keda"))];
  return {
    source: "examples/article with keda/",
    objects: withDemoTimes(withLoadChanges(objects), options),
    rateAt: loadCurve(shape, requestsPerSecond),
    load: `a ${shape} load of at most ${requestsPerSecond} requests/s`,
    baselineMs: CHANGING_BASELINE_MS,
    loadMs: CURVE_MS,
    autoscaleIntervalMs: AUTOSCALE_INTERVAL_MS,
    isScaled: true,
  };
}
