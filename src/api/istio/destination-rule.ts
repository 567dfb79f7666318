import type { KubeObject } from "../meta.ts";

/** DestinationRule of `networking.istio.io/v1`. Source: istio/api `destination_rule.proto`. */

export interface ConsistentHash {
  readonly httpHeaderName?: string;
  readonly httpCookie?: { readonly name: string; readonly path?: string; readonly ttl?: string };
  readonly useSourceIp?: boolean;
  readonly httpQueryParameterName?: string;
  readonly ringHash?: { readonly minimumRingSize?: number };
  readonly maglev?: { readonly tableSize?: number };
  readonly minimumRingSize?: number;
}

export interface LoadBalancerSettings {
  readonly simple?: "UNSPECIFIED" | "LEAST_CONN" | "LEAST_REQUEST" | "RANDOM" | "ROUND_ROBIN" | "PASSTHROUGH";
  readonly consistentHash?: ConsistentHash;
  readonly [field: string]: unknown;
}

export interface ConnectionPoolSettings {
  readonly tcp?: {
    readonly maxConnections?: number;
    readonly connectTimeout?: string;
    readonly idleTimeout?: string;
    readonly maxConnectionDuration?: string;
    readonly [field: string]: unknown;
  };
  readonly http?: {
    readonly http1MaxPendingRequests?: number;
    readonly http2MaxRequests?: number;
    readonly maxRequestsPerConnection?: number;
    readonly maxRetries?: number;
    readonly idleTimeout?: string;
    readonly [field: string]: unknown;
  };
}

export interface OutlierDetection {
  readonly consecutive5xxErrors?: number;
  readonly consecutiveGatewayErrors?: number;
  readonly consecutiveErrors?: number;
  readonly consecutiveLocalOriginFailures?: number;
  readonly splitExternalLocalOriginErrors?: boolean;
  readonly interval?: string;
  readonly baseEjectionTime?: string;
  readonly maxEjectionPercent?: number;
  readonly minHealthPercent?: number;
}

export interface ClientTLSSettings {
  readonly mode?: "DISABLE" | "SIMPLE" | "MUTUAL" | "ISTIO_MUTUAL";
  readonly [field: string]: unknown;
}

/** The blocks that a port-level entry replaces as one. */
export interface PortTrafficPolicy {
  readonly loadBalancer?: LoadBalancerSettings;
  readonly connectionPool?: ConnectionPoolSettings;
  readonly outlierDetection?: OutlierDetection;
  readonly tls?: ClientTLSSettings;
}

export interface RetryBudget {
  readonly percent?: { readonly value?: number };
  readonly minRetryConcurrency?: number;
}

export interface TrafficPolicy extends PortTrafficPolicy {
  readonly portLevelSettings?: readonly (PortTrafficPolicy & { readonly port: { readonly number: number } })[];
  readonly retryBudget?: RetryBudget;
}

export interface Subset {
  readonly name: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly trafficPolicy?: TrafficPolicy;
}

export interface DestinationRule extends KubeObject {
  readonly spec: {
    readonly host: string;
    readonly trafficPolicy?: TrafficPolicy;
    readonly subsets?: readonly Subset[];
    readonly exportTo?: readonly string[];
    readonly workloadSelector?: { readonly matchLabels?: Readonly<Record<string, string>> };
  };
}
