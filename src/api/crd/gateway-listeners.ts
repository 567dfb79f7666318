import { int32, mapListOf, mapOf, object, oneOf, text, withDefault } from "../schema/build.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import { ruled } from "../schema/choices.ts";
import type { Schema } from "../schema/schema.ts";
import {
  addressType,
  apiGroup,
  atomicList,
  bounded,
  conditions,
  controllerName,
  GROUP,
  hostname,
  kindName,
  namespaceName,
  objectName,
  pending,
  port,
  secretRef,
  sectionName,
} from "./gateway-fields.ts";

/** Gateway, GatewayClass and ReferenceGrant. Source: Gateway API 1.6, `apis/v1/gateway_types.go` and its neighbours. */

const kept: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

const labelSelector: Schema = {
  ...object({
    matchLabels: mapOf(text),
    matchExpressions: {
      ...arrayOf(
        object({ key: text, operator: text, values: { ...arrayOf(text), "x-kubernetes-list-type": "atomic" } }, [
          "key",
          "operator",
        ]),
      ),
      "x-kubernetes-list-type": "atomic",
    },
  }),
  "x-kubernetes-map-type": "atomic",
};

const routeKind = object({ group: withDefault(GROUP, apiGroup), kind: kindName }, ["kind"]);

const allowedRoutes = withDefault(
  { namespaces: { from: "Same" } },
  object({
    namespaces: withDefault(
      { from: "Same" },
      object({ from: withDefault("Same", oneOf("All", "Selector", "Same")), selector: labelSelector }),
    ),
    kinds: atomicList(routeKind, 8),
  }),
);

const listenerTls = ruled(
  "self.mode == 'Terminate' ? size(self.certificateRefs) > 0 || size(self.options) > 0 : true",
  "certificateRefs or options must be specified when mode is Terminate",
  object({
    mode: withDefault("Terminate", oneOf("Terminate", "Passthrough")),
    certificateRefs: atomicList(secretRef, 64),
    options: { ...mapOf({ ...bounded(0, 4096), minLength: 0 }), maxProperties: 16 },
  }),
);

const protocol = bounded(
  1,
  255,
  "^[a-zA-Z0-9]([-a-zA-Z0-9]*[a-zA-Z0-9])?$|[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*\\/[A-Za-z0-9]+$",
);

const listener = object({ name: sectionName, hostname, port, protocol, tls: listenerTls, allowedRoutes }, [
  "name",
  "port",
  "protocol",
]);

const listeners: Schema = { ...mapListOf(["name"], listener), minItems: 1, maxItems: 64 };

const addressOf = (value: Schema, required: readonly string[]): Schema => ({
  ...object({ type: withDefault("IPAddress", addressType), value }, required),
  oneOf: [
    { properties: { type: { enum: ["IPAddress"] }, value: { anyOf: [{ format: "ipv4" }, { format: "ipv6" }] } } },
    { properties: { type: { not: { enum: ["IPAddress"] } } } },
  ],
});

/** `spec` of a Gateway; what only its own controller reads is kept as it is. */
export const gatewaySpec: Schema = object(
  {
    gatewayClassName: objectName,
    listeners,
    addresses: atomicList(addressOf(bounded(0, 253), []), 16),
    infrastructure: kept,
    allowedListeners: kept,
    tls: kept,
    defaultScope: oneOf("All", "None"),
  },
  ["gatewayClassName", "listeners"],
);

/** `status` of a Gateway. */
export const gatewayStatus: Schema = withDefault(
  { conditions: pending("Accepted", "Programmed") },
  object({
    addresses: atomicList(addressOf(bounded(1, 253), ["value"]), 16),
    attachedListenerSets: int32,
    conditions: withDefault(pending("Accepted", "Programmed"), conditions),
    listeners: {
      ...mapListOf(
        ["name"],
        object({ name: sectionName, supportedKinds: atomicList(routeKind, 8), attachedRoutes: int32, conditions }, [
          "attachedRoutes",
          "conditions",
          "name",
        ]),
      ),
      maxItems: 64,
    },
  }),
);

/** `spec` of a GatewayClass. */
export const gatewayClassSpec: Schema = object(
  {
    controllerName: ruled("self == oldSelf", "Value is immutable", controllerName),
    description: bounded(0, 64),
    parametersRef: object({ group: apiGroup, kind: kindName, name: objectName, namespace: namespaceName }, [
      "group",
      "kind",
      "name",
    ]),
  },
  ["controllerName"],
);

/** `status` of a GatewayClass. */
export const gatewayClassStatus: Schema = withDefault(
  { conditions: pending("Accepted") },
  object({
    conditions: withDefault(pending("Accepted"), conditions),
    supportedFeatures: { ...mapListOf(["name"], object({ name: text }, ["name"])), maxItems: 64 },
  }),
);

/** `spec` of a ReferenceGrant. */
export const referenceGrantSpec: Schema = object(
  {
    from: atomicList(
      object({ group: apiGroup, kind: kindName, namespace: namespaceName }, ["group", "kind", "namespace"]),
      16,
      1,
    ),
    to: atomicList(object({ group: apiGroup, kind: kindName, name: objectName }, ["group", "kind"]), 16, 1),
  },
  ["from", "to"],
);
