import type { Canary } from "#api";
import { namesOf } from "#rollout";
import type { AlertField } from "./alert.ts";

/** What an alert tells about its Canary, for the messages that Flagger gives it to. Source: flagger-spec 7. */
export function alertFields(canary: Canary): readonly AlertField[] {
  const { target, targetKind, namespace } = namesOf(canary);
  const { analysis, progressDeadlineSeconds } = canary.spec;
  const routing = trafficRouting(canary);
  return [
    { title: "Target", value: `${targetKind}/${target}.${namespace}` },
    { title: "Failed checks threshold", value: String(Math.max(1, analysis.threshold ?? 1)) },
    { title: "Progress deadline", value: `${progressDeadlineSeconds ?? 600}s` },
    ...(routing === undefined ? [] : [{ title: "Traffic routing", value: routing }]),
  ];
}

function trafficRouting({ spec: { analysis } }: Canary): string | undefined {
  const { stepWeight = 0, stepWeights = [], maxWeight = 0, iterations = 0, match = [] } = analysis;
  if (iterations > 0) return match.length > 0 ? "A/B Testing" : "Blue/Green";
  if (stepWeight > 0) return `Weight step: ${stepWeight} max: ${maxWeight}`;
  if (stepWeights.length > 0) return `Weight steps: ${stepWeights.join(",")} max: ${maxWeight}`;
  return undefined;
}
