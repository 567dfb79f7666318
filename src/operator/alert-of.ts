import type { Canary } from "#api";
import { type Command, namesOf } from "#rollout";
import type { Alert, AlertField } from "./alerts/index.ts";

/** Makes the message for people from what a decision says. `clusterName` is empty for none. Source: flagger-spec 7. */
export function alertOf(command: Extract<Command, { kind: "alert" }>, canary: Canary, clusterName: string): Alert {
  const { severity, message, hasMetadata, isTerminal, reason } = command;
  return {
    canary,
    severity,
    message,
    isTerminal,
    ...(reason === undefined ? {} : { reason }),
    fields: [
      ...(clusterName === "" ? [] : [{ title: "Cluster", value: clusterName }]),
      ...(hasMetadata ? metadataOf(canary) : []),
    ],
  };
}

function metadataOf(canary: Canary): AlertField[] {
  const { targetKind, targetRef } = namesOf(canary);
  const { analysis, progressDeadlineSeconds = 600 } = canary.spec;
  return [
    { title: "Target", value: `${targetKind}/${targetRef}` },
    { title: "Failed checks threshold", value: String(analysis.threshold ?? 1) },
    { title: "Progress deadline", value: `${progressDeadlineSeconds}s` },
    { title: "Traffic routing", value: routingOf(canary) },
  ];
}

function routingOf({ spec: { analysis } }: Canary): string {
  const isIterated = (analysis.iterations ?? 0) > 0;
  if (isIterated && (analysis.match?.length ?? 0) > 0) return "A/B Testing";
  if (isIterated) return "Blue/Green";
  const max = analysis.maxWeight ?? 0;
  if ((analysis.stepWeight ?? 0) > 0) return `Weight step: ${analysis.stepWeight} max: ${max}`;
  return `Weight steps: ${(analysis.stepWeights ?? []).join(",")} max: ${max}`;
}
