import type {
  DestinationRule,
  EndpointSlice,
  Gateway,
  KubeObject,
  Pod,
  Service,
  ServiceEntry,
  Telemetry,
  VirtualService,
} from "#api";
import { compileClusters, indexRules, ROOT_NAMESPACE, type RuleSource, type ServiceClusters } from "./cluster.ts";
import { type MeshFinding, type Report, UnusableObject } from "./finding.ts";
import { defaultRule, type HttpRouteRule } from "./http-route.ts";
import {
  compileServiceEntry,
  checkSlice,
  compilePod,
  compileService,
  groupSlices,
  indexPods,
  indexServices,
  type Registry,
} from "./mesh-service.ts";
import { compileTelemetry, type TelemetryRule } from "./telemetry.ts";
import {
  type CompiledVirtualService,
  compileGateways,
  compileVirtualService,
  type GatewayPorts,
  type GatewaySource,
  indexMeshHosts,
  type MeshHosts,
} from "./virtual-host.ts";
import type { Workload } from "./workload.ts";
import { effectivePolicy, compileClusterPolicy } from "./cluster-policy.ts";

/** The user's objects that decide where requests go. */
export interface MeshObjects {
  readonly virtualServices: readonly VirtualService[];
  readonly destinationRules: readonly DestinationRule[];
  readonly gateways: readonly Gateway[];
  readonly services: readonly Service[];
  readonly endpointSlices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
  readonly serviceEntries?: readonly ServiceEntry[];
  readonly telemetries?: readonly Telemetry[];
}

/** All that the proxy needs to route a request, ready for lookups. Immutable: a change of objects makes a new one. */
export interface MeshConfig {
  readonly findings: readonly MeshFinding[];
  readonly registry: Registry;
  /** By full host name of the service. */
  readonly clusters: ReadonlyMap<string, ServiceClusters>;
  readonly meshHosts: MeshHosts;
  /** For hosts without a VirtualService, by full host name. */
  readonly defaultRules: ReadonlyMap<string, HttpRouteRule>;
  readonly gatewayPorts: GatewayPorts;
  /** Gateways that the built-in gateway serves, as `namespace/name`. */
  readonly gatewayIds: readonly string[];
  readonly workloads: ReadonlyMap<string, Workload>;
  readonly telemetry: readonly TelemetryRule[];
}

/**
 * Compiles the objects. An object that makes no sense is left out and named in `findings`; it never keeps the others from
 * working.
 */
export function compileMesh(objects: MeshObjects): MeshConfig {
  const findings: MeshFinding[] = [];
  const isolate = createIsolator(findings);
  const pods = indexPods(isolate.each(objects.pods, (pod) => [compilePod(pod)]));
  const registry = compileRegistry(objects, { isolate, pods });
  const services = [...registry.byHost.values()];
  const rules = isolate.each(objects.destinationRules, (rule, report): RuleSource[] => {
    checkRule(rule, report);
    return [{ rule, report }];
  });
  const virtualServices = compileVirtualServices(objects.virtualServices, isolate);
  const gateways = isolate.each(objects.gateways, (gateway, report): GatewaySource[] => {
    // Compiled once on its own, so that a malformed one is found here and not in the midst of the others.
    compileGateways([{ gateway, report: () => undefined }], []);
    return [{ gateway, report }];
  });
  const tables = indexRules(rules);
  const namespaces = clientNamespaces(objects);
  return {
    findings,
    registry,
    clusters: new Map(
      services.map((service): [string, ServiceClusters] => [
        service.host,
        compileClusters(service, tables, namespaces),
      ]),
    ),
    meshHosts: indexMeshHosts(virtualServices),
    defaultRules: new Map(services.map(({ host }) => [host, defaultRule(host)])),
    gatewayPorts: compileGateways(gateways, virtualServices),
    gatewayIds: gateways.map(({ gateway }) => `${gateway.metadata.namespace}/${gateway.metadata.name}`),
    workloads: pods.byAddress,
    telemetry: isolate.each(objects.telemetries ?? [], compileTelemetry),
  };
}

