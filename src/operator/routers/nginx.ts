import { type Canary, type CanaryMatch, type Ingress, type IngressBackend, resources } from "#api";
import type { Problem } from "#base";
import { emptyTestProblems, testMatches } from "./ab-test.ts";
import { isOwned } from "./original.ts";
import type { DesiredRoutes, LiveObjects, RoutePatch, Router, RouteReading, RouterContext } from "./router.ts";
import { hasAll, hasMetadata } from "./same-fields.ts";

/**
 * NGINX's Ingress controller: a second Ingress beside the user's, with annotations that give it a share of the requests.
 * The user's own is only read. Source: flagger-spec 4.4; ingress-nginx, annotations `canary*`.
 */
export const nginx: Router = {
  providers: ["nginx"],
  resources: [resources.ingresses],
  objects: ({ canary }) =>
    [sourceName(canary), canaryName(canary)]
      .filter((name) => name !== undefined)
      .map((name) => ({ resource: resources.ingresses, name })),
  problems: (context, live) => [
    ...sourceProblems(context, live),
    ...emptyTestProblems(context.canary),
    ...testProblems(context.canary),
  ],
  plan: (context, desired, live) => {
    const source = ingressOf(live, sourceName(context.canary));
    const patch = source === undefined ? undefined : canaryPatch(context, source, { desired, live });
    return patch === undefined ? [] : [patch];
  },
  read: (context, live) => readingOf(context, ingressOf(live, canaryName(context.canary))),
  // The Ingress is our own and goes with the Canary.
  restore: () => [],
};

function sourceName({ spec }: Canary): string | undefined {
  const name = spec.ingressRef?.name;
  return name === "" ? undefined : name;
}

function canaryName(canary: Canary): string | undefined {
  const name = sourceName(canary);
  return name === undefined ? undefined : `${name}-canary`;
}

function ingressOf(live: LiveObjects, name: string | undefined): Ingress | undefined {
  return name === undefined ? undefined : live.get<Ingress>(resources.ingresses, name);
}

function canaryPatch(
  context: RouterContext,
  source: Ingress,
  { desired, live }: { desired: DesiredRoutes; live: LiveObjects },
): RoutePatch | undefined {
  const name = canaryName(context.canary) ?? "";
  const current = ingressOf(live, name);
  const isOwn = current === undefined || isOwned(context, current);
  const object: Ingress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: {
      name,
      namespace: context.names.namespace,
      ...(source.metadata.labels === undefined ? {} : { labels: source.metadata.labels }),
      annotations: annotationsOf(context, source, desired),
      ...(isOwn ? { ownerReferences: [context.owner] } : {}),
    },
    spec: specOf(context, source),
  };
  if (current === undefined) return { kind: "apply", resource: resources.ingresses, object };
  const stale = staleKeys(context, current, object);
  const isMore = isOwn && Object.keys(current.spec).some((field) => !Object.hasOwn(object.spec, field));
  if (stale.length > 0 || isMore)
    return { kind: "update", resource: resources.ingresses, object: merged(current, object, stale) };
  if (hasMetadata(current, object) && hasAll(current.spec, object.spec)) return undefined;
  return { kind: "apply", resource: resources.ingresses, object };
}

/**
 * Annotations `canary*` that are not wanted. Somebody else may have written them (Flagger, before us), and then apply leaves
 * them; a header that still leads to a canary without pods must not stay.
 */
function staleKeys({ settings }: RouterContext, live: Ingress, wanted: Ingress): string[] {
  const prefix = `${settings.ingressAnnotationsPrefix}/canary`;
  return Object.keys(live.metadata.annotations ?? {}).filter(
    (key) => key.startsWith(prefix) && wanted.metadata.annotations?.[key] === undefined,
  );
}

/** What apply cannot do: the live object without the stale annotations and without routes that the source has no more. */
function merged(live: Ingress, wanted: Ingress, stale: readonly string[]): Ingress {
  const kept = Object.entries(live.metadata.annotations ?? {}).filter(([key]) => !stale.includes(key));
  return {
    ...live,
    metadata: {
      ...live.metadata,
      labels: { ...live.metadata.labels, ...wanted.metadata.labels },
      annotations: { ...Object.fromEntries(kept), ...wanted.metadata.annotations },
    },
    spec: wanted.spec,
  };
}

/** The source's annotations with our own; without those that say where it came from. */
function annotationsOf(context: RouterContext, source: Ingress, desired: DesiredRoutes): Record<string, string> {
  const { ingressAnnotationsPrefix: prefix } = context.settings;
  const isCopied = (key: string): boolean =>
    !key.startsWith(`${prefix}/canary`) &&
    key !== "kubectl.kubernetes.io/last-applied-configuration" &&
    !key.includes("toolkit.fluxcd.io");
  const copied = Object.entries(source.metadata.annotations ?? {}).filter(([key]) => isCopied(key));
  const own = { canary: "true", ...shareOf(context.canary, desired.canaryWeight) };
  const stated = Object.entries(own).map(([key, value]) => [`${prefix}/${key}`, value]);
  return { ...Object.fromEntries(copied), ...Object.fromEntries(stated) };
}

