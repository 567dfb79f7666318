import type { KindDefinition } from "#api";
import { type Endpoint, endpointOf } from "../registry/endpoint.ts";

export interface VirtualKind {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly plural: string;
  readonly singular: string;
  readonly namespaced: boolean;
}

/** Makes the endpoint of a resource that is answered on the spot; any fields pass, since its handler reads what it needs. */
export function virtualEndpoint({ singular, ...resource }: VirtualKind, verbs: readonly string[]): Endpoint {
  const kind: KindDefinition = {
    resource,
    singular,
    listKind: `${resource.kind}List`,
    shortNames: [],
    categories: [],
    schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
    hasStatus: false,
    origin: "builtin",
  };
  return { ...endpointOf(kind, `${resource.group}/${resource.plural}`), virtualVerbs: verbs };
}

/** Makes the endpoint that answers for all names of a group and version; discovery lists what `listed` tells. */
export function openEndpoint(
  of: Pick<VirtualKind, "group" | "version" | "kind">,
  listed: NonNullable<Endpoint["listed"]>,
): Endpoint {
  return { ...virtualEndpoint({ ...of, plural: "*", singular: "", namespaced: true }, ["get"]), listed };
}
