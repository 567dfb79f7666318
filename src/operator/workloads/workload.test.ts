import { expect, test } from "vitest";
import type { Canary, DaemonSet, Deployment, Service } from "#api";
import { judgeReadiness, namesOf } from "#rollout";
import { canary, coreService, daemonSet, deployment } from "../rehearsal-objects.ts";
import { readCoreService, serviceHash } from "./core-service.ts";
import { daemonSetKind } from "./daemon-set.ts";
import { deploymentKind } from "./deployment.ts";
import { readPodWorkload } from "./pod-workload.ts";
import { restoredApex } from "./restored-apex.ts";
import type { WorkloadSource } from "./workload.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };
const sourceOf = (object: Canary = canary, labelPrefixes: string[] = []): WorkloadSource => ({
  canary: object,
  names: namesOf(object),
  owner,
  configs: { configMap: () => undefined, secret: () => undefined },
  settings: { selectorLabels: ["app"], labelPrefixes, tracksConfigs: true },
});
const daemon = (target: DaemonSet, primary?: DaemonSet) =>
  readPodWorkload(daemonSetKind, { target, primary }, sourceOf());
const held: DaemonSet = {
  ...daemonSet,
  spec: {
    ...daemonSet.spec,
    template: {
      ...daemonSet.spec.template,
      spec: {
        ...daemonSet.spec.template.spec,
        nodeSelector: { "flagger.app/scale-to-zero": "true", disk: "ssd" },
      },
    },
  },
};
const plain: DaemonSet = {
  ...held,
  spec: {
    ...held.spec,
    template: { ...held.spec.template, spec: { ...held.spec.template.spec, nodeSelector: { disk: "ssd" } } },
  },
};

test("DaemonSet: being held off its nodes is no part of its revision and never its primary's (pinned 32)", () => {
  expect(daemon(held).templateHash).toBe(daemon(plain).templateHash);
  expect(daemon(daemonSet).templateHash).not.toBe(daemon(plain).templateHash);
  expect(daemon(held).newPrimary()).toMatchObject({
    metadata: { name: "web-primary", ownerReferences: [owner] },
    spec: {
      selector: { matchLabels: { app: "web-primary" } },
      template: { spec: { nodeSelector: { disk: "ssd" } } },
    },
  });
  expect(JSON.stringify(daemon(held).newPrimary())).not.toContain("scale-to-zero");
});

test("DaemonSet: is held and let go by one label, once (pinned 32)", () => {
  const patch = (value: "true" | null) => ({
    spec: { template: { spec: { nodeSelector: { "flagger.app/scale-to-zero": value } } } },
  });
  expect(daemon(plain).scale(0)).toEqual(patch("true"));
  expect(daemon(held).scale(0)).toBeUndefined();
  expect(daemon(held).scale(1)).toEqual(patch(null));
  expect(daemon(plain).scale(3)).toBeUndefined();
});

test("DaemonSet: a promotion is seen, and a second one is no change", () => {
  const primary = daemon(held).newPrimary() as DaemonSet;
  const after = daemon(held, primary);
  expect(after.observePrimary()).toMatchObject({ kind: "DaemonSet", isPromoted: true, matchesTarget: true });
  expect(after.promotedPrimary()).toBeUndefined();
  expect(daemon(daemonSet, primary).promotedPrimary()).toMatchObject({
    spec: { template: { spec: { containers: daemonSet.spec.template.spec.containers } } },
  });
});

test("DaemonSet: nodes are replicas; the deadline ends the wait for them (pinned 31)", () => {
  const status = {
    observedGeneration: 1,
    currentNumberScheduled: 4,
    desiredNumberScheduled: 4,
    numberMisscheduled: 0,
    numberReady: 2,
    updatedNumberScheduled: 4,
    numberAvailable: 2,
  };
  const observed = daemon({ ...plain, metadata: { name: "web", generation: 1 }, status }).observeTarget();
  expect(observed).toMatchObject({ desiredCount: 4, updatedCount: 4, readyCount: 2, availableCount: 2 });
  if (observed === undefined) throw new Error("no target");
  const rule = { readyPercent: 100, deadlineMs: 60_000, stepSinceMs: 0, nowMs: 1000 };
  expect(judgeReadiness(observed, rule).kind).toBe("waiting");
  expect(judgeReadiness(observed, { ...rule, nowMs: 61_000 }).kind).toBe("stuck");
  expect(judgeReadiness(observed, { ...rule, readyPercent: 50 }).kind).toBe("ready");
  // One that fits no node has asked for pods all the same.
  expect(daemon(plain).observeTarget()?.desiredCount).toBe(1);
  expect(daemon({ ...held, status }).observeTarget()?.desiredCount).toBe(0);
});

