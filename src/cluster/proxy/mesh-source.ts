import {
  type DestinationRule,
  type EndpointSlice,
  type Gateway,
  type KubeObject,
  type Pod,
  type Resource,
  resources,
  type Service,
  type ServiceEntry,
  type Telemetry,
  type VirtualService,
} from "#api";
import type { Clock, Log, Random } from "#base";
import { createInformer, type Informer, type KubeClient } from "#kube";
import type { MeshObjects } from "#mesh";

export interface MeshSourceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Called some milliseconds after a change, once for all changes of that time. */
  readonly onChange: () => void;
}

/** The objects that decide where requests go, kept by watches. */
export interface MeshSource {
  /** Resolves once all kinds were read, or once the kinds of Kubernetes were and Istio's are not served. */
  readonly synced: Promise<void>;
  objects(): Required<MeshObjects>;
}

/** Changes come in bursts (a rollout touches pods, slices and routes at once); one compilation serves a burst. */
const DEBOUNCE_MS = 5;
/** Without Istio's kinds the mesh still routes Services; it only waits this long for them to be served. */
const ISTIO_DEADLINE_MS = 10_000;

export function watchMesh(options: MeshSourceOptions): MeshSource {
  const { clock, signal } = options;
  let isScheduled = false;
  const onChange = (): void => {
    if (isScheduled || signal.aborted) return;
    isScheduled = true;
    clock.after(DEBOUNCE_MS, () => {
      isScheduled = false;
      if (!signal.aborted) options.onChange();
    });
  };
  const watch = <T extends KubeObject>(resource: Resource): Informer<T> => {
    const informer = createInformer<T>({ ...options, resource });
    informer.onChange(onChange);
    return informer;
  };
  const pods = watch<Pod>(resources.pods);
  const services = watch<Service>(resources.services);
  const endpointSlices = watch<EndpointSlice>(resources.endpointSlices);
  const virtualServices = watch<VirtualService>(resources.virtualServices);
  const destinationRules = watch<DestinationRule>(resources.destinationRules);
  const gateways = watch<Gateway>(resources.gateways);
  const serviceEntries = watch<ServiceEntry>(resources.serviceEntries);
  const telemetries = watch<Telemetry>(resources.telemetries);
  const ofKubernetes = [pods, services, endpointSlices].map(({ synced }) => synced);
  const ofIstio = [virtualServices, destinationRules, gateways, serviceEntries, telemetries].map(
    ({ synced }) => synced,
  );
  return {
    synced: Promise.all(ofKubernetes).then(() => within(Promise.all(ofIstio), { ms: ISTIO_DEADLINE_MS, clock })),
    objects: () => ({
      virtualServices: virtualServices.list(),
      destinationRules: destinationRules.list(),
      gateways: gateways.list(),
      services: services.list(),
      endpointSlices: endpointSlices.list(),
      pods: pods.list(),
      serviceEntries: serviceEntries.list(),
      telemetries: telemetries.list(),
    }),
  };
}

async function within(work: Promise<unknown>, { ms, clock }: { ms: number; clock: Clock }): Promise<void> {
  let cancel = (): void => undefined;
  const deadline = new Promise<void>((resolve) => {
    cancel = clock.after(ms, resolve);
  });
  await Promise.race([work, deadline]);
  cancel();
}
