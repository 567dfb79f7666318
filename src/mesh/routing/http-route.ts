import type { Destination, HTTPRedirect, HTTPRoute, HTTPRouteDestination } from "#api";
import { type CorsPolicy, compileCors } from "./cors.ts";
import { durationMs } from "./durations.ts";
import { compileFault, type Fault, shareOf } from "./fault.ts";
import { type Report, UnusableObject } from "./finding.ts";
import { authorityFrom, compileHeaderEdits, type HeaderEdit } from "./header-edit.ts";
import { expandHost } from "./host-name.ts";
import { compileRetryPolicy, type RetryPolicy } from "./retry-policy.ts";
import { compileRewrite, type Rewrite } from "./rewrite.ts";
import { checkVisible } from "./visible-text.ts";

/** Where a share of a route's requests goes. */
export interface RouteTarget {
  /** Full host name of the Service. */
  readonly host: string;
  readonly subset: string;
  /** As the destination names it; undefined: the Service's only port, else the port the client dialled. */
  readonly port: number | undefined;
}

export interface WeightedTarget extends RouteTarget {
  readonly weight: number;
  /** Destination's and route's operations in the order of their effect. */
  readonly requestEdits: readonly HeaderEdit[];
  readonly responseEdits: readonly HeaderEdit[];
  /** Replaces the Host header. */
  readonly authority: string | undefined;
}

export interface Mirror extends RouteTarget {
  /** Share of requests that are copied, 0 to 1. */
  readonly share: number;
}

export interface RedirectAction {
  readonly kind: "redirect";
  readonly status: number;
  readonly authority: string | undefined;
  readonly scheme: string | undefined;
  readonly port: number | "fromRequest" | undefined;
  readonly path: { readonly kind: "whole" | "prefix"; readonly value: string } | undefined;
}

export interface ReplyAction {
  readonly kind: "reply";
  readonly status: number;
  /** Characters are bytes. */
  readonly body: string;
}

export interface ForwardAction {
  readonly kind: "forward";
  /** Those with a weight; never empty. */
  readonly targets: readonly WeightedTarget[];
  readonly totalWeight: number;
}

/** One compiled route: what is done with the requests it matches. */
export interface HttpRouteRule {
  /** Stable identity over reconfigurations: `namespace/name/position`. State that outlives a change is kept by it. */
  readonly key: string;
  readonly name: string;
  readonly action: RedirectAction | ReplyAction | ForwardAction;
  readonly rewrite: Rewrite | undefined;
  /** Undefined: none. */
  readonly timeoutMs: number | undefined;
  readonly retry: RetryPolicy;
  readonly fault: Fault | undefined;
  readonly cors: CorsPolicy | undefined;
  readonly mirrors: readonly Mirror[];
  /** Edits of answers that come from no target: redirects, direct responses, local errors. */
  readonly responseEdits: readonly HeaderEdit[];
}

const REDIRECT_CODES = new Set([301, 302, 303, 307, 308]);
const DIRECT_BODY_BYTES_MAX = 1024 * 1024;
const WEIGHT_MAX = 1_000_000;

export interface RouteContext {
  readonly key: string;
  /** Namespace that short host names are relative to. */
  readonly namespace: string;
  readonly report: Report;
}

/**
 * Compiles one route, its matches aside.
 *
 * @throws UnusableObject naming the field that makes no sense.
 */
export function compileHttpRoute(route: HTTPRoute, context: RouteContext): HttpRouteRule {
  const timeoutMs = durationMs("timeout", route.timeout);
  return {
    key: context.key,
    name: route.name ?? "",
    action: compileAction(route, context),
    rewrite: compileRewrite(route.rewrite),
    timeoutMs: timeoutMs === 0 ? undefined : timeoutMs,
    retry: compileRetryPolicy(route.retries),
    fault: compileFault(route.fault, context.report),
    cors: compileCors(route.corsPolicy),
    mirrors: compileMirrors(route, context),
    responseEdits: compileHeaderEdits(route.headers?.response, context.report),
  };
}

/** The rule of a host that no VirtualService routes: everything to the host itself, with Istio's default retries. */
export function defaultRule(host: string): HttpRouteRule {
  const namespace = "";
  const route = { name: "default", route: [{ destination: { host } }] };
  return compileHttpRoute(route, { key: `default/${host}`, namespace, report: () => undefined });
}

function compileAction(route: HTTPRoute, context: RouteContext): HttpRouteRule["action"] {
  if (route.redirect !== undefined) {
    if ((route.route?.length ?? 0) > 0) throw new UnusableObject("a route cannot have both redirect and route");
    return compileRedirect(route.redirect);
  }
  if (route.directResponse !== undefined) return compileReply(route.directResponse);
  return compileForward(route, context);
}

function compileRedirect(redirect: HTTPRedirect & { readonly prefixRewrite?: string }): RedirectAction {
  const code = redirect.redirectCode ?? 301;
  const status = code === 0 ? 301 : code;
  if (!REDIRECT_CODES.has(status))
    throw new UnusableObject(`redirect.redirectCode: must be 301, 302, 303, 307 or 308, received "${code}"`);
  return {
    kind: "redirect",
    status,
    authority: checkVisible("redirect.authority", redirect.authority),
    scheme: checkVisible("redirect.scheme", redirect.scheme),
    port: redirect.derivePort === "FROM_REQUEST_PORT" ? "fromRequest" : redirect.port,
    path: redirectPath(redirect),
  };
}

