import {
  type Canary,
  type DestinationRule,
  type HTTPRoute,
  type KubeObject,
  type OwnerReference,
  resources,
  type VirtualService,
} from "#api";
import { deepEqual } from "#base";
import type { RolloutNames, RouteState, RouteWeights } from "#rollout";
import type { RoutePatch, Router } from "./router.ts";
import { UNMANAGED_ANNOTATIONS } from "./services.ts";

/** Istio's VirtualService and DestinationRules. */
export const istioRouter: Router = {
  providers: ["istio"],
  resources: [resources.virtualServices, resources.destinationRules],
  objects: ({ names }) => [
    { resource: resources.virtualServices, name: names.apexService },
    { resource: resources.destinationRules, name: names.primaryService },
    { resource: resources.destinationRules, name: names.canaryService },
  ],
  problems: () => [],
  plan(context, { canaryWeight }, live) {
    const { names } = context;
    // Policies first: a route to a host without its policy would send traffic with the wrong TLS mode.
    const rules = [names.primaryService, names.canaryService].map((host) =>
      planDestinationRule(context, host, live.get<DestinationRule>(resources.destinationRules, host)),
    );
    const weights = { primaryWeight: 100 - canaryWeight, canaryWeight };
    const shown = live.get<VirtualService>(resources.virtualServices, names.apexService);
    const routes = planVirtualService(context, weights, shown);
    return [
      ...rules.flatMap((object): RoutePatch[] =>
        object === undefined ? [] : [{ kind: "apply", resource: resources.destinationRules, object }],
      ),
      ...(routes === undefined
        ? []
        : [{ kind: "apply", resource: resources.virtualServices, object: routes } as const]),
    ];
  },
  read({ names }, live) {
    const route = live.get<VirtualService>(resources.virtualServices, names.apexService);
    if (route === undefined) return { kind: "absent" };
    const state = readWeights(route, names);
    return state === undefined ? { kind: "absent" } : { kind: "read", state };
  },
  restore: () => [],
};

export interface IstioPlan {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly owner: OwnerReference;
}

const API_VERSION = "networking.istio.io/v1beta1";

/**
 * The fields of the VirtualService that are ours, for server-side apply; undefined when the live one has them.
 *
 * Weights are part of the plan, so a repair of anything else keeps them. Other fields (`exportTo`, `tls`) and other
 * people's labels stay. Source: flagger-spec 4.1.2; difference: 10.2.11.
 */
export function planVirtualService(
  plan: IstioPlan,
  weights: RouteWeights,
  live: VirtualService | undefined,
): VirtualService | undefined {
  const { canary, names } = plan;
  const apex = canary.spec.service?.apex;
  const wanted: VirtualService = {
    apiVersion: API_VERSION,
    kind: "VirtualService",
    metadata: {
      name: names.apexService,
      namespace: names.namespace,
      ...(apex?.labels === undefined ? {} : { labels: apex.labels }),
      annotations: { ...apex?.annotations, ...UNMANAGED_ANNOTATIONS },
      ...ownerOf(plan, live),
    },
    spec: { ...reachOf(canary, names), http: [routeOf(canary, names, weights)] },
  };
  return live !== undefined && covers(live, wanted) ? undefined : wanted;
}

/** The policy of each copy; undefined when the live rule has it. Source: flagger-spec 4.1.1. */
export function planDestinationRule(
  plan: IstioPlan,
  host: string,
  live: DestinationRule | undefined,
): DestinationRule | undefined {
  const trafficPolicy = plan.canary.spec.service?.trafficPolicy;
  const wanted: DestinationRule = {
    apiVersion: API_VERSION,
    kind: "DestinationRule",
    metadata: { name: host, namespace: plan.names.namespace, ...ownerOf(plan, live) },
    spec: { host, ...(trafficPolicy === undefined ? {} : { trafficPolicy }) },
  };
  return live !== undefined && covers(live, wanted) ? undefined : wanted;
}

