import type { HTTPMatchRequest, HTTPRoute, StringMatch } from "#api";

/** Fields of a route that a root route hands to its delegate's routes where those have none. Source: istio-spec 1.14. */
const INHERITED = [
  "rewrite",
  "directResponse",
  "timeout",
  "retries",
  "fault",
  "mirror",
  "mirrors",
  "mirrorPercent",
  "mirrorPercentage",
  "corsPolicy",
  "headers",
] as const satisfies readonly (keyof HTTPRoute)[];

/** Replaces a root route that delegates by the delegate's routes, each narrowed by the root's matches. */
export function mergeDelegate(root: HTTPRoute, delegateRoutes: readonly HTTPRoute[]): HTTPRoute[] {
  return delegateRoutes.flatMap((route) => {
    const match = mergeMatches(root.match ?? [], route.match ?? []);
    if (match === undefined) return [];
    const inherited = Object.fromEntries(
      INHERITED.filter((field) => root[field] !== undefined && route[field] === undefined).map((field) => [
        field,
        root[field],
      ]),
    );
    const { delegate: _, ...own } = route;
    const name = [root.name, route.name].filter(Boolean).join("-");
    return [{ ...inherited, ...own, ...(name === "" ? {} : { name }), ...(match.length === 0 ? {} : { match }) }];
  });
}

/** The pairs of matches that can hold together; undefined when there are matches but no such pair. */
function mergeMatches(
  root: readonly HTTPMatchRequest[],
  delegate: readonly HTTPMatchRequest[],
): readonly HTTPMatchRequest[] | undefined {
  if (root.length === 0) return delegate;
  if (delegate.length === 0) return root;
  const merged = root.flatMap((outer) =>
    delegate.filter((inner) => areCompatible(outer, inner)).map((inner) => mergeMatch(outer, inner)),
  );
  return merged.length === 0 ? undefined : merged;
}

function areCompatible(root: HTTPMatchRequest, inner: HTTPMatchRequest): boolean {
  if (
    (root.ignoreUriCase ?? false) !== (inner.ignoreUriCase ?? false) &&
    root.uri !== undefined &&
    inner.uri !== undefined
  )
    return false;
  const single = (["uri", "scheme", "method", "authority"] as const).every((field) =>
    isNarrower(root[field], inner[field]),
  );
  const maps = (["headers", "withoutHeaders", "queryParams"] as const).every((field) =>
    Object.entries(root[field] ?? {}).every(([name, match]) => isNarrower(match, inner[field]?.[name])),
  );
  const labels = Object.entries(root.sourceLabels ?? {}).every(([key, value]) => {
    const other = inner.sourceLabels?.[key];
    return other === undefined || other === value;
  });
  return (
    single &&
    maps &&
    labels &&
    sameWhenSet(root.port, inner.port) &&
    hasGateways(root, inner) &&
    sameWhenSet(root.sourceNamespace, inner.sourceNamespace)
  );
}

function hasGateways(root: HTTPMatchRequest, inner: HTTPMatchRequest): boolean {
  return root.gateways === undefined || (inner.gateways ?? []).every((gateway) => root.gateways?.includes(gateway));
}

function sameWhenSet<T>(a: T | undefined, b: T | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

function isNarrower(root: StringMatch | undefined, inner: StringMatch | undefined): boolean {
  if (root === undefined || inner === undefined) return true;
  if (root.regex !== undefined || inner.regex !== undefined) return false;
  if (root.exact !== undefined) return inner.exact === root.exact;
  if (root.prefix !== undefined) return (inner.exact ?? inner.prefix ?? "").startsWith(root.prefix);
  return true;
}

function mergeMatch(root: HTTPMatchRequest, inner: HTTPMatchRequest): HTTPMatchRequest {
  const name = [root.name, inner.name].filter(Boolean).join("-");
  return {
    ...root,
    ...inner,
    ...(name === "" ? {} : { name }),
    ...unite("headers", root, inner),
    ...unite("withoutHeaders", root, inner),
    ...unite("queryParams", root, inner),
    ...unite("sourceLabels", root, inner),
  };
}

function unite<K extends "headers" | "withoutHeaders" | "queryParams" | "sourceLabels">(
  field: K,
  root: HTTPMatchRequest,
  inner: HTTPMatchRequest,
): Partial<Pick<HTTPMatchRequest, K>> {
  if (root[field] === undefined && inner[field] === undefined) return {};
  return { [field]: { ...root[field], ...inner[field] } } as Partial<Pick<HTTPMatchRequest, K>>;
}
