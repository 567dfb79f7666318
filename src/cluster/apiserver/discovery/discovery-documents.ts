import type { ApiResource } from "../registry/api-resource.ts";
import type { GroupVersions, Registry } from "../registry/registry.ts";
import { apiResources } from "./api-resources.ts";

type Document = Readonly<Record<string, unknown>>;

/** `/api`: the versions of the core group. */
export function apiVersions(serverAddress: string): Document {
  return {
    kind: "APIVersions",
    versions: ["v1"],
    serverAddressByClientCIDRs: [{ clientCIDR: "0.0.0.0/0", serverAddress }],
  };
}

/** `/apis`: every other group. */
export function apiGroupList(registry: Registry): Document {
  const groups = registry.groups().filter(({ group }) => group !== "");
  return { kind: "APIGroupList", apiVersion: "v1", groups: groups.map(groupEntry) };
}

/** `/apis/GROUP`. */
export function apiGroup(registry: Registry, group: string): Document | undefined {
  const found = registry.groups().find((candidate) => candidate.group === group && group !== "");
  return found === undefined ? undefined : { kind: "APIGroup", apiVersion: "v1", ...groupEntry(found) };
}

function groupEntry({ group, versions }: GroupVersions): Document {
  const entries = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: entries, preferredVersion: entries[0] };
}

/** `/api/v1` and `/apis/GROUP/VERSION`. */
export function apiResourceList(registry: Registry, group: string, version: string): Document | undefined {
  if (!registry.hasVersion(group, version)) return undefined;
  const groupVersion = group === "" ? version : `${group}/${version}`;
  return {
    kind: "APIResourceList",
    apiVersion: "v1",
    groupVersion,
    resources: apiResources(registry.endpointsOf(group, version)),
  };
}

/** Aggregated discovery: all versions and resources of the core group, or of all others, in one document. */
export function groupDiscoveryList(registry: Registry, isCore: boolean, apidiscoveryVersion: string): Document {
  const groups = registry.groups().filter(({ group }) => (group === "") === isCore);
  return {
    kind: "APIGroupDiscoveryList",
    apiVersion: `apidiscovery.k8s.io/${apidiscoveryVersion}`,
    metadata: {},
    items: groups.map(({ group, versions }) => ({
      metadata: group === "" ? { creationTimestamp: null } : { name: group, creationTimestamp: null },
      versions: versions.map((version) => ({
        version,
        resources: discoveredResources(apiResources(registry.endpointsOf(group, version)), group, version),
        freshness: "Current",
      })),
    })),
  };
}

/** Source: `apidiscovery.k8s.io` `APIResourceDiscovery`; subresources stand inside their resource. */
function discoveredResources(resources: readonly ApiResource[], group: string, version: string): Document[] {
  const parts = partsByParent(resources);
  const mains = resources.filter(({ name }) => !name.includes("/"));
  const known = new Set(mains.map(({ name }) => name));
  return [
    ...mains.map((resource) => ({
      resource: resource.name,
      responseKind: { group, version, kind: resource.kind },
      scope: scopeOf(resource),
      singularResource: resource.singularName,
      verbs: resource.verbs,
      ...(resource.shortNames === undefined ? {} : { shortNames: resource.shortNames }),
      ...(resource.categories === undefined ? {} : { categories: resource.categories }),
      ...partsField(parts.get(resource.name) ?? [], group, version),
    })),
    // Custom metrics are subresources of resources that their group does not have; the aggregator writes an empty kind then.
    ...[...parts]
      .filter(([parent]) => !known.has(parent))
      .map(([parent, own]) => ({
        resource: parent,
        responseKind: { group: "", version: "", kind: "" },
        scope: scopeOf(own[0]),
        singularResource: "",
        verbs: [],
        ...partsField(own, group, version),
      })),
  ];
}

function partsByParent(resources: readonly ApiResource[]): ReadonlyMap<string, readonly ApiResource[]> {
  const parts = new Map<string, ApiResource[]>();
  for (const resource of resources) {
    const slash = resource.name.indexOf("/");
    if (slash === -1) continue;
    const parent = resource.name.slice(0, slash);
    const siblings = parts.get(parent);
    if (siblings === undefined) parts.set(parent, [resource]);
    else siblings.push(resource);
  }
  return parts;
}

function scopeOf(resource: ApiResource | undefined): "Namespaced" | "Cluster" {
  return resource?.namespaced === true ? "Namespaced" : "Cluster";
}

function partsField(parts: readonly ApiResource[], group: string, version: string): Document {
  return parts.length === 0 ? {} : { subresources: parts.map((part) => discoveredPart(part, group, version)) };
}

function discoveredPart(part: ApiResource, group: string, version: string): Document {
  return {
    subresource: part.name.slice(part.name.indexOf("/") + 1),
    responseKind: { group: part.group ?? group, version: part.version ?? version, kind: part.kind },
    verbs: part.verbs,
  };
}
