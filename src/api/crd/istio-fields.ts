import { between, bool, integer, mapOf, number, object, oneOf, text } from "../schema/build.ts";
import { atMostOne, ruled } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";

/** Field types that Istio's kinds share. Source: istio.io/api protobuf definitions. */

export const texts: Schema = arrayOf(text);
export const textMap: Schema = mapOf(text);
export const nullableBool: Schema = { ...bool, nullable: true };
export const uint32: Schema = between(0, 4_294_967_295, integer);
export const nullableUint32: Schema = { ...uint32, nullable: true };
export const double: Schema = { ...number, format: "double" };
export const percent: Schema = object({ value: double });
export const anyPort: Schema = object({ number: uint32 });

/** A protobuf duration, of at least a millisecond. */
export const duration: Schema = ruled(
  "duration(self) >= duration('1ms')",
  "must be a valid duration greater than 1ms",
  text,
);

/** A port number that Istio itself bounds by a rule. */
export const portNumber: Schema = ruled("0 < self && self <= 65535", "port must be between 1-65535", uint32);

const matchFields = { exact: text, prefix: text, regex: text };
export const stringMatch: Schema = atMostOne(["exact", "prefix", "regex"], object(matchFields));

export const headerOperations: Schema = object({ add: textMap, set: textMap, remove: texts });
export const headers: Schema = object({ request: headerOperations, response: headerOperations });

export const destination: Schema = object({ host: text, subset: text, port: anyPort }, ["host"]);

/** Labels of the pods that a policy is for. */
export const policySelector: Schema = object({
  matchLabels: ruled(
    "self.all(key, key.size() != 0)",
    "key must not be empty",
    ruled('self.all(key, !key.contains("*"))', "wildcard not allowed in label key match", {
      ...mapOf(ruled('!self.contains("*")', "wildcard not allowed in label value match", { ...text, maxLength: 63 })),
      maxProperties: 4096,
    }),
  ),
});

/** An object that a policy is for, such as a Gateway. */
export const targetReference: Schema = object(
  {
    group: {
      ...text,
      maxLength: 253,
      pattern: "^$|^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
    },
    kind: { ...text, minLength: 1, maxLength: 63, pattern: "^[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?$" },
    name: { ...text, minLength: 1, maxLength: 253 },
    namespace: ruled("self.size() == 0", "cross namespace referencing is not currently supported", text),
  },
  ["kind", "name"],
);

const dateTime: Schema = { type: "string", format: "date-time" };
const intOrText: Schema = {
  "x-kubernetes-int-or-string": true,
  anyOf: [{ type: "integer" }, { type: "string" }],
};

/** `status` of every Istio kind. */
export const istioStatus: Schema = {
  ...object({
    conditions: arrayOf(
      object({
        type: text,
        status: text,
        reason: text,
        message: text,
        observedGeneration: intOrText,
        lastProbeTime: dateTime,
        lastTransitionTime: dateTime,
      }),
    ),
    observedGeneration: intOrText,
    validationMessages: arrayOf(
      object({
        type: object({ name: text, code: text }),
        level: oneOf("UNKNOWN", "ERROR", "WARNING", "INFO"),
        documentationUrl: text,
      }),
    ),
  }),
  "x-kubernetes-preserve-unknown-fields": true,
};

/** An endpoint outside of Kubernetes: a WorkloadEntry, or one written into a ServiceEntry. */
export const workloadEntry: Schema = ruled(
  '(has(self.address) ? self.address : "").startsWith("unix://") ? !has(self.ports) : true',
  "UDS may not include ports",
  ruled(
    "has(self.address) || has(self.network)",
    "Address is required",
    object({
      address: ruled(
        'self.startsWith("unix://") ? !self.endsWith("/") : true',
        "UDS may not be a dir",
        ruled(
          'self.startsWith("unix://") ? (self.substring(7, 8) == "/" || self.substring(7, 8) == "@") : true',
          "UDS must be an absolute path or abstract socket",
          { ...text, maxLength: 256 },
        ),
      ),
      ports: ruled(
        'self.all(key, size(key) < 63 && key.matches("^[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?$"))',
        "port name must be valid",
        { ...mapOf(portNumber), maxProperties: 128 },
      ),
      labels: { ...textMap, maxProperties: 256 },
      network: { ...text, maxLength: 2048 },
      locality: { ...text, maxLength: 2048 },
      weight: uint32,
      serviceAccount: { ...text, maxLength: 253 },
    }),
  ),
);
