import { expect, test } from "vitest";
import type { Deployment, PodTemplateSpec, ReplicaSet } from "#api";
import { revisionOfTemplate } from "#operator";
import { chooseUndo } from "./choose-undo.ts";

/** A template as its user wrote it, and as the operator copies it for the primary. */
function templateOf(image: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: "web" }, annotations: { "a.toolkit.fluxcd.io/b": "x", note: "kept" } },
    spec: { containers: [{ name: "web", image, envFrom: [{ configMapRef: { name: "settings" } }] }] },
  };
}

function primaryTemplateOf(image: string): PodTemplateSpec {
  return {
    metadata: { labels: { app: "web-primary" }, annotations: { note: "kept", "flagger-id": `id of ${image}` } },
    spec: { containers: [{ name: "web", image, envFrom: [{ configMapRef: { name: "settings-primary" } }] }] },
  };
}

function deployment(name: string, template: PodTemplateSpec): Deployment {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace: "shop", name, uid: `uid of ${name}` },
    spec: { selector: { matchLabels: { app: name } }, template },
  };
}

function replicaSet(owner: Deployment, number: number, template: PodTemplateSpec): ReplicaSet {
  const { name = "", uid = "" } = owner.metadata;
  const labels = { ...template.metadata?.labels, "pod-template-hash": `h${number}` };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${name}-h${number}`,
      annotations: { "deployment.kubernetes.io/revision": String(number) },
      ownerReferences: [{ apiVersion: "apps/v1", kind: "Deployment", name, uid, controller: true }],
    },
    spec: { selector: {}, template: { ...template, metadata: { ...template.metadata, labels } } },
  };
}

const target = deployment("web", templateOf("podinfo:4"));
const primary = deployment("web-primary", primaryTemplateOf("podinfo:3"));

test("chooseUndo: goes to the promoted revision before the present one, past those that were rejected", () => {
  // 1 and 3 were promoted; 2 and 4 were rejected.
  const replicaSets = [
    ...[1, 2, 3, 4].map((number) => replicaSet(target, number, templateOf(`podinfo:${number}`))),
    replicaSet(primary, 1, primaryTemplateOf("podinfo:1")),
    replicaSet(primary, 2, primaryTemplateOf("podinfo:3")),
  ];
  const choice = chooseUndo({ target, primary, replicaSets });
  expect(choice).toEqual({ kind: "revision", number: 1, template: templateOf("podinfo:1") });
});

test("chooseUndo: twice goes there and back, since the controller numbers a revision that returns anew", () => {
  const back = deployment("web-primary", primaryTemplateOf("podinfo:1"));
  const replicaSets = [
    replicaSet(target, 3, templateOf("podinfo:3")),
    replicaSet(target, 5, templateOf("podinfo:1")),
    replicaSet(back, 3, primaryTemplateOf("podinfo:1")),
    replicaSet(back, 2, primaryTemplateOf("podinfo:3")),
  ];
  expect(chooseUndo({ target, primary: back, replicaSets })).toMatchObject({ number: 3 });
});

test("chooseUndo: ReplicaSets of others with the same names do not count", () => {
  const stranger = { ...target, metadata: { ...target.metadata, uid: "another" } };
  const replicaSets = [
    replicaSet(stranger, 1, templateOf("podinfo:1")),
    replicaSet(primary, 1, primaryTemplateOf("podinfo:1")),
    replicaSet(primary, 2, primaryTemplateOf("podinfo:3")),
  ];
  expect(chooseUndo({ target, primary, replicaSets })).toMatchObject({
    kind: "none",
    reason: expect.stringContaining('no revision that "shop/web" keeps was promoted before'),
  });
});

test("chooseUndo: without an earlier revision of the primary there is nothing to go back to", () => {
  const replicaSets = [
    replicaSet(target, 1, templateOf("podinfo:1")),
    replicaSet(primary, 2, primaryTemplateOf("podinfo:3")),
  ];
  expect(chooseUndo({ target, primary, replicaSets })).toMatchObject({
    kind: "none",
    reason: expect.stringContaining('no earlier revision of "shop/web-primary" is kept'),
  });
});

test("chooseUndo: the template that is put back has the hash that it had", () => {
  const replicaSets = [
    replicaSet(target, 1, templateOf("podinfo:1")),
    replicaSet(primary, 1, primaryTemplateOf("podinfo:1")),
  ];
  const choice = chooseUndo({ target, primary, replicaSets });
  expect(choice.kind === "revision" && revisionOfTemplate(choice.template)).toBe(
    revisionOfTemplate(templateOf("podinfo:1")),
  );
});
