import { isIPv4 } from "node:net";
import type { Cluster } from "../routing/cluster.ts";
import type { MeshConfig } from "../routing/compile-mesh.ts";
import { splitAuthority } from "../routing/host-name.ts";
import { forwardToService, type RouteDecision, route } from "../routing/route.ts";
import type { RouteRequest } from "../routing/route-request.ts";
import { type HeadFault, headerValue, isHost, type RequestHead } from "./http-head.ts";
import { normalizePath } from "./normalize-path.ts";
import type { ExchangeContext, Listener } from "./ports.ts";

/** A request ready for routing. */
export interface IncomingRequest extends RouteRequest {
  /** Where the client meant to connect to: the host of an absolute-form target, else that of the Host header. */
  readonly dialledHost: string;
}

export interface IncomingOptions {
  readonly head: RequestHead;
  readonly listener: Listener;
  readonly config: MeshConfig;
  readonly remoteAddress: string;
}

/**
 * Reads the target of a request. A pod's request in absolute form says by its target where it connects to, as the
 * address would that a sidecar intercepts, and by its Host header what it asks for there; elsewhere the two must agree.
 */
export function readIncoming(options: IncomingOptions): IncomingRequest | HeadFault {
  const { head, listener, config, remoteAddress } = options;
  if (head.method === "CONNECT") return { status: 501, reason: "CONNECT is not supported" };
  const target = splitTarget(head);
  if (target === undefined) return { status: 400, reason: "the request target is neither a path nor an http URL" };
  if (listener.kind === "gateway" && hasGoneInCircles(head))
    return {
      status: 400,
      reason: `the request passed ${GATEWAY_PASSES_MAX} gateways; a route leads back to the gateway`,
    };
  const hostHeader = head.host ?? target.authority ?? "";
  const dialled = splitAuthority(target.authority ?? hostHeader);
  if (target.authority !== undefined && listener.kind === "gateway" && !isSameHost(target.authority, hostHeader))
    return { status: 400, reason: "the request target and the Host header name different hosts" };
  return {
    client: listener.clientOf(config, remoteAddress),
    port: listener.kind === "pod" ? (dialled.port ?? 80) : listener.port,
    method: head.method,
    scheme: "http",
    authority: hostHeader,
    path: normalizePath(target.path),
    query: target.query,
    dialledHost: dialled.host,
    header: (name) => headerValue(head.headers, name),
  };
}

/** A route whose destination is the gateway itself would otherwise go round until the head is too large. */
const GATEWAY_PASSES_MAX = 16;

function hasGoneInCircles(head: RequestHead): boolean {
  const forwarded = headerValue(head.headers, "x-forwarded-for");
  return forwarded !== undefined && forwarded.split(",").length >= GATEWAY_PASSES_MAX;
}

interface Target {
  readonly authority: string | undefined;
  readonly path: string;
  readonly query: string | undefined;
}

function splitTarget({ method, target }: RequestHead): Target | undefined {
  if (target.startsWith("/")) return splitQuery(undefined, target);
  if (target === "*") return method === "OPTIONS" ? { authority: undefined, path: "*", query: undefined } : undefined;
  if (!/^http:\/\//i.test(target)) return undefined;
  const rest = target.slice("http://".length);
  const end = rest.search(/[/?]/);
  const authority = end < 0 ? rest : rest.slice(0, end);
  const path = end < 0 ? "/" : rest[end] === "?" ? `/${rest.slice(end)}` : rest.slice(end);
  return authority === "" || !isHost(authority) ? undefined : splitQuery(authority, path);
}

function splitQuery(authority: string | undefined, target: string): Target {
  const mark = target.indexOf("?");
  if (mark < 0) return { authority, path: target, query: undefined };
  return { authority, path: target.slice(0, mark), query: target.slice(mark + 1) };
}

function isSameHost(a: string, b: string): boolean {
  const [first, second] = [splitAuthority(a), splitAuthority(b)];
  return first.host === second.host && (first.port ?? 80) === (second.port ?? 80);
}

/** What is done with a request, passing it through to an address of this machine included. */
export type IncomingDecision = RouteDecision | { readonly kind: "passthrough"; readonly cluster: Cluster };

/** Routes by the Host header; when the mesh does not know it, by where the client dialled. Source: istio-spec 1.1. */
export function decideIncoming(
  context: ExchangeContext,
  listener: Listener,
  request: IncomingRequest,
): IncomingDecision {
  const { config } = context;
  const decision = route(config, request);
  if (decision.kind !== "unknownHost") return decision;
  if (listener.fallbackHost !== undefined)
    return forwardToService(config, listener.fallbackHost, request.path) ?? decision;
  const { dialledHost } = request;
  const byDialled = dialledHost === decision.host ? decision : route(config, { ...request, authority: dialledHost });
  if (byDialled.kind !== "unknownHost" || !isIPv4(dialledHost)) return byDialled;
  const cluster = context.passthrough(dialledHost, request.port);
  return cluster === undefined ? byDialled : { kind: "passthrough", cluster };
}