function compileRegistry(
  objects: MeshObjects,
  { isolate, pods }: { isolate: Isolator; pods: ReturnType<typeof indexPods> },
): Registry {
  const slices = isolate.each(objects.endpointSlices, (slice) => [checkSlice(slice)]);
  const context = { slices: groupSlices(slices), workloads: pods, oldestHost: new Map<string, string>() };
  return indexServices([
    ...isolate.each(objects.services, (service) => [compileService(service, context)]),
    ...isolate.each(objects.serviceEntries ?? [], compileServiceEntry),
  ]);
}

function compileVirtualServices(objects: readonly VirtualService[], isolate: Isolator): CompiledVirtualService[] {
  const byId = new Map(objects.map((object) => [`${object.metadata.namespace}/${object.metadata.name}`, object]));
  return isolate.each(objects, (service, report) => {
    // A VirtualService without hosts is only there to be delegated to.
    if ((service.spec.hosts?.length ?? 0) === 0) return [];
    return [compileVirtualService(service, (id) => byId.get(id), report)];
  });
}

/** Compiles the rule's policies once on their own, so that a malformed rule is found before any service uses it. */
function checkRule({ spec }: DestinationRule, report: Report): void {
  if (typeof spec.host !== "string" || spec.host === "") throw new UnusableObject("host: is required");
  compileClusterPolicy(effectivePolicy(spec.trafficPolicy, { port: 0 }), report);
  for (const setting of spec.trafficPolicy?.portLevelSettings ?? []) {
    compileClusterPolicy(effectivePolicy(spec.trafficPolicy, { port: setting.port.number }), report);
  }
  for (const subset of spec.subsets ?? []) {
    if (typeof subset.name !== "string") throw new UnusableObject("subsets: each needs a name");
    compileClusterPolicy(effectivePolicy(spec.trafficPolicy, { port: 0, subset }), report);
    for (const setting of subset.trafficPolicy?.portLevelSettings ?? []) {
      compileClusterPolicy(effectivePolicy(spec.trafficPolicy, { port: setting.port.number, subset }), report);
    }
  }
}

function clientNamespaces(objects: MeshObjects): string[] {
  const all = [...objects.pods, ...objects.services, ...objects.gateways, ...objects.destinationRules];
  return [...new Set([ROOT_NAMESPACE, ...all.map((object) => object.metadata.namespace ?? "default")])];
}

interface Isolator {
  /** Compiles each object, oldest first; one that cannot be used is reported and left out. */
  each<T extends KubeObject, R>(objects: readonly T[], compile: (object: T, report: Report) => readonly R[]): R[];
}

/** More findings than anybody reads; the rest is dropped. */
const FINDINGS_MAX = 1000;

function createIsolator(findings: MeshFinding[]): Isolator {
  const known = new Set<string>();
  const reporterOf = (object: KubeObject): Report => {
    const name = `${object.kind} ${object.metadata.namespace ?? "default"}/${object.metadata.name}`;
    return (code, message) => {
      const key = `${name}\0${message}`;
      if (known.has(key) || findings.length >= FINDINGS_MAX) return;
      known.add(key);
      findings.push({ object: name, code, message });
    };
  };
  return {
    each(objects, compile) {
      return byAge(objects).flatMap((object) => {
        const report = reporterOf(object);
        try {
          return compile(object, report);
        } catch (thrown) {
          // A TypeError is how a field of another type than its schema says shows; the object is equally unusable then.
          if (!(thrown instanceof UnusableObject || thrown instanceof TypeError)) throw thrown;
          report("malformed", thrown.message);
          return [];
        }
      });
    },
  };
}

/** Oldest first, ties by name, then namespace. Source: istio-spec 1.2. */
function byAge<T extends KubeObject>(objects: readonly T[]): T[] {
  const key = ({ metadata }: T): string =>
    `${metadata.creationTimestamp ?? ""}\0${metadata.name ?? ""}\0${metadata.namespace ?? ""}`;
  return objects
    .map((object) => ({ object, key: key(object) }))
    .sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    .map(({ object }) => object);
}
