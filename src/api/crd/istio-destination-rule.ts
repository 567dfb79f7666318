import { between, bool, int32, integer, mapOf, object, oneOf, text } from "../schema/build.ts";
import { atMostOne, atMostOneBranches } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";
import {
  anyPort,
  double,
  duration,
  nullableBool,
  nullableUint32,
  policySelector,
  textMap,
  texts,
  uint32,
} from "./istio-fields.ts";

/** `spec` of a DestinationRule. Source: istio.io/api `networking/v1/destination_rule.proto`. */

const atLeast0 = between(0, undefined, integer);
const nullable = (schema: Schema): Schema => ({ ...schema, nullable: true });

const connectionPool = object({
  tcp: object({
    maxConnections: int32,
    connectTimeout: duration,
    tcpKeepalive: object({ probes: uint32, time: duration, interval: duration }),
    maxConnectionDuration: duration,
    idleTimeout: text,
  }),
  http: object({
    http1MaxPendingRequests: int32,
    http2MaxRequests: int32,
    maxRequestsPerConnection: int32,
    maxRetries: int32,
    idleTimeout: duration,
    h2UpgradePolicy: oneOf("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"),
    useClientProtocol: bool,
    maxConcurrentStreams: int32,
    http2KeepAlive: object({ interval: duration, timeout: duration }),
  }),
});

const consistentHash: Schema = {
  ...object({
    httpHeaderName: text,
    httpCookie: object(
      { name: text, path: text, ttl: text, attributes: arrayOf(object({ name: text, value: text }, ["name"])) },
      ["name"],
    ),
    useSourceIp: bool,
    httpQueryParameterName: text,
    ringHash: object({ minimumRingSize: atLeast0 }),
    maglev: object({ tableSize: atLeast0 }),
    minimumRingSize: atLeast0,
  }),
  allOf: [
    { oneOf: atMostOneBranches(["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"]) },
    { oneOf: atMostOneBranches(["ringHash", "maglev"]) },
  ],
};

const failover = arrayOf(object({ from: text, to: text }));

const loadBalancer = atMostOne(
  ["simple", "consistentHash", "backendUtilization"],
  object({
    simple: oneOf("UNSPECIFIED", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "ROUND_ROBIN", "LEAST_REQUEST"),
    consistentHash,
    backendUtilization: object({
      errorUtilizationPenaltyPercent: uint32,
      metricNamesForComputingUtilization: texts,
      weightExpirationPeriod: text,
      weightStabilizationPeriod: text,
      weightUpdatePeriod: text,
    }),
    localityLbSetting: object({
      distribute: arrayOf(object({ from: text, to: mapOf(uint32) })),
      failover,
      failoverPriority: texts,
      enabled: nullableBool,
    }),
    zoneAwareLbSetting: object({
      enabled: nullableBool,
      failover,
      failoverPriority: texts,
      minClusterSize: nullable(between(1, 4_294_967_295, integer)),
    }),
    warmupDurationSecs: duration,
    warmup: object(
      {
        duration,
        minimumPercent: nullable(between(0, 100, double)),
        aggression: nullable(between(0, undefined, double)),
      },
      ["duration"],
    ),
  }),
);

const outlierDetection = object({
  consecutiveErrors: int32,
  splitExternalLocalOriginErrors: bool,
  consecutiveLocalOriginFailures: nullableUint32,
  consecutiveGatewayErrors: nullableUint32,
  consecutive5xxErrors: nullableUint32,
  interval: duration,
  baseEjectionTime: duration,
  maxEjectionPercent: int32,
  minHealthPercent: int32,
  outlierDetectionHttpErrorCodes: arrayOf(between(100, 599, integer)),
});

const tls = object({
  mode: oneOf("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"),
  clientCertificate: text,
  privateKey: text,
  caCertificates: text,
  credentialName: text,
  subjectAltNames: texts,
  sni: text,
  insecureSkipVerify: nullableBool,
  caCrl: text,
});

const shared = { loadBalancer, connectionPool, outlierDetection, tls };

const trafficPolicy = object({
  ...shared,
  portLevelSettings: { ...arrayOf(object({ port: anyPort, ...shared })), maxItems: 4096 },
  tunnel: object({ protocol: text, targetHost: text, targetPort: uint32 }, ["targetHost", "targetPort"]),
  proxyProtocol: object({ version: oneOf("V1", "V2") }),
  retryBudget: object({
    percent: nullable(between(0, 100, double)),
    minRetryConcurrency: uint32,
    budgetInterval: text,
  }),
});

/** `spec` of a DestinationRule. */
export const destinationRuleSpec: Schema = object(
  {
    host: text,
    trafficPolicy,
    subsets: arrayOf(object({ name: text, labels: textMap, trafficPolicy }, ["name"])),
    exportTo: texts,
    workloadSelector: policySelector,
  },
  ["host"],
);
