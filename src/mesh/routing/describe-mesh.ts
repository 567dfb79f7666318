import type { Cluster } from "./cluster.ts";
import type { MeshConfig } from "./compile-mesh.ts";
import type { HostTable } from "./host-name.ts";
import type { RouteEntry } from "./virtual-host.ts";

/** What a configuration does, as plain JSON for people: hosts with their routes, clusters with their endpoints. */
export function describeMesh(config: MeshConfig): Record<string, unknown> {
  return {
    findings: config.findings,
    gateways: Object.fromEntries(
      [...config.gatewayPorts].map(([port, table]) => [
        port,
        describeTable(table, ({ entries }) => entries.map(describeEntry)),
      ]),
    ),
    mesh: describeTable(config.meshHosts, (services) =>
      services.map(({ id, entries }) => ({ virtualService: id, routes: entries.map(describeEntry) })),
    ),
    clusters: [...config.clusters.values()].flatMap(({ ofOthers, byClientNamespace }) =>
      [ofOthers, ...new Set(byClientNamespace.values())].flatMap((set) => [...set.values()].map(describeCluster)),
    ),
  };
}

function describeTable<T>(table: HostTable<T>, describe: (value: T) => unknown): Record<string, unknown> {
  return Object.fromEntries([
    ...[...table.exact].map(([host, value]) => [host, describe(value)]),
    ...table.wildcards.map(({ suffix, value }) => [`*${suffix}`, describe(value)]),
    ...(table.any === undefined ? [] : [["*", describe(table.any)]]),
  ]);
}

function describeEntry({ match, rule }: RouteEntry): unknown {
  const { action } = rule;
  const conditions = Object.fromEntries(
    Object.entries(match).filter(
      ([, value]) => value !== undefined && value !== "" && !(Array.isArray(value) && value.length === 0),
    ),
  );
  return {
    key: rule.key,
    match: JSON.parse(
      JSON.stringify(conditions, (key, value: unknown) => (key === "pattern" ? undefined : value)),
    ) as unknown,
    timeoutMs: rule.timeoutMs,
    retries: rule.retry.retryCount,
    action:
      action.kind === "forward"
        ? action.targets.map(({ host, subset, port, weight }) => ({ host, subset, port, weight }))
        : action.kind,
  };
}

function describeCluster({ key, endpoints, policy }: Cluster): unknown {
  return {
    key,
    balancer: policy.balancer,
    endpoints: endpoints.map(({ address, port, workload }) => ({
      address: `${address}:${port}`,
      workload: `${workload.namespace}/${workload.workload}`,
    })),
  };
}
