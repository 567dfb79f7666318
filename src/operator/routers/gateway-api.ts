import {
  applyDefaults,
  type Canary,
  conditionOf,
  type GatewayHTTPRoute,
  httpRouteSpec,
  type ParentReference,
  pruneUnknown,
  resources,
  type RouteParentStatus,
} from "#api";
import type { Problem } from "#base";
import { emptyTestProblems, testMatches } from "./ab-test.ts";
import { affinityProblems } from "./affinity.ts";
import { serviceTimeouts } from "./gateway-filters.ts";
import { serviceMatches, testedMatches } from "./gateway-matches.ts";
import { isMirrorTo, routeRules, sharedRule } from "./gateway-rules.ts";
import { apexMetadata, isOwned, restoredObject } from "./original.ts";
import type { DesiredRoutes, LiveObjects, RoutePatch, Router, RouteReading, RouterContext } from "./router.ts";
import { hasMetadata, isSame } from "./same-fields.ts";

/**
 * Any implementation of the Gateway API: one HTTPRoute of version v1. `gatewayapi:v1beta1` means the same objects, since
 * every cluster that serves the older version and is not past support serves v1 as well. Source: flagger-spec 4.2.
 */
export const gatewayApi: Router = {
  providers: ["gatewayapi:v1", "gatewayapi:v1beta1"],
  resources: [resources.httpRoutes],
  objects: ({ names }) => [{ resource: resources.httpRoutes, name: names.apexService }],
  problems: ({ canary }) => [
    ...parentProblems(canary),
    ...matchProblems(canary),
    ...emptyTestProblems(canary),
    ...affinityProblems(canary),
  ],
  plan: (context, desired, live) => {
    const patch = routePatch(context, desired, liveRoute(context, live));
    return patch === undefined ? [] : [patch];
  },
  read: (context, live) => readingOf(context, liveRoute(context, live)),
  restore: (context, live) => {
    const object = restoredObject(context, liveRoute(context, live), {
      isOurs: ({ rules }) => sharedRule(rules, context) !== undefined,
      plain: (spec) => plainSpec(context, spec),
    });
    return object === undefined ? [] : [{ kind: "update", resource: resources.httpRoutes, object }];
  },
};

function liveRoute({ names }: RouterContext, live: LiveObjects): GatewayHTTPRoute | undefined {
  return live.get<GatewayHTTPRoute>(resources.httpRoutes, names.apexService);
}

function routePatch(
  context: RouterContext,
  desired: DesiredRoutes,
  live: GatewayHTTPRoute | undefined,
): RoutePatch | undefined {
  const { spec } = context.canary;
  const isOurs = live !== undefined && (isOwned(context, live) || sharedRule(live.spec.rules, context) !== undefined);
  const object: GatewayHTTPRoute = {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "HTTPRoute",
    metadata: apexMetadata(context, live, isOurs),
    spec: {
      parentRefs: spec.service?.gatewayRefs ?? [],
      // Stated even when there are none, so that those of others go.
      hostnames: spec.service?.hosts ?? [],
      rules: routeRules(context, desired, live?.spec.rules),
    },
  };
  if (live !== undefined && hasMetadata(live, object) && isSameSpec(live, object)) return undefined;
  return { kind: "apply", resource: resources.httpRoutes, object };
}

/** The same rules with the apex for the two copies, and without the mirror to one of them. */
function plainSpec({ names }: RouterContext, spec: GatewayHTTPRoute["spec"]): GatewayHTTPRoute["spec"] {
  const copies = [names.primaryService, names.canaryService];
  const rules = (spec.rules ?? []).map((rule) => {
    const copy = rule.backendRefs?.find(({ name }) => copies.includes(name));
    if (copy === undefined) return rule;
    const { filters: _, weight: __, ...ref } = copy;
    const filters = (rule.filters ?? []).filter((filter) => !isMirrorTo(filter, names.canaryService));
    return { ...rule, filters, backendRefs: [{ ...ref, name: names.apexService }] };
  });
  return { ...spec, rules };
}

/** Compared as a server keeps them, with defaults; fields of later versions of the API are not compared. */
function isSameSpec(live: GatewayHTTPRoute, wanted: GatewayHTTPRoute): boolean {
  const { parentRefs, hostnames, rules } = live.spec;
  return isSame(stored({ parentRefs, hostnames, rules }), stored(wanted.spec));
}

