import { type DestinationRule, matchesSelector, type Subset, type TrafficPolicy } from "#api";
import { type ClusterPolicy, compileClusterPolicy, DEFAULT_CLUSTER_POLICY, effectivePolicy } from "./cluster-policy.ts";
import type { Report } from "./finding.ts";
import { buildHostTable, expandHost, findByHost, type HostTable } from "./host-name.ts";
import type { MeshEndpoint, MeshService } from "./mesh-service.ts";

/** Rules of this namespace hold for every client and service that has none of its own. */
export const ROOT_NAMESPACE = "istio-system";

/** One port of a service, or of one of its subsets, as a client sees it: endpoints and the policy towards them. */
export interface Cluster {
  /** `outbound|80|v1|web.shop.svc.cluster.local`, with `@rule` when a client's own rule makes it another cluster. */
  readonly key: string;
  readonly service: MeshService;
  readonly port: number;
  readonly subset: string;
  readonly endpoints: readonly MeshEndpoint[];
  readonly policy: ClusterPolicy;
}

/** Clusters of one service by `port|subset`. */
export type ClusterSet = ReadonlyMap<string, Cluster>;

/** Clusters of one service for each client. */
export interface ServiceClusters {
  readonly ofOthers: ClusterSet;
  /** For clients in namespaces whose own rules hide those of the service. */
  readonly byClientNamespace: ReadonlyMap<string, ClusterSet>;
}

/** A DestinationRule, or several of one host in one namespace merged. */
export interface CompiledRule {
  readonly id: string;
  readonly namespace: string;
  readonly exportTo: readonly string[];
  readonly trafficPolicy: TrafficPolicy | undefined;
  readonly subsets: readonly Subset[];
  readonly report: Report;
}

export interface RuleSource {
  readonly rule: DestinationRule;
  readonly report: Report;
}

/** The rules of each namespace by host. */
export type RuleTables = ReadonlyMap<string, HostTable<CompiledRule>>;

/** Sorts rules, oldest first, into tables; rules of one host and visibility are merged. Source: istio-spec 2.1. */
export function indexRules(sources: readonly RuleSource[]): RuleTables {
  const namespaces = new Map<string, Map<string, CompiledRule>>();
  for (const { rule, report } of sources) {
    const namespace = rule.metadata.namespace ?? "default";
    const host = expandHost(rule.spec.host, namespace);
    const hosts = namespaces.get(namespace) ?? new Map<string, CompiledRule>();
    namespaces.set(namespace, hosts);
    const made: CompiledRule = {
      id: `${namespace}/${rule.metadata.name}`,
      namespace,
      exportTo: rule.spec.exportTo ?? ["*"],
      trafficPolicy: rule.spec.trafficPolicy,
      subsets: rule.spec.subsets ?? [],
      report,
    };
    const older = hosts.get(host);
    hosts.set(host, older === undefined ? made : mergeRules(older, made));
  }
  return new Map([...namespaces].map(([namespace, hosts]) => [namespace, buildHostTable(hosts)]));
}

function mergeRules(older: CompiledRule, newer: CompiledRule): CompiledRule {
  if (older.exportTo.join() !== newer.exportTo.join()) {
    newer.report("ignored", `the older rule ${older.id} of the same host with another exportTo goes first`);
    return older;
  }
  const names = new Set(older.subsets.map(({ name }) => name));
  return {
    ...older,
    trafficPolicy: older.trafficPolicy ?? newer.trafficPolicy,
    subsets: [...older.subsets, ...newer.subsets.filter(({ name }) => !names.has(name))],
  };
}

/** True when an object of `namespace` with this `exportTo` is seen from the client's namespace. */
export function isVisibleTo(exportTo: readonly string[], namespace: string, clientNamespace: string): boolean {
  if (exportTo.length === 0 || exportTo.includes("*") || exportTo.includes(clientNamespace)) return true;
  return exportTo.includes(".") && namespace === clientNamespace;
}

/** The rule that a client in the namespace uses for a service: its own, the service's, the root namespace's. Source: istio-spec 2.1. */
export function selectRule(
  tables: RuleTables,
  service: MeshService,
  clientNamespace: string,
): CompiledRule | undefined {
  const namespaces = [
    ...(clientNamespace === ROOT_NAMESPACE ? [] : [clientNamespace]),
    service.namespace,
    ROOT_NAMESPACE,
  ];
  for (const namespace of namespaces) {
    const table = tables.get(namespace);
    const rule =
      table === undefined
        ? undefined
        : findByHost(table, service.host, (found) =>
            isVisibleTo(found.exportTo, found.namespace, clientNamespace) ? found : undefined,
          );
    if (rule !== undefined) return rule;
  }
  return undefined;
}

/** A client that is in no namespace, for the rule that most clients use. */
const NO_NAMESPACE = "";

/** Compiles the clusters of a service for clients everywhere; equal views share their clusters. */
export function compileClusters(
  service: MeshService,
  tables: RuleTables,
  clientNamespaces: readonly string[],
): ServiceClusters {
  const common = selectRule(tables, service, NO_NAMESPACE);
  const ofOthers = clustersUnder(service, common, "");
  const byClientNamespace = new Map<string, ClusterSet>();
  const byRule = new Map<CompiledRule | undefined, ClusterSet>();
  for (const namespace of clientNamespaces) {
    const rule = selectRule(tables, service, namespace);
    if (rule === common) continue;
    const set = byRule.get(rule) ?? clustersUnder(service, rule, `@${rule?.id ?? "none"}`);
    byRule.set(rule, set);
    byClientNamespace.set(namespace, set);
  }
  return { ofOthers, byClientNamespace };
}

function clustersUnder(service: MeshService, rule: CompiledRule | undefined, suffix: string): ClusterSet {
  const clusters = new Map<string, Cluster>();
  for (const { port } of service.ports) {
    for (const subset of [undefined, ...(rule?.subsets ?? [])]) {
      const name = subset?.name ?? "";
      clusters.set(`${port}|${name}`, {
        key: `outbound|${port}|${name}|${service.host}${suffix}`,
        service,
        port,
        subset: name,
        endpoints: (service.endpoints.get(port) ?? []).filter(({ workload }) => isInSubset(subset, workload.labels)),
        policy: policyOf(rule, port, subset),
      });
    }
  }
  return clusters;
}

function isInSubset(subset: Subset | undefined, labels: Readonly<Record<string, string>>): boolean {
  return subset?.labels === undefined || matchesSelector({ matchLabels: subset.labels }, labels);
}

function policyOf(rule: CompiledRule | undefined, port: number, subset: Subset | undefined): ClusterPolicy {
  if (rule === undefined) return DEFAULT_CLUSTER_POLICY;
  const policy = effectivePolicy(rule.trafficPolicy, { port, ...(subset === undefined ? {} : { subset }) });
  return compileClusterPolicy(policy, rule.report);
}
