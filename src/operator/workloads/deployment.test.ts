import { expect, test } from "vitest";
import type { Deployment } from "#api";
import { configured, deployment } from "../rehearsal-objects.ts";
import { deploymentKind } from "./deployment.ts";
import { isPromoted, matchesTarget, type PrimaryPlan } from "./primary-template.ts";
import { revisionChecksum, revisionId, templateHash } from "./template-hash.ts";

const newPrimary = (plan: PrimaryPlan & { target: Deployment }) => deploymentKind.newPrimary(plan.target, plan);
const promotedPrimary = (live: Deployment, plan: PrimaryPlan & { target: Deployment }) =>
  deploymentKind.promotedPrimary(live, plan.target, plan);

function planOf(target: Deployment, changes: Partial<PrimaryPlan> = {}): PrimaryPlan & { target: Deployment } {
  return {
    template: target.spec.template,
    name: "web-primary",
    selector: { key: "app", value: "web", primaryValue: "web-primary" },
    revisionId: revisionId(templateHash(target.spec.template), {}),
    trackedIds: new Set(),
    labelPrefixes: [],
    selectorKeys: ["app", "name"],
    owner: { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true },
    hasScaler: false,
    ...changes,
    target,
  };
}

const labelled: Deployment = {
  ...deployment,
  metadata: {
    name: "web",
    namespace: "shop",
    labels: { app: "web", "kustomize.toolkit.fluxcd.io/name": "x", "app.kubernetes.io/part-of": "shop" },
    annotations: { note: "1", "deployment.kubernetes.io/revision": "7" },
  },
};

test("newPrimary: labels by prefix, annotations of the app, a selector of its own (pinned 25, 39)", () => {
  const primary = newPrimary(planOf(labelled, { labelPrefixes: ["app.kubernetes.io"] }));
  expect(primary.metadata.labels).toEqual({ app: "web-primary", "app.kubernetes.io/part-of": "shop" });
  expect(primary.metadata.annotations).toEqual({ note: "1" });
  expect(primary.spec.selector).toEqual({ matchLabels: { app: "web-primary" } });
  expect(primary.spec.template.metadata?.labels).toEqual({ app: "web-primary" });
  expect(newPrimary(planOf(labelled, { labelPrefixes: ["*"] })).metadata.labels).not.toHaveProperty(
    "kustomize.toolkit.fluxcd.io/name",
  );
});

test("newPrimary: a target at zero still gets a primary with a pod", () => {
  const idle = { ...deployment, spec: { ...deployment.spec, replicas: 0 } };
  expect(newPrimary(planOf(idle)).spec.replicas).toBe(1);
});

test("newPrimary: only tracked configs are renamed (pinned 27, 34)", () => {
  const nameIn = (plan: PrimaryPlan & { target: Deployment }) =>
    newPrimary(plan).spec.template.spec.containers[0]?.envFrom?.[0]?.configMapRef?.name;
  expect(nameIn(planOf(configured, { trackedIds: new Set(["configmap/web-settings"]) }))).toBe("web-settings-primary");
  expect(nameIn(planOf(configured))).toBe("web-settings");
  expect(configured.spec.template.spec.containers[0]?.envFrom?.[0]?.configMapRef?.name).toBe("web-settings");
});

test("newPrimary: rules that keep pods apart are about the primary's pods (pinned 26)", () => {
  const term = (value: string) => ({
    labelSelector: { matchExpressions: [{ key: "app", operator: "In", values: ["else", value] }] },
    topologyKey: "zone",
  });
  const spread = (value: string) => ({ maxSkew: 1, labelSelector: { matchLabels: { app: value, tier: value } } });
  const target: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: {
        ...deployment.spec.template,
        spec: {
          ...deployment.spec.template.spec,
          affinity: {
            podAntiAffinity: {
              requiredDuringSchedulingIgnoredDuringExecution: [term("web")],
              preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: term("web") }],
            },
          },
          topologySpreadConstraints: [spread("web")],
        },
      },
    },
  };
  const spec = newPrimary(planOf(target)).spec.template.spec;
  expect(spec.affinity).toMatchObject({
    podAntiAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: [term("web-primary")],
      preferredDuringSchedulingIgnoredDuringExecution: [{ podAffinityTerm: term("web-primary") }],
    },
  });
  expect(spec.topologySpreadConstraints).toEqual([
    { maxSkew: 1, labelSelector: { matchLabels: { app: "web-primary", tier: "web" } } },
  ]);
});