test("Deployment: a selector without one of the label keys is a problem that names the keys", () => {
  const unlabelled = { ...deployment, spec: { ...deployment.spec, selector: { matchLabels: { tier: "front" } } } };
  const workload = readPodWorkload(deploymentKind, { target: unlabelled, primary: undefined }, sourceOf());
  expect(workload.problems).toMatchObject([
    { path: "deployment web.default spec.selector.matchLabels", message: "must contain one of [app]" },
  ]);
  expect(workload.newPrimary()).toBeUndefined();
});

test("Deployment: the primary is told apart by the label's value, not by the name (pinned 25)", () => {
  const other: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      selector: { matchLabels: { app: "shop" } },
      template: { ...deployment.spec.template, metadata: { labels: { app: "shop", tier: "a" } } },
    },
  };
  const workload = readPodWorkload(deploymentKind, { target: other, primary: undefined }, sourceOf());
  expect(workload.newPrimary()).toMatchObject({
    metadata: { name: "web-primary", labels: { app: "shop-primary" } },
    spec: {
      selector: { matchLabels: { app: "shop-primary" } },
      template: { metadata: { labels: { app: "shop-primary", tier: "a" } } },
    },
  });
});

test("core Service: an address or a node port is no new revision, another selector is", () => {
  const placed: Service = {
    ...coreService,
    spec: {
      ...coreService.spec,
      clusterIP: "10.0.0.1",
      clusterIPs: ["10.0.0.1"],
      ports: [{ name: "http", port: 9898, nodePort: 30_000 }],
    },
  };
  expect(serviceHash(placed)).toBe(serviceHash(coreService));
  expect(serviceHash({ ...placed, spec: { ...placed.spec, selector: { app: "v2" } } })).not.toBe(serviceHash(placed));
  const workload = readCoreService({ target: placed, primary: undefined }, sourceOf());
  const copy = workload.newPrimary();
  expect(copy).toMatchObject({ metadata: { name: "web-primary", labels: { team: "shop" } } });
  expect(copy?.spec).toEqual(coreService.spec);
  expect(workload.scale(0)).toBeUndefined();
});

test("core Service: a name for clients other than the target's is refused, since its copies would not be reached", () => {
  const renamed = { ...canary, spec: { ...canary.spec, service: { port: 80, name: "shop" } } };
  const { problems } = readCoreService({ target: coreService, primary: undefined }, sourceOf(renamed));
  expect(problems).toMatchObject([{ path: "spec.service.name" }]);
});

test("restoredApex: what was last applied, or the target; nothing of a Canary's own (pinned 47)", () => {
  const label = { key: "app", value: "web", primaryValue: "web-primary" };
  const notes = {
    "kustomize.toolkit.fluxcd.io/reconcile": "disabled",
    "helm.toolkit.fluxcd.io/driftDetection": "disabled",
    note: "mine",
  };
  const taken: Service = {
    ...coreService,
    metadata: { name: "web", annotations: notes },
    spec: { selector: { app: "web-primary" } },
  };
  const restored = restoredApex(taken, label, owner);
  expect(restored?.spec.selector).toEqual({ app: "web" });
  expect(restored?.metadata.annotations).toEqual({ note: "mine" });
  const last = JSON.stringify({ spec: { selector: { app: "old", tier: "b" } } });
  const applied = {
    ...taken,
    metadata: { ...taken.metadata, annotations: { "kubectl.kubernetes.io/last-applied-configuration": last } },
  };
  expect(restoredApex(applied, label, owner)?.spec.selector).toEqual({ app: "old", tier: "b" });
  expect(restoredApex({ ...taken, metadata: { name: "web", ownerReferences: [owner] } }, label, owner)).toBeUndefined();
  const broken = {
    ...taken,
    metadata: { name: "web", annotations: { "kubectl.kubernetes.io/last-applied-configuration": "{" } },
  };
  expect(restoredApex(broken, label, owner)?.spec.selector).toEqual({ app: "web" });
});
