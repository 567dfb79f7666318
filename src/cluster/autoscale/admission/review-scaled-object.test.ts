import { expect, test } from "vitest";
import type { HorizontalPodAutoscaler, LimitRange, PodSpec, ScaledObject, ScaledObjectSpec } from "#api";
import { reviewScaledObject, type ScaledObjectReviewInput } from "./review-scaled-object.ts";

/** Each rule of KEDA's webhook by what keeps and what breaks it. Source: keda-hpa-spec 3.1. */

const cron = { type: "cron", metadata: {} };
const cpu = { type: "cpu", metricType: "Utilization", metadata: { value: "60" } };
const memory = { type: "memory", metadata: { value: "60" } };

function scaled(spec: Partial<ScaledObjectSpec>, metadata: ScaledObject["metadata"] = {}): ScaledObject {
  return {
    apiVersion: "keda.sh/v1alpha1",
    kind: "ScaledObject",
    metadata: { name: "web", namespace: "shop", ...metadata },
    spec: { scaleTargetRef: { name: "web" }, triggers: [cron], ...spec },
  };
}

function autoscaler(name: string, metadata: HorizontalPodAutoscaler["metadata"] = {}): HorizontalPodAutoscaler {
  return {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    metadata: { name, namespace: "shop", ...metadata },
    spec: { scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" }, maxReplicas: 3 },
  };
}

function limits(type: string, values: object): LimitRange {
  return { apiVersion: "v1", kind: "LimitRange", metadata: { name: "l" }, spec: { limits: [{ type, ...values }] } };
}

const pods = (...resources: (PodSpec["containers"][number]["resources"] | undefined)[]): PodSpec => ({
  containers: resources.map((each, i) => ({ name: `c${i}`, ...(each === undefined ? {} : { resources: each }) })),
});

function review(scaledObject: ScaledObject, world: Partial<ScaledObjectReviewInput> = {}) {
  const nothing = { scaledObjects: [], autoscalers: [], limitRanges: [], podSpec: undefined, isDryRun: false };
  return reviewScaledObject({ ...nothing, ...world, scaledObject });
}

/** `reason path` of each finding. */
function reasons(scaledObject: ScaledObject, world: Partial<ScaledObjectReviewInput> = {}): string[] {
  return review(scaledObject, world).problems.map(({ code, path }) => `${code} ${path}`);
}

const named = (name: string) => ({ advanced: { horizontalPodAutoscalerConfig: { name } } });

test("reviewScaledObject: a target and a trigger are enough, and nothing is said", () => {
  expect(review(scaled({}))).toEqual({ problems: [], warnings: [] });
});

test("reviewScaledObject: a finding says what is wrong, what to change, and KEDA's reason", () => {
  expect(review(scaled({ minReplicaCount: 5, maxReplicaCount: 2 })).problems).toEqual([
    {
      path: "spec.minReplicaCount",
      code: "incorrect-replicas",
      message: "5 is more than maxReplicaCount, which is 2 [incorrect-replicas]",
      fix: "raise the one or lower the other",
    },
  ]);
});

test.each<[string, ScaledObject, string[]]>([
  ["a name of 63 characters whose autoscaler has a name", scaled(named("a"), { name: "n".repeat(63) }), []],
  ["a name of 64", scaled(named("a"), { name: "n".repeat(64) }), ["name-too-long metadata.name"]],
  ["an autoscaler's name made from 54 characters", scaled({}, { name: "n".repeat(54) }), []],
  [
    "an autoscaler's name made from 55",
    scaled({}, { name: "n".repeat(55) }),
    ["hpa-name-too-long spec.advanced.horizontalPodAutoscalerConfig.name"],
  ],
  [
    "an autoscaler's name of 64",
    scaled(named("n".repeat(64))),
    ["hpa-name-too-long spec.advanced.horizontalPodAutoscalerConfig.name"],
  ],
  ["a minimum as high as the default maximum", scaled({ minReplicaCount: 100 }), []],
  ["a minimum above it", scaled({ minReplicaCount: 101 }), ["incorrect-replicas spec.minReplicaCount"]],
  ["idling at 0 below 1", scaled({ idleReplicaCount: 0, minReplicaCount: 1 }), []],
  ["idling at 0 with a minimum of 0", scaled({ idleReplicaCount: 0, minReplicaCount: 0 }), []],
  ["idling at 0 without a minimum", scaled({ idleReplicaCount: 0 }), ["incorrect-replicas spec.idleReplicaCount"]],
  [
    "idling at the minimum",
    scaled({ idleReplicaCount: 2, minReplicaCount: 2 }),
    ["incorrect-replicas spec.idleReplicaCount"],
  ],
  ["a fallback", scaled({ fallback: { failureThreshold: 3, replicas: 6 } }), []],
  [
    "a negative fallback",
    scaled({ fallback: { failureThreshold: -1, replicas: -1 } }),
    ["incorrect-fallback spec.fallback.failureThreshold", "incorrect-fallback spec.fallback.replicas"],
  ],
  [
    "a fallback of cpu and memory alone",
    scaled({ minReplicaCount: 1, triggers: [cpu, memory], fallback: { failureThreshold: 3, replicas: 6 } }),
    ["incorrect-fallback spec.fallback"],
  ],
  [
    "a fallback to a formula that is not there",
    scaled({ fallback: { failureThreshold: 3, replicas: 6, behavior: "scalingModifiers" } }),
    ["incorrect-fallback spec.fallback.behavior"],
  ],
  ["no trigger", scaled({ triggers: [] }), ["incorrect-triggers spec.triggers"]],
  ["triggers without names", scaled({ triggers: [cron, cron, { ...cron, name: "" }] }), []],
  [
    "a name twice, and again",
    scaled({ triggers: [{ ...cron, name: "a" }, cron, { ...cron, name: "a" }, { ...cron, name: "a" }] }),
    ["incorrect-triggers spec.triggers[2].name", "incorrect-triggers spec.triggers[3].name"],
  ],
  ["kept metrics", scaled({ triggers: [{ type: "redis", metadata: {}, useCachedMetrics: true }] }), []],
  [
    "kept metrics of what has none",
    scaled({ minReplicaCount: 1, triggers: [cron, cpu, memory].map((each) => ({ ...each, useCachedMetrics: true })) }),
    [0, 1, 2].map((i) => `incorrect-triggers spec.triggers[${i}].useCachedMetrics`),
  ],
])("reviewScaledObject: judges %s", (_, scaledObject, expected) => {
  expect(reasons(scaledObject)).toEqual(expected);
});

test.each<[string, ScaledObject, ScaledObject, string[]]>([
  ["itself", scaled({}), scaled({}), []],
  ["one for another target", scaled({}), scaled({ scaleTargetRef: { name: "api" } }, { name: "api" }), []],
  [
    "one for another kind",
    scaled({}),
    scaled({ scaleTargetRef: { kind: "StatefulSet", name: "web" } }, { name: "other" }),
    [],
  ],
  [
    "one for the same target, written out",
    scaled({}),
    scaled({ scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" } }, { name: "other" }),
    ["other-scaled-object spec.scaleTargetRef"],
  ],
  [
    "one with the same autoscaler",
    scaled(named("keda-hpa-api")),
    scaled({ scaleTargetRef: { name: "api" } }, { name: "api" }),
    ["other-scaled-object-hpa spec.advanced.horizontalPodAutoscalerConfig.name"],
  ],
])("reviewScaledObject: beside %s", (_, scaledObject, other, expected) => {
  expect(reasons(scaledObject, { scaledObjects: [other] })).toEqual(expected);
});

const owned = (name: string) => ({
  ownerReferences: [{ apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name, uid: "u" }],
});
const transfer = { annotations: { "scaledobject.keda.sh/transfer-hpa-ownership": "true" } };
const foreign = "other-hpa spec.scaleTargetRef";

test.each<[string, ScaledObject, HorizontalPodAutoscaler, string[]]>([
  ["its own autoscaler", scaled({}), autoscaler("keda-hpa-web", owned("web")), []],
  ["another's", scaled({}), autoscaler("keda-hpa-api", owned("api")), [foreign]],
  ["nobody's", scaled({}), autoscaler("web"), [foreign]],
  ["nobody's, of another target", scaled({ scaleTargetRef: { name: "api" } }), autoscaler("web"), []],
  [
    "one that is not to be looked at",
    scaled({}),
    autoscaler("web", { annotations: { "validations.keda.sh/hpa-ownership": "false" } }),
    [],
  ],
  ["one that it takes over", scaled(named("web"), transfer), autoscaler("web"), []],
  [
    "one that it takes over under another name",
    scaled({}, transfer),
    autoscaler("web"),
    ["transfer-ownership-missing-hpa-name spec.advanced.horizontalPodAutoscalerConfig.name"],
  ],
  [
    "one that it does not take over",
    scaled(named("web"), { annotations: { "scaledobject.keda.sh/transfer-hpa-ownership": "yes" } }),
    autoscaler("web"),
    [foreign],
  ],
])("reviewScaledObject: beside an autoscaler: %s", (_, scaledObject, hpa, expected) => {
  expect(reasons(scaledObject, { autoscalers: [hpa] })).toEqual(expected);
});

const onCpu = scaled({ minReplicaCount: 1, triggers: [cpu] });
const missing = "missing-requests spec.triggers[0]";

test.each<[string, ScaledObject, Partial<ScaledObjectReviewInput>, string[]]>([
  ["a request", onCpu, { podSpec: pods({ requests: { cpu: "100m" } }) }, []],
  ["a limit", onCpu, { podSpec: pods({ limits: { cpu: 1 } }) }, []],
  ["a request of 0", onCpu, { podSpec: pods({ requests: { cpu: "0m" } }) }, [missing]],
  ["a request of the other resource", onCpu, { podSpec: pods({ requests: { memory: "1Gi" } }) }, [missing]],
  ["two containers, one without", onCpu, { podSpec: pods({ requests: { cpu: 1 } }, undefined) }, [missing]],
  [
    "two containers, one of them chosen",
    scaled({ minReplicaCount: 1, triggers: [{ ...cpu, metadata: { containerName: "c0" } }] }),
    { podSpec: pods({ requests: { cpu: 1 } }, undefined) },
    [],
  ],
  [
    "a default of the namespace",
    onCpu,
    { podSpec: pods(undefined), limitRanges: [limits("Container", { defaultRequest: { cpu: "50m" } })] },
    [],
  ],
  [
    "a default limit of the namespace",
    onCpu,
    { podSpec: pods(undefined), limitRanges: [limits("Container", { default: { cpu: "50m" } })] },
    [],
  ],
  [
    "a default of the namespace for whole pods",
    onCpu,
    { podSpec: pods(undefined), limitRanges: [limits("Pod", { default: { cpu: "50m" } })] },
    [missing],
  ],
  ["no request, on a dry run", onCpu, { podSpec: pods(undefined), isDryRun: true }, []],
  [
    "a target of a kind that is not looked at",
    scaled({ scaleTargetRef: { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", name: "web" }, triggers: [cpu] }),
    {},
    [],
  ],
  [
    "cpu and memory alone, without a minimum",
    scaled({ triggers: [cpu, memory] }),
    { podSpec: pods({ requests: { cpu: 1, memory: "1Gi" } }) },
    ["scale-to-zero-requirements-not-met spec.minReplicaCount"],
  ],
  [
    "cpu beside another trigger, without a minimum",
    scaled({ triggers: [cpu, cron] }),
    { podSpec: pods({ requests: { cpu: 1 } }) },
    [],
  ],
])("reviewScaledObject: cpu and memory with %s", (_, scaledObject, world, expected) => {
  expect(reasons(scaledObject, world)).toEqual(expected);
});

test("reviewScaledObject: a target that does not exist yet is told of, not refused", () => {
  expect(review(onCpu)).toEqual({
    problems: [],
    warnings: [expect.stringContaining('the apps/v1.Deployment "web" does not exist yet')],
  });
  expect(review(onCpu, { isDryRun: true }).warnings).toEqual([]);
});

const queue = { type: "redis", name: "queue", metadata: {} };
const formula = (scalingModifiers: object, triggers = [queue, cpu]) => {
  const advanced: NonNullable<ScaledObjectSpec["advanced"]> = { scalingModifiers };
  return reasons(scaled({ minReplicaCount: 1, triggers, advanced }));
};
const modifiers = "scaling-modifiers spec.advanced.scalingModifiers";

test.each<[string, object, string[]]>([
  ["nothing in it", {}, []],
  ["a formula over a trigger", { formula: "queue / 2", target: "5" }, []],
  ["a target alone", { target: "5" }, [`${modifiers}.formula`]],
  ["no target", { formula: "queue" }, [`${modifiers}.target`]],
  ["a target of 0", { formula: "queue", target: "0" }, [`${modifiers}.target`]],
  ["a target that is no number", { formula: "queue", target: "5m" }, [`${modifiers}.target`]],
  ["a name of nobody", { formula: "queue + jobs", target: "5" }, [`${modifiers}.formula`]],
  ["cpu, which has no value for it", { formula: "queue + cpu", target: "5" }, [`${modifiers}.formula`]],
  ["a condition for a result", { formula: "queue > 5", target: "5" }, [`${modifiers}.formula`]],
  ["a utilization", { formula: "queue", target: "5", metricType: "Utilization" }, [`${modifiers}.metricType`]],
])("reviewScaledObject: scalingModifiers with %s", (_, scalingModifiers, expected) => {
  expect(formula(scalingModifiers)).toEqual(expected);
});

test("reviewScaledObject: a formula makes a fallback of any triggers possible, and may be one", () => {
  const advanced = { scalingModifiers: { formula: "queue", target: "5" } };
  const fallback = { failureThreshold: 3, replicas: 6, behavior: "scalingModifiers" } as const;
  expect(reasons(scaled({ triggers: [queue], advanced, fallback }))).toEqual([]);
});

test.each<[string, Partial<ScaledObjectSpec>, string[]]>([
  ["times that matter", { pollingInterval: 5, cooldownPeriod: 5 }, []],
  ["times that matter while idle", { pollingInterval: 5, minReplicaCount: 1, idleReplicaCount: 0 }, []],
  ["a poll that nobody needs", { pollingInterval: 5, minReplicaCount: 1 }, ["spec.pollingInterval"]],
  [
    "a poll for kept metrics",
    { pollingInterval: 5, minReplicaCount: 1, triggers: [{ ...queue, useCachedMetrics: true }] },
    [],
  ],
  ["a cooldown to nowhere", { cooldownPeriod: 5, minReplicaCount: 1 }, ["spec.cooldownPeriod"]],
  ["idling above 0", { idleReplicaCount: 1, minReplicaCount: 2 }, ["spec.idleReplicaCount"]],
  [
    "a trigger that the formula cannot name",
    { triggers: [queue, cron], advanced: { scalingModifiers: { formula: "queue", target: "1" } } },
    ["spec.triggers[1]"],
  ],
  [
    "triggers that the formula cannot name, once",
    { triggers: [queue, cron, cron, cron], advanced: { scalingModifiers: { formula: "queue", target: "1" } } },
    ["spec.triggers[1]"],
  ],
])("reviewScaledObject: warns of %s", (_, spec, expected) => {
  const { problems, warnings } = review(scaled(spec));
  expect(problems).toEqual([]);
  expect(warnings.map((text) => text.split(" ", 1)[0])).toEqual(expected);
});
