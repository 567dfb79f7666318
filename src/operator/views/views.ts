import {
  type AlertProvider,
  type Canary,
  type ConfigMap,
  type DaemonSet,
  type Deployment,
  type EndpointSlice,
  type HorizontalPodAutoscaler,
  type KubeObject,
  type MetricTemplate,
  type Resource,
  resources,
  type Secret,
  type Service,
} from "#api";
import type { Clock, Log, Random } from "#base";
import { createInformer, type InformerOptions, type KubeClient } from "#kube";
import { createEndpointIndex, type EndpointIndex, smallSlice } from "./endpoint-index.ts";
import { createFurtherViews, type FurtherViews, resourceId } from "./further-views.ts";
import { type ChangeHandler, createView, type View } from "./view.ts";

/** Everything that the operator reads, kept by watches: the kinds that every cluster has, and those that Canaries ask for. */
export interface Views extends CoreViews {
  /** Kinds of service meshes, gateways and autoscalers, opened when the first Canary needs them. */
  readonly further: FurtherViews;
  /** Ready endpoints by Service; empty until EndpointSlices are open. */
  readonly endpoints: EndpointIndex;
  /** The view of any kind that is open. */
  of(resource: Resource): View<KubeObject> | undefined;
  /** Calls back with every change of any object but Canaries. */
  onChange(handler: ChangeHandler<KubeObject>): () => void;
  /** Resolves when the first list of every kind of the core is in. */
  readonly synced: Promise<void>;
}

interface CoreViews {
  readonly canaries: View<Canary>;
  readonly metricTemplates: View<MetricTemplate>;
  readonly alertProviders: View<AlertProvider>;
  readonly deployments: View<Deployment>;
  readonly daemonSets: View<DaemonSet>;
  readonly services: View<Service>;
  readonly configMaps: View<ConfigMap>;
  readonly secrets: View<Secret>;
  readonly autoscalers: View<HorizontalPodAutoscaler>;
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

/** Secrets that no release is made of, and that are the most and the largest of a cluster. */
const OTHER_SECRETS = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";

/** Opens a watch for each kind of the core; await `synced` before deciding on it. */
export function createViews(options: ViewsOptions): Views {
  function open<T extends KubeObject>(
    resource: Resource,
    how: Pick<InformerOptions, "fieldSelector" | "transform"> = {},
  ): View<T> {
    const { client } = options;
    return createView<T>({ client, resource, informer: createInformer<T>({ ...options, ...how, resource }) });
  }
  const core: CoreViews = {
    canaries: open<Canary>(resources.canaries),
    metricTemplates: open<MetricTemplate>(resources.metricTemplates),
    alertProviders: open<AlertProvider>(resources.alertProviders),
    deployments: open<Deployment>(resources.deployments),
    daemonSets: open<DaemonSet>(resources.daemonSets),
    services: open<Service>(resources.services),
    configMaps: open<ConfigMap>(resources.configMaps),
    secrets: open<Secret>(resources.secrets, { fieldSelector: OTHER_SECRETS }),
    autoscalers: open<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers),
  };
  const others: readonly (readonly [Resource, View<KubeObject>])[] = [
    [resources.metricTemplates, core.metricTemplates],
    [resources.alertProviders, core.alertProviders],
    [resources.deployments, core.deployments],
    [resources.daemonSets, core.daemonSets],
    [resources.services, core.services],
    [resources.configMaps, core.configMaps],
    [resources.secrets, core.secrets],
    [resources.horizontalPodAutoscalers, core.autoscalers],
  ];
  const byId = new Map(others.map(([resource, view]) => [resourceId(resource), view]));
  const endpoints = createEndpointIndex();
  const further = createFurtherViews({
    ...options,
    open(resource) {
      if (resource !== resources.endpointSlices) return open(resource);
      const slices = open<EndpointSlice>(resource, { transform: smallSlice });
      endpoints.follow(slices);
      return slices;
    },
    isKnown: (resource) => byId.has(resourceId(resource)),
  });
  const synced = Promise.all([core.canaries, ...byId.values()].map((view) => view.synced)).then(() => undefined);
  // Whoever ends before the first list is in does not wait for it.
  synced.catch(() => undefined);
  return {
    ...core,
    further,
    endpoints,
    synced,
    of: (resource) => byId.get(resourceId(resource)) ?? further.get(resource),
    onChange(handler) {
      const stops = [...[...byId.values()].map((view) => view.onChange(handler)), further.onChange(handler)];
      return () => stops.forEach((stop) => stop());
    },
  };
}
