import { drawCopy } from "./copy-traffic.ts";
import { ISTIO_BOUNDS_MS } from "./latency-shares.ts";
import { PodNoise } from "./noise.ts";
import { PodHistory, type PrimaryHistory } from "./pod-history.ts";
import { randomStream } from "./random-stream.ts";
import { effectAt, PRIMARY_POD_COUNT, type TrafficPlan } from "./traffic-plan.ts";

const HISTORY_MS = 7_200_000;
const STEP_MS = 10_000;

/** Draws two hours of the healthy primary, pod by pod, and measures what the operator would ask for. Source: statistics reference 2.8. */
export function drawHistory(plan: TrafficPlan, seed: number): PrimaryHistory {
  const random = randomStream(seed, "history");
  const noise = new PodNoise(plan.noise, randomStream(seed, "history noise"), {
    podCount: PRIMARY_POD_COUNT,
    stepMs: STEP_MS,
  });
  const history = new PodHistory({ podCount: PRIMARY_POD_COUNT, boundCount: ISTIO_BOUNDS_MS.length });
  const requestMean = (plan.requestsPerSecond * STEP_MS) / 1000 / PRIMARY_POD_COUNT;
  const calm = effectAt([], 0);
  for (let step = 0; step < HISTORY_MS / STEP_MS; step += 1) {
    noise.step();
    for (let pod = 0; pod < PRIMARY_POD_COUNT; pod += 1) {
      const group = {
        requestMean,
        effect: calm,
        errorRate: plan.errorRate,
        isBursty: plan.noise === "burst",
        errorLogs: noise.errorLogs,
        latencyLogs: noise.latencyLogs,
        firstPod: pod,
        podCount: 1,
      };
      history.add(pod, drawCopy(random, group, ISTIO_BOUNDS_MS));
    }
    history.endTick();
  }
  return history.summary();
}
