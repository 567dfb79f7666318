import { bool, int32, mapOf, object, oneOf, text } from "../schema/build.ts";
import { atMostOne } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";
import {
  destination,
  duration,
  headers,
  nullableBool,
  nullableUint32,
  percent,
  stringMatch,
  textMap,
  texts,
  uint32,
} from "./istio-fields.ts";

/** `spec` of a VirtualService. Source: istio.io/api `networking/v1/virtual_service.proto`. */

const httpMatch = object({
  name: text,
  uri: stringMatch,
  scheme: stringMatch,
  method: stringMatch,
  authority: stringMatch,
  headers: mapOf(stringMatch),
  withoutHeaders: mapOf(stringMatch),
  queryParams: mapOf(stringMatch),
  ignoreUriCase: bool,
  port: uint32,
  gateways: texts,
  sourceLabels: textMap,
  sourceNamespace: text,
  statPrefix: text,
});

const httpRouteDestination = object({ destination, weight: int32, headers }, ["destination"]);

const redirect = atMostOne(
  ["port", "derivePort"],
  object({
    uri: text,
    authority: text,
    scheme: text,
    port: uint32,
    derivePort: oneOf("FROM_PROTOCOL_DEFAULT", "FROM_REQUEST_PORT"),
    redirectCode: uint32,
    prefixRewrite: text,
  }),
);

const directResponse = object(
  {
    status: uint32,
    body: atMostOne(["string", "bytes"], object({ string: text, bytes: { type: "string", format: "byte" } })),
  },
  ["status"],
);

const fault = object({
  delay: atMostOne(
    ["fixedDelay", "exponentialDelay"],
    object({ fixedDelay: duration, exponentialDelay: duration, percentage: percent, percent: int32 }),
  ),
  abort: atMostOne(
    ["httpStatus", "grpcStatus", "http2Error"],
    object({ httpStatus: int32, grpcStatus: text, http2Error: text, percentage: percent }),
  ),
});

const retries = object({
  attempts: int32,
  perTryTimeout: duration,
  retryOn: text,
  backoff: duration,
  retryRemoteLocalities: nullableBool,
  retryIgnorePreviousHosts: nullableBool,
});

const corsPolicy = object({
  allowOrigin: texts,
  allowOrigins: arrayOf(stringMatch),
  allowMethods: texts,
  allowHeaders: texts,
  exposeHeaders: texts,
  allowCredentials: nullableBool,
  maxAge: duration,
  unmatchedPreflights: oneOf("UNSPECIFIED", "FORWARD", "IGNORE"),
});

const httpRoute = object({
  name: text,
  match: arrayOf(httpMatch),
  route: arrayOf(httpRouteDestination),
  redirect,
  directResponse,
  delegate: object({ name: text, namespace: text }),
  rewrite: object({ uri: text, authority: text, uriRegexRewrite: object({ match: text, rewrite: text }) }),
  timeout: duration,
  retries,
  fault,
  mirror: destination,
  mirrors: arrayOf(object({ destination, percentage: percent }, ["destination"])),
  mirrorPercent: nullableUint32,
  mirror_percent: nullableUint32,
  mirrorPercentage: percent,
  corsPolicy,
  headers,
});

const connectionMatch = {
  destinationSubnets: texts,
  gateways: texts,
  port: uint32,
  sourceLabels: textMap,
  sourceNamespace: text,
};
const weightedDestinations = arrayOf(object({ destination, weight: int32 }, ["destination"]));

/** `spec` of a VirtualService. */
export const virtualServiceSpec: Schema = object({
  hosts: texts,
  gateways: texts,
  exportTo: texts,
  http: arrayOf(httpRoute),
  tcp: arrayOf(
    object({ match: arrayOf(object({ ...connectionMatch, sourceSubnet: text })), route: weightedDestinations }),
  ),
  tls: arrayOf(
    object(
      { match: arrayOf(object({ ...connectionMatch, sniHosts: texts }, ["sniHosts"])), route: weightedDestinations },
      ["match"],
    ),
  ),
});
