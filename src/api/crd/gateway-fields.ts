import { between, int32, mapListOf, object, oneOf, text, time, withDefault } from "../schema/build.ts";
import { ruled } from "../schema/choices.ts";
import type { Schema } from "../schema/schema.ts";

/** Field types that the kinds of the Gateway API share. Source: Gateway API 1.6, `apis/v1/shared_types.go`. */

const DNS_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const DNS_SUBDOMAIN = `${DNS_LABEL}(\\.${DNS_LABEL})*`;
/** A path of a controller, such as `istio.io/gateway-controller`. */
const DOMAIN_PATH = `${DNS_SUBDOMAIN}\\/[A-Za-z0-9\\/\\-._~%!$&'()*+,;=:]+`;

export const GROUP = "gateway.networking.k8s.io";

export const bounded = (minLength: number, maxLength: number, pattern?: string): Schema => ({
  ...text,
  ...(minLength === 0 ? {} : { minLength }),
  maxLength,
  ...(pattern === undefined ? {} : { pattern }),
});
/** A list that is replaced as a whole. */
export const atomicList = (items: Schema, maxItems: number, minItems?: number): Schema => ({
  type: "array",
  items,
  maxItems,
  ...(minItems === undefined ? {} : { minItems }),
  "x-kubernetes-list-type": "atomic",
});
export const setList = (items: Schema, maxItems?: number): Schema => ({
  type: "array",
  items,
  ...(maxItems === undefined ? {} : { maxItems }),
  "x-kubernetes-list-type": "set",
});

export const apiGroup = bounded(0, 253, `^$|^${DNS_SUBDOMAIN}$`);
export const kindName = bounded(1, 63, "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$");
export const objectName = bounded(1, 253);
export const namespaceName = bounded(1, 63, `^${DNS_LABEL}$`);
export const sectionName = bounded(1, 253, `^${DNS_SUBDOMAIN}$`);
/** A host name, whose first label may be `*`. */
export const hostname = bounded(1, 253, `^(\\*\\.)?${DNS_SUBDOMAIN}$`);
export const preciseHostname = bounded(1, 253, `^${DNS_SUBDOMAIN}$`);
export const controllerName = bounded(1, 253, `^${DOMAIN_PATH}$`);
export const addressType = bounded(1, 253, `^Hostname|IPAddress|NamedAddress|${DOMAIN_PATH}$`);
export const port = between(1, 65_535, int32);
/** GEP-2257: whole numbers of hours, minutes, seconds and milliseconds. */
export const gatewayDuration: Schema = { ...text, pattern: "^([0-9]{1,5}(h|m|s|ms)){1,4}$" };

export const parentRef: Schema = object(
  {
    group: withDefault(GROUP, apiGroup),
    kind: withDefault("Gateway", kindName),
    name: objectName,
    namespace: namespaceName,
    sectionName,
    port,
  },
  ["name"],
);

/** What requests can be sent to, with the rule that a Service has its port. */
export function backendRef(more: Readonly<Record<string, Schema>> = {}): Schema {
  return ruled(
    "(size(self.group) == 0 && self.kind == 'Service') ? has(self.port) : true",
    "Must have port for Service reference",
    object(
      {
        group: withDefault("", apiGroup),
        kind: withDefault("Service", kindName),
        name: objectName,
        namespace: namespaceName,
        port,
        ...more,
      },
      ["name"],
    ),
  );
}

/** A Secret or ConfigMap, by default of the kind that is given. */
export const secretRef: Schema = object(
  {
    group: withDefault("", apiGroup),
    kind: withDefault("Secret", kindName),
    name: objectName,
    namespace: namespaceName,
  },
  ["name"],
);

export const namedRef: Schema = object({ group: apiGroup, kind: kindName, name: objectName }, [
  "group",
  "kind",
  "name",
]);

const condition = object(
  {
    type: bounded(
      0,
      316,
      "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
    ),
    status: oneOf("True", "False", "Unknown"),
    reason: bounded(1, 1024, "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$"),
    message: bounded(0, 32_768),
    lastTransitionTime: { type: "string", format: time.format ?? "date-time" },
    observedGeneration: between(0, undefined, { type: "integer", format: "int64" }),
  },
  ["lastTransitionTime", "message", "reason", "status", "type"],
);

export const conditions: Schema = { ...mapListOf(["type"], condition), maxItems: 8 };

/** What is said of an object before its controller has looked at it. */
export function pending(...types: readonly string[]): readonly object[] {
  return types.map((type) => ({
    type,
    status: "Unknown",
    reason: "Pending",
    message: "Waiting for controller",
    lastTransitionTime: "1970-01-01T00:00:00Z",
  }));
}