/** In an A/B test those that match get the canary, all of them; the weight of the others is 0. */
function shareOf(canary: Canary, canaryWeight: number): Record<string, string> {
  const tests = testMatches(canary);
  if (tests.length === 0 || canaryWeight === 0) return { "canary-weight": String(canaryWeight) };
  return Object.assign({ "canary-weight": "0" }, ...tests.map(testAnnotations));
}

function testAnnotations(match: CanaryMatch): Record<string, string> {
  const [header, value] = Object.entries(match.headers ?? {})[0] ?? [];
  if (header === undefined || value === undefined) return {};
  if (header.toLowerCase() === "cookie") return value.exact === undefined ? {} : { "canary-by-cookie": value.exact };
  return {
    "canary-by-header": header,
    ...(value.exact === undefined ? {} : { "canary-by-header-value": value.exact }),
    ...(value.regex === undefined ? {} : { "canary-by-header-pattern": value.regex }),
  };
}

/** The source's routes, with the canary's Service in the place of the one that clients use. */
function specOf({ names }: RouterContext, { spec }: Ingress): Ingress["spec"] {
  const moved = (backend: IngressBackend): IngressBackend =>
    backend.service?.name === names.apexService
      ? { ...backend, service: { ...backend.service, name: names.canaryService } }
      : backend;
  return {
    ...spec,
    ...(spec.defaultBackend === undefined ? {} : { defaultBackend: moved(spec.defaultBackend) }),
    rules: (spec.rules ?? []).map((rule) => {
      if (rule.http === undefined) return rule;
      return { ...rule, http: { paths: rule.http.paths.map((path) => ({ ...path, backend: moved(path.backend) })) } };
    }),
  };
}

function readingOf({ canary, settings }: RouterContext, live: Ingress | undefined): RouteReading {
  const annotations = live?.metadata.annotations ?? {};
  const valueOf = (key: string): string | undefined => annotations[`${settings.ingressAnnotationsPrefix}/${key}`];
  if (valueOf("canary") !== "true") return { kind: "absent" };
  const isTested = valueOf("canary-by-header") !== undefined || valueOf("canary-by-cookie") !== undefined;
  const text = testMatches(canary).length > 0 && isTested ? "100" : (valueOf("canary-weight") ?? "0");
  const canaryWeight = Number(text);
  if (!Number.isInteger(canaryWeight) || canaryWeight < 0 || canaryWeight > 100) return { kind: "absent" };
  return { kind: "read", state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false } };
}

function sourceProblems({ canary, names }: RouterContext, live: LiveObjects): Problem[] {
  const path = "spec.ingressRef.name";
  const name = sourceName(canary);
  if (name === undefined)
    return [
      { path, code: "required", message: "the provider nginx needs it", fix: "name the Ingress that leads to the app" },
    ];
  const source = ingressOf(live, name);
  if (source === undefined) {
    const message = `the Ingress "${names.namespace}/${name}" does not exist`;
    return [{ path, code: "not-found", message, fix: "create it or correct the name" }];
  }
  const backends = [
    ...(source.spec.rules ?? []).flatMap((rule) => (rule.http?.paths ?? []).map(({ backend }) => backend)),
    ...(source.spec.defaultBackend === undefined ? [] : [source.spec.defaultBackend]),
  ];
  if (backends.some(({ service }) => service?.name === names.apexService)) return [];
  const message = `no backend of the Ingress "${names.namespace}/${name}" is the Service "${names.apexService}"`;
  return [
    { path, code: "invalid-value", message, fix: "lead a path of it to that Service, or correct spec.service.name" },
  ];
}

/** NGINX takes one header or cookie, or one of each of which either is enough. */
function testProblems(canary: Canary): Problem[] {
  const { analysis } = canary.spec;
  const problems: Problem[] = [];
  const unsupported = (path: string, message: string, fix: string): void => {
    problems.push({ path: `spec.analysis.${path}`, code: "unsupported", message, fix });
  };
  if (analysis.mirror === true) unsupported("mirror", "the provider nginx does not mirror", "remove it");
  if (analysis.sessionAffinity !== undefined)
    unsupported("sessionAffinity", "the provider nginx does not keep sessions with a copy", "remove it");
  const seen = new Set<string>();
  testMatches(canary).forEach((match, i) => {
    const at = `match[${i}]`;
    for (const field of ["queryParams", "sourceLabels"] as const)
      if (match[field] !== undefined)
        unsupported(`${at}.${field}`, "NGINX cannot match requests by it", "match a header or a cookie");
    const headers = Object.entries(match.headers ?? {});
    if (headers.length > 1) unsupported(`${at}.headers`, "NGINX takes one header only", "keep one header or cookie");
    for (const [name, value] of headers) {
      const isCookie = name.toLowerCase() === "cookie";
      const isFine = value.exact !== undefined || (value.regex !== undefined && !isCookie);
      if (!isFine)
        unsupported(
          `${at}.headers.${name}`,
          "NGINX cannot match it like this",
          isCookie ? "state the cookie's name as exact" : "state it as exact or regex",
        );
      const kind = isCookie ? "cookie" : "header";
      if (seen.has(kind)) unsupported(at, `NGINX takes one ${kind} only`, "remove the entry");
      seen.add(kind);
    }
  });
  if (testMatches(canary).length > 0 && (analysis.iterations ?? 0) <= 0)
    unsupported("match", "NGINX sends all requests that match, so it cannot shift weights of them", "state iterations");
  return problems;
}
