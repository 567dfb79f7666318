import { expect, test } from "vitest";
import type { ClusterTriggerAuthentication, ScaledObject, TriggerAuthentication } from "../keda/index.ts";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { resources } from "../resource.ts";
import { applyDefaults } from "../schema/apply-defaults.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import { validateSchema } from "../schema/validate-schema.ts";
import { kedaCrds } from "./keda-crds.ts";
import { kindsFromCrd } from "./kinds-from-crd.ts";

/** What KEDA's schemas take, refuse and fill in, beside the comparison with upstream's file. Source: keda-hpa-spec 2, 13. */

function kindOf(kind: string): KindDefinition {
  const crd = kedaCrds().find(({ spec }) => (spec as { names: { kind: string } }).names.kind === kind);
  const kinds = crd === undefined ? undefined : kindsFromCrd(crd);
  const found = kinds?.ok === true ? kinds.value[0] : undefined;
  if (found === undefined) throw new Error(`no kind ${kind}`);
  return found;
}

const scaled: ScaledObject = {
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: "web" },
  spec: { scaleTargetRef: { name: "web" }, triggers: [{ type: "cron", metadata: {} }] },
};
const findings = (kind: string, object: KubeObject): string[] => {
  const { schema } = kindOf(kind);
  return validateSchema(schema, applyDefaults(schema, object))
    .filter(({ message }) => !message.includes("validation rules were not checked"))
    .map(({ path, message }) => `${path}: ${message}`);
};

test.each([
  ["ScaledObject", resources.scaledObjects, ["so"]],
  ["TriggerAuthentication", resources.triggerAuthentications, ["ta", "triggerauth"]],
  ["ClusterTriggerAuthentication", resources.clusterTriggerAuthentications, ["cta", "clustertriggerauth"]],
] as const)("kedaCrds: %s is the resource that clients ask for, with its short names", (kind, resource, shortNames) => {
  const definition = kindOf(kind);
  expect(definition.resource).toEqual(resource);
  expect(definition.shortNames).toEqual(shortNames);
  expect(definition.hasStatus).toBe(true);
});

test.each<[string, object, string[]]>([
  ["nothing but a target and a trigger", {}, []],
  ["no trigger", { triggers: [] }, ["spec.triggers"]],
  ["a setting that is no text", { triggers: [{ type: "cron", metadata: { a: 1 } }] }, ["spec.triggers[0].metadata.a"]],
  ["an empty name of the target", { scaleTargetRef: { name: "" } }, ["spec.scaleTargetRef.name"]],
  ["a poll without a pause", { pollingInterval: 0 }, ["spec.pollingInterval"]],
  ["a minimum above the default maximum", { minReplicaCount: 101 }, ["spec"]],
  ["a minimum above the maximum", { minReplicaCount: 5, maxReplicaCount: 4 }, ["spec"]],
  ["a minimum as high as the maximum", { minReplicaCount: 4, maxReplicaCount: 4 }, []],
  ["half a fallback", { fallback: { replicas: 3 } }, ["spec.fallback.failureThreshold"]],
  [
    "a formula's kind of target",
    { advanced: { scalingModifiers: { metricType: "Utilization" } } },
    ["spec.advanced.scalingModifiers.metricType"],
  ],
  [
    "a tolerance as a quantity",
    { advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: { tolerance: "5x" } } } } },
    ["spec.advanced.horizontalPodAutoscalerConfig.behavior.scaleUp.tolerance"],
  ],
])("kedaCrds: the ScaledObject schema judges %s", (_, spec, paths) => {
  const found = findings("ScaledObject", { ...scaled, spec: { ...scaled.spec, ...spec } });
  expect(found.map((line) => line.slice(0, line.indexOf(":")))).toEqual(paths);
});

test("kedaCrds: a fallback is static unless it says otherwise; nothing else is filled in, unknown fields go", () => {
  const { schema } = kindOf("ScaledObject");
  const given = { ...scaled, spec: { ...scaled.spec, bogus: 1, fallback: { failureThreshold: 3, replicas: 2 } } };
  const { value, unknown } = pruneUnknown(schema, applyDefaults(schema, given));
  expect(unknown).toEqual(["spec.bogus"]);
  const fallback = { failureThreshold: 3, replicas: 2, behavior: "static" };
  expect(value).toEqual({ ...scaled, spec: { ...scaled.spec, fallback } });
});

test("kedaCrds: an authentication needs whole references; OAuth 2 has one way", () => {
  const authentication: TriggerAuthentication = {
    apiVersion: "keda.sh/v1alpha1",
    kind: "TriggerAuthentication",
    metadata: { name: "redis" },
    spec: {
      secretTargetRef: [{ parameter: "password", name: "redis", key: "password" }],
      oauth2: { clientId: "a", tokenUrl: "http://id/token" },
    },
  };
  expect(findings("TriggerAuthentication", authentication)).toEqual([]);
  expect(applyDefaults(kindOf("TriggerAuthentication").schema, authentication)).toMatchObject({
    spec: { oauth2: { type: "clientCredentials" } },
  });
  const clusterWide: ClusterTriggerAuthentication = { ...authentication, kind: "ClusterTriggerAuthentication" };
  const broken = { ...clusterWide, spec: { secretTargetRef: [{ parameter: "password", name: "redis" }] } };
  expect(findings("ClusterTriggerAuthentication", clusterWide)).toEqual([]);
  expect(findings("ClusterTriggerAuthentication", broken)).toEqual(["spec.secretTargetRef[0].key: Required value"]);
});
