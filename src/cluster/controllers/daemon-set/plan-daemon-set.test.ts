import { expect, test } from "vitest";
import type { DaemonSet, Pod } from "#api";
import type { DaemonNode } from "./daemon-node.ts";
import { planDaemonSet, planDaemonSetStatus } from "./plan-daemon-set.ts";

const nowMs = Date.parse("2026-01-01T00:01:00Z");
const nodes = ["a", "b"].map((name): DaemonNode => ({ apiVersion: "v1", kind: "Node", metadata: { name } }));

function daemonSetOf(image: string, rollingUpdate: object): DaemonSet {
  return {
    apiVersion: "apps/v1",
    kind: "DaemonSet",
    metadata: { name: "web", namespace: "shop", uid: "u" },
    spec: {
      selector: { matchLabels: { app: "web" } },
      template: { metadata: { labels: { app: "web" } }, spec: { containers: [{ name: "web", image }] } },
      updateStrategy: { type: "RollingUpdate", rollingUpdate },
    },
  };
}

/** A pod as the plan of a DaemonSet creates it, `ageS` seconds ago. */
function podOn(node: string, daemonSet: DaemonSet, { ageS, isReady }: { ageS: number; isReady: boolean }): Pod {
  const created = planDaemonSet({ daemonSet, nodes, pods: [], nowMs }).createPods.find(
    (pod) => pod.spec.nodeName === node,
  );
  if (created === undefined) throw new Error(`no pod is planned on ${node}`);
  const at = new Date(nowMs - ageS * 1000).toISOString();
  const ready = { type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: at } as const;
  const metadata = { ...created.metadata, name: `${node}-${ageS}`, creationTimestamp: at };
  return { ...created, metadata, status: { phase: "Running", conditions: [ready] } };
}

const surge = { maxSurge: 1, maxUnavailable: 0 };
const old = daemonSetOf("web:1", surge);
const now = daemonSetOf("web:2", surge);
const oldPods = ["a", "b"].map((node) => podOn(node, old, { ageS: 50, isReady: true }));

function plan(pods: readonly Pod[]) {
  const { createPods, deletePods } = planDaemonSet({ daemonSet: now, nodes, pods, nowMs });
  return { create: createPods.map((pod) => pod.spec.nodeName), delete: deletePods.map((pod) => pod.metadata.name) };
}

test("planDaemonSet: with maxSurge the new pod comes first, on as many nodes as may surge, and the old one goes when it is available", () => {
  expect(plan(oldPods)).toEqual({ create: ["a"], delete: [] });
  expect(plan([...oldPods, podOn("a", now, { ageS: 5, isReady: false })])).toEqual({ create: [], delete: [] });
  expect(plan([...oldPods, podOn("a", now, { ageS: 5, isReady: true })])).toEqual({ create: [], delete: ["a-50"] });
  const [, second] = oldPods;
  const half = [podOn("a", now, { ageS: 5, isReady: true }), ...(second === undefined ? [] : [second])];
  expect(plan(half)).toEqual({ create: ["b"], delete: [] });
});

test("planDaemonSet: an old pod that is not available needs no budget", () => {
  const broken = ["a", "b"].map((node) => podOn(node, old, { ageS: 50, isReady: false }));
  expect(plan(broken)).toEqual({ create: ["a", "b"], delete: [] });
});

test("planDaemonSet: without maxSurge the old pod goes first", () => {
  const daemonSet = daemonSetOf("web:2", { maxUnavailable: 1 });
  const { createPods, deletePods } = planDaemonSet({ daemonSet, nodes, pods: oldPods, nowMs });
  expect([createPods.length, deletePods.map((pod) => pod.metadata.name)]).toEqual([0, ["a-50"]]);
});

test("planDaemonSetStatus: of two pods on a node the older one counts", () => {
  const pods = [...oldPods, podOn("a", now, { ageS: 5, isReady: true })];
  expect(planDaemonSetStatus({ daemonSet: now, nodes, pods, nowMs })).toMatchObject({
    currentNumberScheduled: 2,
    desiredNumberScheduled: 2,
    numberMisscheduled: 0,
    numberAvailable: 2,
  });
});
