import type {
  ConnectionPoolSettings,
  LoadBalancerSettings,
  OutlierDetection,
  PortTrafficPolicy,
  Subset,
  TrafficPolicy,
} from "#api";
import { durationMs } from "./durations.ts";
import { type Report, UnusableObject } from "./finding.ts";
import type { OutlierPolicy } from "./outlier.ts";
import { checkVisible } from "./visible-text.ts";

/** What a consistent hash is made of. */
export type HashSource =
  | { readonly kind: "header" | "query"; readonly name: string }
  | { readonly kind: "cookie"; readonly name: string; readonly path: string; readonly ttlMs: number | undefined }
  | { readonly kind: "sourceIp" };

/** How an endpoint is chosen. PASSTHROUGH has no meaning without packet rules and is executed as `leastRequest`. */
export type Balancer =
  | { readonly kind: "leastRequest" | "roundRobin" | "random" }
  | { readonly kind: "hash"; readonly source: HashSource };

/** Limits of one cluster, over all its endpoints. Infinity: none. */
export interface ClusterLimits {
  readonly connectionsMax: number;
  readonly pendingMax: number;
  readonly requestsMax: number;
  readonly requestsPerConnectionMax: number;
  readonly retriesMax: number;
  readonly connectTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

export interface RetryBudget {
  readonly share: number;
  readonly concurrencyMin: number;
}

export interface ClusterPolicy {
  readonly balancer: Balancer;
  readonly limits: ClusterLimits;
  readonly retryBudget: RetryBudget | undefined;
  readonly outlier: OutlierPolicy | undefined;
  /** False when a rule asks for plain text between the peers. */
  readonly isMutualTls: boolean;
}

/** Sources of the defaults: istio-spec 2.4 and 2.5. */
const CONNECT_TIMEOUT_MS = 10_000;
const IDLE_TIMEOUT_MS = 3_600_000;

const DEFAULT_LIMITS: ClusterLimits = {
  connectionsMax: Number.POSITIVE_INFINITY,
  pendingMax: Number.POSITIVE_INFINITY,
  requestsMax: Number.POSITIVE_INFINITY,
  requestsPerConnectionMax: Number.POSITIVE_INFINITY,
  retriesMax: Number.POSITIVE_INFINITY,
  connectTimeoutMs: CONNECT_TIMEOUT_MS,
  idleTimeoutMs: IDLE_TIMEOUT_MS,
};

export const DEFAULT_CLUSTER_POLICY: ClusterPolicy = {
  balancer: { kind: "leastRequest" },
  limits: DEFAULT_LIMITS,
  retryBudget: undefined,
  outlier: undefined,
  isMutualTls: true,
};

/** The policy of one port of a host, for one of its subsets: port level over rule level, subset over both. Source: istio-spec 2.2. */
export function effectivePolicy(
  policy: TrafficPolicy | undefined,
  options: { readonly port: number; readonly subset?: Subset },
): PortTrafficPolicy & Pick<TrafficPolicy, "retryBudget"> {
  const ofRule = atPort(policy, options.port);
  const ofSubset = options.subset?.trafficPolicy;
  if (ofSubset === undefined) return ofRule;
  const replaced = ofSubset.portLevelSettings?.find(({ port }) => port.number === options.port);
  const retryBudget = ofSubset.retryBudget ?? ofRule.retryBudget;
  const budget = retryBudget === undefined ? {} : { retryBudget };
  if (replaced !== undefined) return { ...definedBlocks(replaced), ...budget };
  return { ...ofRule, ...definedBlocks(ofSubset), ...budget };
}

function atPort(
  policy: TrafficPolicy | undefined,
  port: number,
): PortTrafficPolicy & Pick<TrafficPolicy, "retryBudget"> {
  if (policy === undefined) return {};
  const entry = policy.portLevelSettings?.find((setting) => setting.port.number === port);
  const budget = policy.retryBudget === undefined ? {} : { retryBudget: policy.retryBudget };
  return { ...definedBlocks(entry ?? policy), ...budget };
}

function definedBlocks(policy: PortTrafficPolicy): PortTrafficPolicy {
  const { loadBalancer, connectionPool, outlierDetection, tls } = policy;
  return {
    ...(loadBalancer === undefined ? {} : { loadBalancer }),
    ...(connectionPool === undefined ? {} : { connectionPool }),
    ...(outlierDetection === undefined ? {} : { outlierDetection }),
    ...(tls === undefined ? {} : { tls }),
  };
}

/**
 * Compiles an effective policy.
 *
 * @throws UnusableObject naming the field that makes no sense.
 */
export function compileClusterPolicy(policy: ReturnType<typeof effectivePolicy>, report: Report): ClusterPolicy {
  const mode = policy.tls?.mode;
  if (mode === "SIMPLE" || mode === "MUTUAL")
    report("unsupported", `tls.mode ${mode}: TLS is not originated; the traffic stays plain`);
  return {
    balancer: compileBalancer(policy.loadBalancer),
    limits: compileLimits(policy.connectionPool),
    retryBudget: compileRetryBudget(policy),
    outlier: compileOutlier(policy.outlierDetection),
    isMutualTls: mode === undefined || mode === "ISTIO_MUTUAL",
  };
}

function compileBalancer(settings: LoadBalancerSettings | undefined): Balancer {
  const hash = settings?.consistentHash;
  if (hash !== undefined) {
    const { httpCookie } = hash;
    if (hash.httpHeaderName !== undefined)
      return { kind: "hash", source: { kind: "header", name: hash.httpHeaderName.toLowerCase() } };
    if (httpCookie !== undefined) {
      const name = checkVisible("loadBalancer.consistentHash.httpCookie.name", httpCookie.name);
      const path = checkVisible("loadBalancer.consistentHash.httpCookie.path", httpCookie.path ?? "/");
      const ttlMs = durationMs("loadBalancer.consistentHash.httpCookie.ttl", httpCookie.ttl);
      return { kind: "hash", source: { kind: "cookie", name, path, ttlMs } };
    }
    if (hash.httpQueryParameterName !== undefined)
      return { kind: "hash", source: { kind: "query", name: hash.httpQueryParameterName } };
    if (hash.useSourceIp === true) return { kind: "hash", source: { kind: "sourceIp" } };
  }
  if (settings?.simple === "ROUND_ROBIN") return { kind: "roundRobin" };
  return { kind: settings?.simple === "RANDOM" ? "random" : "leastRequest" };
}

function compileLimits(pool: ConnectionPoolSettings | undefined): ClusterLimits {
  const { tcp, http } = pool ?? {};
  return {
    connectionsMax: limit("tcp.maxConnections", tcp?.maxConnections),
    pendingMax: limit("http.http1MaxPendingRequests", http?.http1MaxPendingRequests),
    requestsMax: limit("http.http2MaxRequests", http?.http2MaxRequests),
    requestsPerConnectionMax: limit("http.maxRequestsPerConnection", http?.maxRequestsPerConnection),
    retriesMax: limit("http.maxRetries", http?.maxRetries),
    connectTimeoutMs: durationMs("tcp.connectTimeout", tcp?.connectTimeout) ?? CONNECT_TIMEOUT_MS,
    idleTimeoutMs: durationMs("http.idleTimeout", http?.idleTimeout) || IDLE_TIMEOUT_MS,
  };
}

/** 0 means that nothing is set. */
function limit(field: string, value: number | undefined): number {
  if (value === undefined || value === 0) return Number.POSITIVE_INFINITY;
  if (!Number.isInteger(value) || value < 0)
    throw new UnusableObject(`connectionPool.${field}: must be a whole number from 0, received "${value}"`);
  return value;
}

/** Source: istio-spec 2.4: without a connectionPool block the budget does nothing. */
function compileRetryBudget(policy: ReturnType<typeof effectivePolicy>): RetryBudget | undefined {
  if (policy.retryBudget === undefined || policy.connectionPool === undefined) return undefined;
  const { percent, minRetryConcurrency = 3 } = policy.retryBudget;
  return { share: (percent?.value ?? 20) / 100, concurrencyMin: minRetryConcurrency };
}

function compileOutlier(detection: OutlierDetection | undefined): OutlierPolicy | undefined {
  if (detection === undefined) return undefined;
  const threshold = (value: number): number => (value === 0 ? Number.POSITIVE_INFINITY : value);
  return {
    consecutive5xxMax: threshold(detection.consecutive5xxErrors ?? 5),
    consecutiveGatewayMax: threshold(detection.consecutiveGatewayErrors ?? 0),
    baseEjectionMs: durationMs("outlierDetection.baseEjectionTime", detection.baseEjectionTime) ?? 30_000,
    intervalMs: durationMs("outlierDetection.interval", detection.interval) ?? 10_000,
    ejectionPercentMax: detection.maxEjectionPercent || 10,
    healthPercentMin: detection.minHealthPercent ?? 0,
    ...(detection.splitExternalLocalOriginErrors === true
      ? { consecutiveLocalMax: threshold(detection.consecutiveLocalOriginFailures ?? 5) }
      : {}),
  };
}
