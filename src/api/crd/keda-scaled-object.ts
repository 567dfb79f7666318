import { between, bool, described, int32, listOf, mapOf, object, oneOf, text, withDefault } from "../schema/build.ts";
import { ruled } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";

/** Fields of the ScaledObject. Source: KEDA 2.20, `keda.sh/v1alpha1`. */

const filled: Schema = { type: "string", minLength: 1 };
const notNegative = between(0, undefined, int32);
const positive = between(1, undefined, int32);

/** A resource.Quantity as controller-gen writes it. */
const quantityText: Schema = {
  anyOf: [{ type: "integer" }, { type: "string" }],
  pattern:
    "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
  "x-kubernetes-int-or-string": true,
};

/** Looser than that of an autoscaler: what is wrong with it comes up when the autoscaler is made. */
const scalingRules = object({
  policies: listOf(object({ type: text, value: int32, periodSeconds: int32 }, ["periodSeconds", "type", "value"])),
  selectPolicy: text,
  stabilizationWindowSeconds: int32,
  tolerance: quantityText,
});

const advanced = object({
  horizontalPodAutoscalerConfig: object({
    name: described("Name of the autoscaler; keda-hpa- and this object's name when absent.", text),
    behavior: object({ scaleUp: scalingRules, scaleDown: scalingRules }),
  }),
  restoreToOriginalReplicaCount: described("Whether deletion gives back the first number of replicas.", bool),
  scalingModifiers: object({
    formula: described("One metric made of all triggers, by their names.", text),
    target: text,
    activationTarget: text,
    metricType: oneOf("AverageValue", "Value"),
  }),
});

const trigger = object(
  {
    type: described("Which server is asked.", filled),
    name: described("How a formula names the trigger.", text),
    metadata: described("Settings of the trigger; all values are texts.", mapOf(text)),
    metricType: text,
    useCachedMetrics: described("Whether the autoscaler gets the value of the last poll.", bool),
    authenticationRef: object({ name: text, kind: oneOf("TriggerAuthentication", "ClusterTriggerAuthentication") }, [
      "name",
    ]),
  },
  ["metadata", "type"],
);

const fallback = object(
  {
    failureThreshold: described("Failures beyond this number lead to the fallback.", notNegative),
    replicas: described("Replicas to aim at.", notNegative),
    behavior: withDefault(
      "static",
      oneOf("static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower", "scalingModifiers"),
    ),
  },
  ["failureThreshold", "replicas"],
);

const fields = object(
  {
    scaleTargetRef: described(
      "The workload that is scaled; a Deployment unless a kind is given.",
      object({ name: filled, apiVersion: text, kind: text, envSourceContainerName: text }, ["name"]),
    ),
    pollingInterval: described("Seconds between two polls; 30 when absent.", positive),
    initialCooldownPeriod: described("Seconds after creation before it first goes to zero.", notNegative),
    cooldownPeriod: described("Seconds without work before it goes to zero; 300 when absent.", notNegative),
    idleReplicaCount: described("Replicas while there is no work.", notNegative),
    minReplicaCount: described("Fewest replicas; 0 when absent.", notNegative),
    maxReplicaCount: described("Most replicas; 100 when absent.", positive),
    advanced,
    triggers: { ...arrayOf(trigger), minItems: 1 },
    fallback: described("What is aimed at while triggers cannot be read.", fallback),
  },
  ["scaleTargetRef", "triggers"],
);

export const scaledObjectSpec: Schema = ruled(
  "!has(self.minReplicaCount) || self.minReplicaCount <= (has(self.maxReplicaCount) ? self.maxReplicaCount : 100)",
  "minReplicaCount must be less than or equal to maxReplicaCount",
  fields,
);

export const scaledObjectStatus: Schema = object({
  scaleTargetKind: text,
  scaleTargetGVKR: object({ group: text, kind: text, resource: text, version: text }, [
    "group",
    "kind",
    "resource",
    "version",
  ]),
  originalReplicaCount: int32,
  lastActiveTime: { type: "string", format: "date-time" },
  externalMetricNames: arrayOf(text),
  resourceMetricNames: arrayOf(text),
  compositeScalerName: text,
  conditions: arrayOf(object({ type: text, status: text, reason: text, message: text }, ["status", "type"])),
  health: mapOf(object({ numberOfFailures: int32, status: text })),
  triggersActivity: mapOf(object({ isActive: bool })),
  pausedReplicaCount: int32,
  hpaName: text,
  triggersTypes: text,
  authenticationsTypes: text,
});
