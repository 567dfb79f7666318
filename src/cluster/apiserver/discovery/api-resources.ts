import type { ApiResource } from "../registry/api-resource.ts";
import type { Endpoint } from "../registry/endpoint.ts";

const ALL_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
/** The order in which the server of custom resources lists them; clients compare neither. */
const CUSTOM_VERBS = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
const READ_WRITE = ["get", "patch", "update"];
const SCALE = { kind: "Scale", group: "autoscaling", version: "v1" };

interface Extra {
  readonly subresource: string;
  readonly kind: string;
  readonly verbs: readonly string[];
  readonly group?: string;
  readonly version?: string;
}

/** Subresources of built-in kinds beyond status and scale. */
const EXTRAS: ReadonlyMap<string, readonly Extra[]> = new Map([
  [
    "/pods",
    [
      { subresource: "binding", kind: "Binding", verbs: ["create"] },
      { subresource: "eviction", kind: "Eviction", group: "policy", version: "v1", verbs: ["create"] },
      { subresource: "log", kind: "Pod", verbs: ["get"] },
    ],
  ],
  ["/namespaces", [{ subresource: "finalize", kind: "Namespace", verbs: ["update"] }]],
  [
    "/serviceaccounts",
    [{ subresource: "token", kind: "TokenRequest", group: "authentication.k8s.io", version: "v1", verbs: ["create"] }],
  ],
]);

/** Everything that a group and version serves: each kind, followed by its subresources; built-in ones by name. */
export function apiResources(endpoints: readonly Endpoint[]): readonly ApiResource[] {
  const resources = endpoints.flatMap(resourcesOf);
  const isCustom = endpoints.some(({ kind }) => kind.origin === "crd");
  return isCustom ? resources : [...resources].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function resourcesOf(endpoint: Endpoint): readonly ApiResource[] {
  if (endpoint.listed !== undefined) return endpoint.listed();
  const { kind } = endpoint;
  const { plural, namespaced } = kind.resource;
  const part = (extra: Extra): ApiResource => {
    const { subresource, ...rest } = extra;
    return { name: `${plural}/${subresource}`, singularName: "", namespaced, ...rest };
  };
  const status: Extra = { subresource: "status", kind: kind.resource.kind, verbs: READ_WRITE };
  return [
    mainResource(endpoint),
    ...(kind.hasStatus ? [part(status)] : []),
    ...(kind.scale === undefined ? [] : [part({ subresource: "scale", verbs: READ_WRITE, ...SCALE })]),
    ...(EXTRAS.get(endpoint.collection) ?? []).map(part),
  ];
}

function mainResource({ kind, collection, virtualVerbs }: Endpoint): ApiResource {
  const { plural, namespaced } = kind.resource;
  const verbs = virtualVerbs ?? (kind.origin === "crd" ? CUSTOM_VERBS : ALL_VERBS);
  return {
    name: plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.resource.kind,
    verbs: collection === "/namespaces" ? verbs.filter((verb) => verb !== "deletecollection") : verbs,
    ...(kind.shortNames.length > 0 ? { shortNames: kind.shortNames } : {}),
    ...(kind.categories.length > 0 ? { categories: kind.categories } : {}),
  };
}