function redirectPath(redirect: { readonly uri?: string; readonly prefixRewrite?: string }): RedirectAction["path"] {
  if (redirect.uri !== undefined) return { kind: "whole", value: checkVisible("redirect.uri", redirect.uri) };
  const { prefixRewrite } = redirect;
  if (prefixRewrite === undefined) return undefined;
  return { kind: "prefix", value: checkVisible("redirect.prefixRewrite", prefixRewrite) };
}

function compileReply(reply: NonNullable<HTTPRoute["directResponse"]>): ReplyAction {
  const { status } = reply;
  if (!Number.isInteger(status) || status < 200 || status > 599)
    throw new UnusableObject(`directResponse.status: must be from 200 to 599, received "${status}"`);
  const body = reply.body?.string === undefined ? decodeBase64(reply.body?.bytes ?? "") : encodeUtf8(reply.body.string);
  if (body.length > DIRECT_BODY_BYTES_MAX)
    throw new UnusableObject(
      `directResponse.body: has ${body.length} bytes; at most ${DIRECT_BODY_BYTES_MAX} are allowed`,
    );
  return { kind: "reply", status, body };
}

/** The UTF-8 bytes of a text, one character a byte. */
function encodeUtf8(text: string): string {
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd")).replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

const BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

function decodeBase64(text: string): string {
  let bits = 0;
  let bitCount = 0;
  const bytes: string[] = [];
  for (const character of text.replace(/=+$/, "")) {
    const value = BASE64.indexOf(character);
    if (value < 0) throw new UnusableObject("directResponse.body.bytes: is no base64");
    bits = ((bits << 6) | value) & 0xffff;
    bitCount += 6;
    if (bitCount < 8) continue;
    bitCount -= 8;
    bytes.push(String.fromCharCode((bits >> bitCount) & 0xff));
  }
  return bytes.join("");
}

function compileForward(route: HTTPRoute, context: RouteContext): ForwardAction {
  const destinations = route.route ?? [];
  if (destinations.length === 0)
    throw new UnusableObject("a route needs one of route, redirect, directResponse, delegate");
  const isOnly = destinations.length === 1;
  const targets = destinations
    .map((destination) => compileTarget(destination, { route, context, isOnly }))
    .filter(({ weight }) => weight > 0);
  const totalWeight = targets.reduce((sum, { weight }) => sum + weight, 0);
  if (totalWeight === 0) throw new UnusableObject("the weights of a route's destinations sum to 0; give one a weight");
  return { kind: "forward", targets, totalWeight };
}

interface TargetContext {
  readonly route: HTTPRoute;
  readonly context: RouteContext;
  readonly isOnly: boolean;
}

/** Order of header operations: an only destination's come after the route's, others before it. Source: istio-spec 1.13. */
function compileTarget(destination: HTTPRouteDestination, { route, context, isOnly }: TargetContext): WeightedTarget {
  const weight = isOnly ? 1 : (destination.weight ?? 0);
  if (!Number.isInteger(weight) || weight < 0 || weight > WEIGHT_MAX)
    throw new UnusableObject(`weight: must be a whole number from 0 to ${WEIGHT_MAX}, received "${weight}"`);
  const ordered = <T>(ofRoute: T, ofDestination: T): readonly [T, T] =>
    isOnly ? [ofRoute, ofDestination] : [ofDestination, ofRoute];
  const edits = (side: "request" | "response"): readonly HeaderEdit[] =>
    ordered(route.headers?.[side], destination.headers?.[side]).flatMap((operations) =>
      compileHeaderEdits(operations, context.report),
    );
  return {
    ...resolveTarget(destination.destination, context.namespace),
    weight,
    requestEdits: edits("request"),
    responseEdits: edits("response"),
    authority: checkVisible(
      "rewrite.authority",
      route.rewrite?.authority ?? authorityFrom(route.headers?.request) ?? authorityFrom(destination.headers?.request),
    ),
  };
}

/** Source: istio-spec 1.3 and 1.7. */
export function resolveTarget(destination: Destination | undefined, namespace: string): RouteTarget {
  if (typeof destination?.host !== "string" || destination.host === "")
    throw new UnusableObject("destination.host: is required");
  const port = destination.port?.number;
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65_535))
    throw new UnusableObject(`destination.port.number: must be from 1 to 65535, received "${port}"`);
  return { host: expandHost(destination.host, namespace), subset: destination.subset ?? "", port };
}

function compileMirrors(route: HTTPRoute, context: RouteContext): Mirror[] {
  if (route.mirror !== undefined && route.mirrors !== undefined)
    throw new UnusableObject("a route cannot have both mirror and mirrors");
  const percent =
    route.mirrorPercentage === undefined ? (route.mirrorPercent ?? 100) : (route.mirrorPercentage.value ?? 0);
  const policies = [
    ...(route.mirror === undefined ? [] : [{ destination: route.mirror, percent }]),
    ...(route.mirrors ?? []).map(({ destination, percentage }) => ({
      destination,
      percent: percentage === undefined ? 100 : (percentage.value ?? 0),
    })),
  ];
  return policies
    .map(({ destination, percent }) => ({
      ...resolveTarget(destination, context.namespace),
      share: shareOf("mirror", percent),
    }))
    .filter(({ share }) => share > 0);
}
