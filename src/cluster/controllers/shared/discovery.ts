import { apiVersionOf, type Resource } from "#api";
import { Failure, isObject } from "#base";
import { type KubeClient, readText } from "#kube";

/** A kind that the server serves, as discovery tells it. */
export interface ServedResource extends Resource {
  readonly verbs: readonly string[];
}

/** Groups asked at once when discovering. */
const MAX_GROUP_VERSION_COUNT = 500;

/**
 * Asks the server for its kinds: each once, in the version that its group prefers or, where that lacks it, the next one.
 *
 * @throws Failure when any part cannot be read: acting on half of the kinds would take owners for missing.
 */
export async function discoverResources(client: KubeClient): Promise<readonly ServedResource[]> {
  const groupVersions = ["v1", ...(await listGroupVersions(client))].slice(0, MAX_GROUP_VERSION_COUNT);
  const found = new Map<string, ServedResource>();
  for (const groupVersion of groupVersions) {
    const path = groupVersion.includes("/") ? `/apis/${groupVersion}` : `/api/${groupVersion}`;
    for (const resource of readResources(await getJson(client, path), groupVersion)) {
      const key = `${resource.group}/${resource.plural}`;
      if (!found.has(key)) found.set(key, resource);
    }
  }
  return [...found.values()];
}

async function listGroupVersions(client: KubeClient): Promise<readonly string[]> {
  const { groups } = await getJson(client, "/apis");
  const ordered: string[] = [];
  for (const group of Array.isArray(groups) ? groups : []) {
    if (!isObject(group)) continue;
    const preferred = isObject(group.preferredVersion) ? group.preferredVersion.groupVersion : undefined;
    const versions = Array.isArray(group.versions) ? group.versions.filter(isObject) : [];
    const all = [preferred, ...versions.map((version) => version.groupVersion)];
    for (const one of new Set(all)) if (typeof one === "string") ordered.push(one);
  }
  return ordered;
}

function readResources(body: Record<string, unknown>, groupVersion: string): readonly ServedResource[] {
  const [first = "", second] = groupVersion.split("/");
  const [group, version] = second === undefined ? ["", first] : [first, second];
  const list = Array.isArray(body.resources) ? body.resources : [];
  return list.flatMap((entry: unknown) => {
    if (!isObject(entry) || typeof entry.name !== "string" || typeof entry.kind !== "string") return [];
    // Subresources are listed too, as `pods/log`.
    if (entry.name.includes("/")) return [];
    const verbs = Array.isArray(entry.verbs) ? entry.verbs.filter((verb) => typeof verb === "string") : [];
    return [{ group, version, plural: entry.name, kind: entry.kind, namespaced: entry.namespaced === true, verbs }];
  });
}

async function getJson(client: KubeClient, path: string): Promise<Record<string, unknown>> {
  const response = await client.raw({ path, headers: { accept: "application/json" } });
  const body: unknown = JSON.parse(await readText(response.body));
  if (response.status !== 200 || !isObject(body)) {
    throw new Failure(`Cannot discover the API server's kinds: ${path} answered ${response.status}`, {
      code: "DiscoveryFailed",
      retryable: true,
    });
  }
  return body;
}

/** Finds the kind that an owner reference names; the version may be another one that the server serves too. */
export function findKind(
  served: readonly ServedResource[],
  reference: { readonly apiVersion: string; readonly kind: string },
): ServedResource | undefined {
  const exact = served.find((one) => apiVersionOf(one) === reference.apiVersion && one.kind === reference.kind);
  if (exact !== undefined) return exact;
  const group = reference.apiVersion.includes("/") ? (reference.apiVersion.split("/")[0] ?? "") : "";
  return served.find((one) => one.group === group && one.kind === reference.kind);
}
