import {
  type Canary,
  type ConfigMap,
  type Deployment,
  type DestinationRule,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type MetricTemplate,
  type Resource,
  resources,
  type Secret,
  type Service,
  type VirtualService,
} from "#api";
import type { Clock, Log, Random } from "#base";
import { createInformer, type InformerOptions, type KubeClient } from "#kube";
import { createView, type View } from "./view.ts";

/** Everything that the operator reads, kept by watches. */
export interface Views {
  readonly canaries: View<Canary>;
  readonly metricTemplates: View<MetricTemplate>;
  readonly deployments: View<Deployment>;
  readonly services: View<Service>;
  readonly configMaps: View<ConfigMap>;
  readonly secrets: View<Secret>;
  readonly autoscalers: View<HorizontalPodAutoscaler>;
  readonly virtualServices: View<VirtualService>;
  readonly destinationRules: View<DestinationRule>;
}

export interface ViewsOptions {
  readonly client: KubeClient;
  /** All namespaces when absent. */
  readonly namespace?: string;
  readonly signal: AbortSignal;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly onEvent?: NonNullable<InformerOptions["onEvent"]>;
}

/** Opens a watch for each kind; await each view's `synced` before deciding on it. */
export function createViews(options: ViewsOptions): Views {
  function open<T extends KubeObject>(resource: Resource): View<T> {
    const { client } = options;
    return createView<T>({ client, resource, informer: createInformer<T>({ ...options, resource }) });
  }
  return {
    canaries: open<Canary>(resources.canaries),
    metricTemplates: open<MetricTemplate>(resources.metricTemplates),
    deployments: open<Deployment>(resources.deployments),
    services: open<Service>(resources.services),
    configMaps: open<ConfigMap>(resources.configMaps),
    secrets: open<Secret>(resources.secrets),
    autoscalers: open<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers),
    virtualServices: open<VirtualService>(resources.virtualServices),
    destinationRules: open<DestinationRule>(resources.destinationRules),
  };
}

/** Resolves when the first list of every kind is in. */
export async function viewsSynced(views: Views): Promise<void> {
  await Promise.all(Object.values(views).map((view: View<KubeObject>) => view.synced));
}
