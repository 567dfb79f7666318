import { apiVersionOf, type Deployment, type ReplicaSet, resources } from "#api";
import { controllerReference } from "../shared/index.ts";
import { newestAnnotations, withSize } from "./annotations.ts";
import { HASH_LABEL, hashTemplate } from "./hash-template.ts";
import type { Sizes } from "./sizes.ts";

/** Makes the ReplicaSet of a deployment's current template. Source: Kubernetes `deployment/sync.go` getNewReplicaSet. */
export function newReplicaSet(
  deployment: Deployment,
  options: { readonly revision: number; readonly replicas: number; readonly sizes: Sizes },
): ReplicaSet {
  const { name = "", namespace } = deployment.metadata;
  const { sizes } = options;
  const hash = hashTemplate(deployment.spec.template, deployment.status?.collisionCount);
  const { selector, template, minReadySeconds } = deployment.spec;
  const labels = { ...template.metadata?.labels, [HASH_LABEL]: hash };
  return {
    apiVersion: apiVersionOf(resources.replicaSets),
    kind: resources.replicaSets.kind,
    metadata: {
      name: `${name}-${hash}`,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      annotations: withSize(
        newestAnnotations(deployment, undefined, options.revision),
        sizes.desired,
        sizes.desired + sizes.maxSurge,
      ),
      ownerReferences: [controllerReference(deployment, resources.deployments)],
    },
    spec: {
      replicas: options.replicas,
      ...(minReadySeconds === undefined || minReadySeconds === 0 ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector.matchLabels, [HASH_LABEL]: hash } },
      template: { ...template, metadata: { ...template.metadata, labels } },
    },
  };
}
