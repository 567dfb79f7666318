import { expect, test } from "vitest";
import type { ReplicaSet } from "#api";
import { deployment } from "../rehearsal-objects.ts";
import { deploymentTemplateOf, revisionOfTemplate } from "./replica-set-revision.ts";
import { templateHash } from "./template-hash.ts";

const { template } = deployment.spec;

test("deploymentTemplateOf: a ReplicaSet's template hashes like that of the Deployment which made it", () => {
  const labels = { "pod-template-hash": "5d9c", ...template.metadata?.labels };
  const replicaSet: ReplicaSet = {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: { name: "web-5d9c" },
    spec: { selector: { matchLabels: labels }, template: { ...template, metadata: { labels } } },
  };
  expect(deploymentTemplateOf(replicaSet)).toEqual(template);
  expect(revisionOfTemplate(deploymentTemplateOf(replicaSet))).toBe(templateHash(template));
  expect(revisionOfTemplate(replicaSet.spec.template)).not.toBe(templateHash(template));
});