/** Reads the weights of the route that leads to both copies; undefined when there is none. Source: flagger-spec 4.1.3. */
export function readWeights(live: VirtualService | undefined, names: RolloutNames): RouteState | undefined {
  const routes: readonly HTTPRoute[] = live?.spec.http ?? [];
  for (const route of [...routes].reverse()) {
    const canary = route.route?.find((to) => to.destination?.host === names.canaryService);
    if (canary === undefined) continue;
    const primary = route.route?.find((to) => to.destination?.host === names.primaryService);
    const canaryWeight = canary.weight ?? 0;
    const primaryWeight = primary?.weight ?? 0;
    if (canaryWeight + primaryWeight !== 100) return undefined;
    return { primaryWeight, canaryWeight, isMirrored: route.mirror !== undefined };
  }
  return undefined;
}

/** Hosts and gateways; a delegate has neither. */
function reachOf(canary: Canary, names: RolloutNames): Pick<VirtualService["spec"], "hosts" | "gateways"> {
  const service = canary.spec.service;
  if (service?.delegation === true) return {};
  const hosts = service?.hosts ?? [];
  const isNamed = hosts.includes(names.apexService) || hosts.includes("*");
  const gateways = service?.gateways ?? [];
  return {
    hosts: isNamed ? hosts : [...hosts, names.apexService],
    gateways: gateways.length === 0 ? ["mesh"] : gateways,
  };
}

function routeOf(canary: Canary, names: RolloutNames, weights: RouteWeights): HTTPRoute {
  const { match, rewrite, timeout, retries, corsPolicy, headers } = canary.spec.service ?? {};
  const port = backendPort(canary);
  const to = (host: string, weight: number): NonNullable<HTTPRoute["route"]>[number] => ({
    destination: { host, ...(port === undefined ? {} : { port: { number: port } }) },
    weight,
  });
  return {
    ...(match === undefined ? {} : { match }),
    ...(rewrite === undefined ? {} : { rewrite: withoutType(rewrite) }),
    ...(timeout === undefined ? {} : { timeout }),
    ...(retries === undefined ? {} : { retries }),
    ...(corsPolicy === undefined ? {} : { corsPolicy }),
    ...(headers === undefined ? {} : { headers }),
    route: [to(names.primaryService, weights.primaryWeight), to(names.canaryService, weights.canaryWeight)],
  };
}

/** `type` is of the Gateway API. */
function withoutType(rewrite: { uri?: string; authority?: string; type?: string }): {
  uri?: string;
  authority?: string;
} {
  const { type: _, ...rest } = rewrite;
  return rest;
}

/** Services with several ports need it named, and behind a gateway nothing else tells it. Source: flagger-spec 4.1.2. */
function backendPort(canary: Canary): number | undefined {
  const service = canary.spec.service;
  if (service?.portDiscovery !== true) return undefined;
  const first = service.gateways?.[0];
  const isBehindGateway = (first !== undefined && first !== "mesh") || service.delegation === true;
  return isBehindGateway ? service.port : undefined;
}

/** An object that was there before us has no owner in us, and none is added. */
function ownerOf(plan: IstioPlan, live: KubeObject | undefined): { ownerReferences?: readonly OwnerReference[] } {
  const isOurs = live === undefined || live.metadata.ownerReferences?.some((owner) => owner.uid === plan.owner.uid);
  return isOurs === true ? { ownerReferences: [plan.owner] } : {};
}

/** Whether the live object has every field that is wanted, with the same value; it may have more. */
function covers(live: KubeObject, wanted: KubeObject): boolean {
  const hasAll = (have: object | undefined, want: object | undefined): boolean =>
    Object.entries(want ?? {}).every(([key, value]) => deepEqual((have as Record<string, unknown>)?.[key], value));
  return (
    hasAll(live.metadata.labels, wanted.metadata.labels) &&
    hasAll(live.metadata.annotations, wanted.metadata.annotations) &&
    hasAll(live.spec as object, wanted.spec as object)
  );
}
