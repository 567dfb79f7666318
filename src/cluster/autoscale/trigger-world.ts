import { Agent, type Dispatcher } from "undici";
import {
  type ConfigMap,
  type EndpointSlice,
  type KubeObject,
  type Pod,
  resources,
  type Secret,
  type Service,
} from "#api";
import type { Clock, Log } from "#base";
import type { Informer, KubeClient } from "#kube";
import type { SharedInformers } from "../controllers/index.ts";
import { requestToken } from "../runtime/index.ts";
import type { AuthWorld } from "./auth/index.ts";
import { resolveHost, type ServiceAddresses } from "./plan/resolve-host.ts";
import { lookupIn, type TriggerWorld } from "./triggers/index.ts";

/** Source: keda-hpa-spec 1, KEDA_HTTP_DEFAULT_TIMEOUT. */
const TIMEOUT_MS = 3000;
const MAX_CONNECTION_COUNT = 16;
/** Where a ClusterTriggerAuthentication finds Secrets. Source: KEDA_CLUSTER_OBJECT_NAMESPACE, KEDA's own namespace. */
const CLUSTER_OBJECT_NAMESPACE = "keda";
const SERVICE_LABEL = "kubernetes.io/service-name";

/** What the triggers of all ScaledObjects see of the cluster. */
export interface TriggerWorlds {
  /** Resolves once all copies have their first list. */
  synced(): Promise<void>;
  /** The world of a namespace: names without one are looked for there. */
  of(namespace: string): TriggerWorld;
  /** What triggers' parameters are found in. */
  readonly auth: AuthWorld;
  /** Ends the connections. */
  close(): Promise<void>;
}

export function createTriggerWorlds(ports: {
  readonly client: KubeClient;
  readonly informers: SharedInformers;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}): TriggerWorlds {
  const { informers, clock, log, signal } = ports;
  const services = informers.of<Service>(resources.services);
  const slices = informers.of<EndpointSlice>(resources.endpointSlices);
  const pods = informers.of<Pod>(resources.pods);
  const configMaps = informers.of<ConfigMap>(resources.configMaps);
  const secrets = informers.of<Secret>(resources.secrets);
  const authentications = informers.of<KubeObject>(resources.triggerAuthentications);
  const clusterAuthentications = informers.of<KubeObject>(resources.clusterTriggerAuthentications);
  /** One for each namespace with a ScaledObject. */
  const agents = new Map<string, Agent>();
  const addresses: ServiceAddresses = {
    service: (namespace, name) => services.get({ namespace, name })?.spec,
    endpoints: (namespace, name) => readyAddresses(slices, namespace, name),
  };
  const resolve = (host: string, namespace: string): string => resolveHost(host, namespace, addresses);

  function agentOf(namespace: string): Dispatcher {
    const existing = agents.get(namespace);
    if (existing !== undefined) return existing;
    const lookup = lookupIn({ resolve }, namespace);
    const agent = new Agent({ connections: MAX_CONNECTION_COUNT, connect: { lookup, timeout: TIMEOUT_MS } });
    agents.set(namespace, agent);
    return agent;
  }

  const configMap = (namespace: string, name: string): ConfigMap | undefined => configMaps.get({ namespace, name });
  const secret = (namespace: string, name: string): Secret | undefined => secrets.get({ namespace, name });

  return {
    auth: {
      log,
      configMap,
      secret,
      triggerAuthentication: (namespace, name) => authentications.get({ namespace, name }),
      clusterTriggerAuthentication: (name) => clusterAuthentications.get({ name }),
      serviceAccountToken: (account) => requestToken(ports.client, { ...account, signal }),
      clusterObjectNamespace: CLUSTER_OBJECT_NAMESPACE,
    },
    async synced() {
      const copies = [services, slices, pods, configMaps, secrets, authentications, clusterAuthentications];
      await Promise.all(copies.map((one) => one.synced));
    },
    of: (namespace) => ({
      clock,
      log,
      http: agentOf(namespace),
      signal,
      timeoutMs: TIMEOUT_MS,
      resolve,
      pods: (of) => pods.list(of),
      configMap,
      secret,
      endpoints: (of, service) => endpointsOf(slices, of, service),
    }),
    async close() {
      await Promise.all([...agents.values()].map((agent) => agent.destroy()));
      agents.clear();
    },
  };
}

function slicesOf(slices: Informer<EndpointSlice>, namespace: string, service: string): readonly EndpointSlice[] {
  return slices.list(namespace).filter(({ metadata }) => metadata.labels?.[SERVICE_LABEL] === service);
}

function addressesIn({ endpoints }: EndpointSlice): readonly string[] {
  return endpoints.flatMap(({ addresses, conditions }) => (conditions?.ready === false ? [] : addresses));
}

function readyAddresses(slices: Informer<EndpointSlice>, namespace: string, service: string): readonly string[] {
  return slicesOf(slices, namespace, service).flatMap(addressesIn);
}

/** `ADDRESS:PORT` for each port of each ready endpoint. */
function endpointsOf(slices: Informer<EndpointSlice>, namespace: string, service: string): readonly string[] {
  const found = slicesOf(slices, namespace, service).flatMap((slice) =>
    addressesIn(slice).flatMap((address) =>
      (slice.ports ?? []).flatMap(({ port }) => (port === undefined ? [] : [`${bracketed(address)}:${port}`])),
    ),
  );
  return [...new Set(found)].sort();
}

function bracketed(address: string): string {
  return address.includes(":") ? `[${address}]` : address;
}
