import {
  between,
  bool,
  described,
  int32,
  integer,
  mapOf,
  number,
  object,
  oneOf,
  text,
  withDefault,
} from "../schema/build.ts";
import { exactlyOne, atMostOne, ruled } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";

/**
 * `spec.service` of a Canary: the Services and the routing objects that the controller makes.
 *
 * Source: flagger.app/v1beta1 CustomResourceDefinition, Flagger 1.44.
 */

const texts = arrayOf(text);
const textMap = mapOf(text);

const matchFields = { exact: text, prefix: text, regex: text };
/** At most one way to match a text. */
export const optionalTextMatch: Schema = atMostOne(["exact", "prefix", "regex"], object(matchFields));
const textMatch: Schema = exactlyOne(["exact", "prefix", "regex"], object(matchFields));

const httpMatch = object({
  name: text,
  uri: optionalTextMatch,
  scheme: optionalTextMatch,
  method: optionalTextMatch,
  authority: optionalTextMatch,
  headers: mapOf(optionalTextMatch),
  withoutHeaders: mapOf(optionalTextMatch),
  queryParams: mapOf(optionalTextMatch),
  ignoreUriCase: bool,
  port: integer,
  gateways: texts,
  sourceLabels: textMap,
  sourceNamespace: text,
});

const DNS_LABEL = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
const DNS_SUBDOMAIN = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";
const KIND = "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$";

const apiGroup: Schema = { type: "string", maxLength: 253, pattern: `^$|${DNS_SUBDOMAIN}` };
const kindName: Schema = { type: "string", minLength: 1, maxLength: 63, pattern: KIND };
const objectName: Schema = { type: "string", minLength: 1, maxLength: 253 };
const namespaceName: Schema = { type: "string", minLength: 1, maxLength: 63, pattern: DNS_LABEL };
const sectionName: Schema = { type: "string", minLength: 1, maxLength: 253, pattern: DNS_SUBDOMAIN };
const port = between(1, 65_535, int32);

const gatewayRef = object(
  {
    group: withDefault("gateway.networking.k8s.io", apiGroup),
    kind: withDefault("Gateway", kindName),
    name: objectName,
    namespace: namespaceName,
    sectionName,
    port,
  },
  ["name"],
);

const mirrorTarget = object({
  backendRef: ruled(
    "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
    "Must have port for Service reference",
    object(
      {
        group: withDefault("", apiGroup),
        kind: withDefault("Service", kindName),
        name: objectName,
        namespace: namespaceName,
        port,
      },
      ["name"],
    ),
  ),
});

const headerEdit = object({ add: textMap, set: textMap, remove: texts });

const corsPolicy = object({
  allowOrigin: texts,
  allowOrigins: arrayOf(textMatch),
  allowMethods: texts,
  allowHeaders: texts,
  exposeHeaders: texts,
  allowCredentials: bool,
  maxAge: text,
});

const consistentHash = object({
  httpHeaderName: text,
  httpCookie: object({ name: text, path: text, ttl: text }),
  useSourceIp: bool,
  httpQueryParameterName: text,
  minimumRingSize: integer,
});

const loadBalancer: Schema = {
  ...object({
    simple: oneOf("ROUND_ROBIN", "LEAST_CONN", "RANDOM", "PASSTHROUGH", "LEAST_REQUEST"),
    consistentHash,
    localityLbSetting: object({
      enabled: bool,
      distribute: arrayOf(object({ from: text, to: mapOf(integer) })),
      failover: arrayOf(object({ from: text, to: text })),
    }),
    warmupDurationSecs: text,
  }),
  oneOf: [
    { required: ["simple"] },
    {
      required: ["consistentHash"],
      properties: {
        consistentHash: exactlyOne(["httpHeaderName", "httpCookie", "useSourceIp", "httpQueryParameterName"], {}),
      },
    },
  ],
};

const trafficPolicy = object({
  connectionPool: object({
    http: object({
      http1MaxPendingRequests: int32,
      http2MaxRequests: int32,
      maxRequestsPerConnection: int32,
      maxRetries: int32,
      idleTimeout: text,
      h2UpgradePolicy: oneOf("DEFAULT", "DO_NOT_UPGRADE", "UPGRADE"),
    }),
  }),
  loadBalancer,
  outlierDetection: object({
    consecutiveErrors: int32,
    consecutive5xxErrors: integer,
    consecutiveGatewayErrors: int32,
    consecutiveLocalOriginFailures: int32,
    splitExternalLocalOriginErrors: bool,
    interval: text,
    baseEjectionTime: text,
    maxEjectionPercent: int32,
    minHealthPercent: int32,
  }),
  tls: object({
    mode: oneOf("DISABLE", "SIMPLE", "MUTUAL", "ISTIO_MUTUAL"),
    clientCertificate: text,
    privateKey: text,
    caCertificates: text,
    subjectAltNames: texts,
    sni: text,
  }),
});

const serviceMetadata = object({ labels: textMap, annotations: textMap });

/** `spec.service`. */
export const canaryService: Schema = object(
  {
    name: described("Name of the Services and routing objects; the name of the target when absent.", text),
    port: described("Port of the three Services and of the routes.", number),
    portName: described("Name of that port; `http` when absent.", text),
    targetPort: described("Port of the pods; the same as `port` when absent.", { "x-kubernetes-int-or-string": true }),
    appProtocol: text,
    trafficDistribution: oneOf("PreferClose", "PreferSameZone", "PreferSameNode"),
    portDiscovery: described("Adds every other port of the containers to the Services.", bool),
    headless: bool,
    timeout: described("Timeout of requests.", text),
    backendTimeout: text,
    meshName: text,
    backends: texts,
    hosts: described("Hosts of the route.", texts),
    gateways: described("Gateways that the route is bound to.", texts),
    gatewayRefs: { ...arrayOf(gatewayRef), maxItems: 32 },
    delegation: bool,
    match: described("Conditions under which requests take the route.", arrayOf(httpMatch)),
    rewrite: object({ uri: text, authority: text, type: text }),
    retries: object({ attempts: int32, perTryTimeout: text, retryOn: text }),
    headers: object({ request: headerEdit, response: headerEdit }),
    mirror: arrayOf(mirrorTarget),
    corsPolicy,
    trafficPolicy,
    apex: serviceMetadata,
    primary: serviceMetadata,
    canary: serviceMetadata,
    unmanagedMetadata: object({ labels: texts, annotations: texts }),
  },
  ["port"],
);
