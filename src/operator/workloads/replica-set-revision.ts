import type { PodTemplateSpec, ReplicaSet } from "#api";
import { templateHash } from "./template-hash.ts";

/** Label that a Deployment's controller adds to the templates of its ReplicaSets. Source: Kubernetes `apps/v1`. */
const POD_TEMPLATE_HASH = "pod-template-hash";

/** The template that the Deployment had when this ReplicaSet was made. */
export function deploymentTemplateOf(replicaSet: ReplicaSet): PodTemplateSpec {
  const { template } = replicaSet.spec;
  const { [POD_TEMPLATE_HASH]: _, ...labels } = template.metadata?.labels ?? {};
  return { ...template, metadata: { ...template.metadata, labels } };
}

/** Names the revision of a pod template, as `status.lastAppliedSpec` does. */
export function revisionOfTemplate(template: PodTemplateSpec): string {
  return templateHash(template);
}