function stored(spec: object): unknown {
  return applyDefaults(httpRouteSpec, pruneUnknown(httpRouteSpec, spec).value);
}

/** Weights that do not add up are nobody's decision; the next plan writes them anew. */
function readingOf(context: RouterContext, live: GatewayHTTPRoute | undefined): RouteReading {
  const { names } = context;
  const rule = sharedRule(live?.spec.rules, context);
  if (live === undefined || rule === undefined) return { kind: "absent" };
  const weightOf = (service: string): number => rule.backendRefs?.find(({ name }) => name === service)?.weight ?? 1;
  const [primaryWeight, canaryWeight] = [weightOf(names.primaryService), weightOf(names.canaryService)];
  if (primaryWeight + canaryWeight !== 100) return { kind: "absent" };
  const refusal = refusalOf(live);
  if (refusal !== undefined) return { kind: "problem", message: refusal };
  const isMirrored = (rule.filters ?? []).some((filter) => isMirrorTo(filter, names.canaryService));
  return { kind: "read", state: { primaryWeight, canaryWeight, isMirrored } };
}

/**
 * Which parent has not accepted the present generation; a parent that says nothing of itself has accepted.
 * Source: flagger-spec 4.2, pinned case 46.
 */
function refusalOf(live: GatewayHTTPRoute): string | undefined {
  const generation = live.metadata.generation ?? 0;
  const named = (live.spec.parentRefs ?? []).map((ref) => parentKey(ref, live));
  const parents = (live.status?.parents ?? []).filter(({ parentRef }) => named.includes(parentKey(parentRef, live)));
  for (const parent of parents) {
    const accepted = conditionOf(parent.conditions, "Accepted");
    const observed = accepted?.observedGeneration ?? 0;
    if (accepted?.status === "True" && observed >= generation) continue;
    return refusalText(live, parent, { status: accepted?.status ?? "Unknown", observed, generation });
  }
  return undefined;
}

function refusalText(
  { metadata }: GatewayHTTPRoute,
  { parentRef, conditions }: RouteParentStatus,
  seen: { status: string; observed: number; generation: number },
): string {
  const told = conditionOf(conditions, "Accepted")?.message ?? "";
  const detail = `status: ${seen.status}, observed generation: ${seen.observed}, current generation: ${seen.generation}`;
  const why = told === "" || seen.status === "True" ? "" : `: ${told}`;
  return `HTTPRoute ${metadata.namespace}/${metadata.name} parent ${parentRef.name} is not ready (${detail})${why}`;
}

function parentKey(ref: ParentReference, { metadata }: GatewayHTTPRoute): string {
  const { group = "gateway.networking.k8s.io", kind = "Gateway", name, sectionName = "", port = 0 } = ref;
  return JSON.stringify([group, kind, ref.namespace ?? metadata.namespace, name, sectionName, port]);
}

function parentProblems({ spec }: Canary): Problem[] {
  if ((spec.service?.gatewayRefs ?? []).length > 0) return [];
  const fix = "name the Gateway that clients come in by";
  return [{ path: "spec.service.gatewayRefs", code: "required", message: "must name at least one parent", fix }];
}

/** Source: Gateway API 1.6, the bounds of a rule. */
const MAX_MATCH_COUNT = 64;

function matchProblems(canary: Canary): Problem[] {
  const problems: Problem[] = [];
  serviceTimeouts(canary, problems);
  const lists = {
    "spec.service.match": serviceMatches(canary, problems),
    "spec.analysis.match": testedMatches(canary, problems),
  };
  const isPrefixRewrite = canary.spec.service?.rewrite?.type === "ReplacePrefixMatch";
  const isTest = testMatches(canary).length > 0;
  for (const [path, matches] of Object.entries(lists)) {
    if (matches.length > MAX_MATCH_COUNT)
      problems.push({
        path,
        code: "invalid-value",
        message: `makes ${matches.length} matches, of at most ${MAX_MATCH_COUNT}`,
      });
    const isPrefix = matches.length === 1 && (matches[0]?.path?.type ?? "PathPrefix") === "PathPrefix";
    if (isPrefixRewrite && !isPrefix && (isTest || path === "spec.service.match"))
      problems.push({
        path: "spec.service.rewrite.type",
        code: "invalid-value",
        message: `ReplacePrefixMatch needs exactly one match, of a prefix; ${path} makes ${matches.length}`,
        fix: "match one prefix, or replace the full path",
      });
  }
  return problems;
}