test("promotedPrimary: replaces the template, keeps replicas under an autoscaler and fields of others", () => {
  const live = { ...newPrimary(planOf(deployment)), metadata: { name: "web-primary", labels: { other: "1" } } };
  const changed: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      replicas: 5,
      template: { ...deployment.spec.template, spec: { containers: [{ name: "web", image: "podinfo:2" }] } },
    },
  };
  const promoted = promotedPrimary(live, planOf(changed, { hasScaler: true }));
  expect(promoted?.spec.template.spec.containers).toEqual([{ name: "web", image: "podinfo:2" }]);
  expect(promoted?.spec.replicas).toBe(2);
  expect(promoted?.metadata.labels).toEqual({ other: "1" });
  expect(promotedPrimary(live, planOf(changed))?.spec.replicas).toBe(5);
});

test("promotedPrimary: labels and annotations by prefix, none of GitOps tools (pinned 26, 39)", () => {
  const live = newPrimary(planOf(deployment));
  const next: Deployment = {
    ...labelled,
    metadata: {
      ...labelled.metadata,
      annotations: { "app.kubernetes.io/by": "ann", "kustomize.toolkit.fluxcd.io/checksum": "1", note: "2" },
    },
    spec: { ...labelled.spec, minReadySeconds: 3 },
  };
  const promoted = (labelPrefixes: string[]) => promotedPrimary(live, planOf(next, { labelPrefixes }))?.metadata;
  expect(promoted(["app.kubernetes.io"])).toMatchObject({
    labels: { app: "web-primary", "app.kubernetes.io/part-of": "shop" },
    annotations: { "app.kubernetes.io/by": "ann" },
  });
  expect(Object.keys(promoted(["*"])?.annotations ?? {})).toEqual(["app.kubernetes.io/by", "note"]);
  expect(Object.keys(promoted([])?.labels ?? {})).toEqual(["app"]);
  expect(Object.keys(promoted([])?.annotations ?? {})).toEqual([]);
});

test("promotedPrimary: the same revision a second time is no change", () => {
  const plan = planOf(deployment);
  const primary = newPrimary(plan);
  expect(promotedPrimary(primary, plan)).toBeUndefined();
  expect(isPromoted(primary.spec.template, plan.revisionId)).toBe(true);
  expect(matchesTarget(primary.spec.template, { ...plan, revisionId: "other" })).toBe(true);
});

test("templateHash: the same for every order of keys, another for every change, never like Flagger's", () => {
  const reordered = {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: { spec: deployment.spec.template.spec, metadata: { labels: { app: "web" } } },
    },
  };
  expect(templateHash(reordered.spec.template)).toBe(templateHash(deployment.spec.template));
  expect(templateHash(configured.spec.template)).not.toBe(templateHash(deployment.spec.template));
  expect(templateHash(deployment.spec.template)).toMatch(/^s[0-9a-f]{16}$/);
  expect(revisionId("s1", { "configmap/a": "1" })).not.toBe(revisionId("s1", {}));
});

test("revisionChecksum: the same for the same revision, another for other configs and none (pinned 23)", () => {
  const configs = { "configmap/a": "1", "secret/b": "2" };
  const sums = [
    revisionChecksum("s1", configs),
    revisionChecksum("s2", configs),
    revisionChecksum("s1", { ...configs, "secret/b": "3" }),
    revisionChecksum("s1", {}),
    revisionChecksum("s1", undefined),
  ];
  expect(new Set(sums).size).toBe(sums.length);
  expect(revisionChecksum("s1", { "secret/b": "2", "configmap/a": "1" })).toBe(sums[0]);
});
