import type { CanaryCapacity, KubeObject } from "#api";
import { deepCopy, isObject } from "#base";
import { parseDemoOptions } from "../../../src/cli/demo/options.ts";
import { scenarioOf } from "../../../src/cli/demo/scenario.ts";

/** A release on the embedded cluster, with real requests; times are about a fifth of what they are on a cluster. */
export interface LiveScenario {
  readonly name: string;
  readonly stepWeights: readonly number[];
  /** How long a pod takes until it is ready. */
  readonly podStart: string;
}

/** Two of the simulated scenarios. Source: scenarios.ts. */
export const liveScenarios: readonly LiveScenario[] = [
  // Steps that an autoscaler alone can follow; it has trimmed the primary by the time that all traffic comes back at once.
  { name: "herd at promotion", stepWeights: [10, 20, 30, 40, 50, 60, 70, 80], podStart: "3s" },
  // Half of the traffic at once, for pods of which each takes its time.
  { name: "slow pod start", stepWeights: [50], podStart: "10s" },
];

/** Eight or nine pods of the demo's, at seven requests per second each. */
export const REQUESTS_PER_SECOND = 60;
const INTERVAL = "10s";
const MAX_COUNT = 12;

/** What is compared: autoscalers that react alone, the coupling as it is, and the coupling with a number of the user's. */
export const couplings: Readonly<Record<string, CanaryCapacity>> = {
  alone: { coupling: "off" },
  coupled: { coupling: "enforce" },
  declared: { coupling: "enforce", requestsPerPod: 7 },
};

/** The example's objects with a scenario's rollout; the runs of a comparison differ in `spec.capacity` alone. */
export function liveObjects(scenario: LiveScenario, capacity: CanaryCapacity): readonly KubeObject[] {
  const options = parseDemoOptions({ load: "ramp", interval: INTERVAL });
  if (!options.ok) throw new Error(options.error);
  return scenarioOf(options.value).objects.map((object) => {
    const copy = deepCopy(object) as { kind: string; spec?: unknown };
    if (!isObject(copy.spec)) return object;
    if (copy.kind === "Canary") setRollout(copy.spec, scenario, capacity);
    if (copy.kind === "ScaledObject") copy.spec.maxReplicaCount = MAX_COUNT;
    if (copy.kind === "Deployment") return withPodStart(object, scenario);
    return copy as KubeObject;
  });
}

function setRollout(spec: Record<string, unknown>, { stepWeights }: LiveScenario, capacity: CanaryCapacity): void {
  const analysis = isObject(spec.analysis) ? spec.analysis : {};
  const { stepWeight: _, ...rest } = analysis;
  // Longer than any of these pods takes, so that no run ends for its deadline.
  spec.progressDeadlineSeconds = 60;
  spec.analysis = { ...rest, stepWeights, maxWeight: Math.max(...stepWeights) };
  spec.capacity = capacity;
}

function withPodStart(object: KubeObject, { podStart }: LiveScenario): KubeObject {
  const text = JSON.stringify(object).replace(/(concurrency=[^"]*start=)\w+/, `$1${podStart}`);
  return JSON.parse(text) as KubeObject;
}
