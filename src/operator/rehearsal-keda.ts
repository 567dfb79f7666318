import { type KubeObject, resources } from "#api";
import { ApiFailure, type KubeClient } from "#kube";
import { scaledBy } from "./scalers/index.ts";

/** What KEDA is to the operator, for tests: its kind, and the webhook that judges new ScaledObjects. */

/** Its kind, as far as group and name go: what is in it is KEDA's. */
export function kedaKinds(): KubeObject[] {
  return [
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "scaledobjects.keda.sh" },
      spec: {
        group: "keda.sh",
        scope: "Namespaced",
        names: {
          plural: "scaledobjects",
          singular: "scaledobject",
          kind: "ScaledObject",
          listKind: "ScaledObjectList",
        },
        versions: [
          {
            name: "v1alpha1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    },
  ];
}

/** A client whose server refuses a ScaledObject for a workload that has an autoscaler already. Source: keda-hpa-spec 3.1. */
export function withKedaWebhook(inner: KubeClient): { readonly client: KubeClient; readonly refused: string[] } {
  const refused: string[] = [];
  const client: KubeClient = {
    ...inner,
    async create(resource, object, options) {
      const target = resource.kind === "ScaledObject" ? scaledBy(object)?.name : undefined;
      const { namespace = "", name = "" } = object.metadata;
      for (const kind of [resources.horizontalPodAutoscalers, resources.scaledObjects]) {
        const { items } = await inner.list<KubeObject>(kind, { namespace });
        const other = items.find(
          (item) => target !== undefined && scaledBy({ ...item, kind: kind.kind })?.name === target,
        );
        if (other === undefined) continue;
        refused.push(name);
        const message = `the workload '${target}' is already managed by the ${kind.kind} '${other.metadata.name}'`;
        throw new ApiFailure(`admission webhook "vscaledobject.kb.io" denied the request: ${message}`, {
          httpStatus: 403,
          reason: "Forbidden",
        });
      }
      return inner.create(resource, object, options);
    },
  };
  return { client, refused };
}

export const scaledObject = {
  apiVersion: "keda.sh/v1alpha1",
  kind: "ScaledObject",
  metadata: { name: "web-so", labels: { team: "shop" } },
  spec: {
    scaleTargetRef: { name: "web" },
    minReplicaCount: 3,
    maxReplicaCount: 9,
    triggers: [
      { type: "prometheus", name: "load", metadata: { query: 'sum(rate(http{app="web"}[30s]))', threshold: "5" } },
    ],
  },
};

export const scaledObjectRef = { apiVersion: "keda.sh/v1alpha1", kind: "ScaledObject", name: "web-so" } as const;
export const hpaRef = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" } as const;
