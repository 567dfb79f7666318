import { between, mapOf, object, oneOf, text } from "../schema/build.ts";
import { atMostOne, ruled } from "../schema/choices.ts";
import { arrayOf } from "../schema/plain-lists.ts";
import type { Schema } from "../schema/schema.ts";
import { double, duration, nullableBool, policySelector, targetReference } from "./istio-fields.ts";

/** `spec` of a Telemetry. Source: istio.io/api `telemetry/v1alpha1/telemetry.proto`. */

const nonEmpty: Schema = { ...text, minLength: 1 };
const providers = arrayOf(object({ name: nonEmpty }, ["name"]));
const mode = oneOf("CLIENT_AND_SERVER", "CLIENT", "SERVER");

const customTag = atMostOne(
  ["literal", "environment", "header", "formatter"],
  object({
    literal: object({ value: nonEmpty }, ["value"]),
    environment: object({ name: nonEmpty, defaultValue: text }, ["name"]),
    header: object({ name: nonEmpty, defaultValue: text }, ["name"]),
    formatter: object({ value: nonEmpty }, ["value"]),
  }),
);

const tracing = object({
  match: object({ mode }),
  providers,
  randomSamplingPercentage: { ...between(0, 100, double), nullable: true },
  disableSpanReporting: nullableBool,
  disableContextPropagation: nullableBool,
  enableIstioTags: nullableBool,
  useRequestIdForTraceSampling: nullableBool,
  customTags: mapOf(customTag),
});

const metricMatch = atMostOne(
  ["metric", "customMetric"],
  object({
    metric: oneOf(
      "ALL_METRICS",
      "REQUEST_COUNT",
      "REQUEST_DURATION",
      "REQUEST_SIZE",
      "RESPONSE_SIZE",
      "TCP_OPENED_CONNECTIONS",
      "TCP_CLOSED_CONNECTIONS",
      "TCP_SENT_BYTES",
      "TCP_RECEIVED_BYTES",
      "GRPC_REQUEST_MESSAGES",
      "GRPC_RESPONSE_MESSAGES",
    ),
    customMetric: nonEmpty,
    mode,
  }),
);

const operation = '(has(self.operation) ? self.operation : "")';
const tagOverride: Schema = ruled(
  `(${operation} == "REMOVE") ? !has(self.value) : true`,
  "value must not be set when operation is REMOVE",
  ruled(
    `(${operation} == "UPSERT") ? (self.value != "") : true`,
    "value must be set when operation is UPSERT",
    object({ operation: oneOf("UPSERT", "REMOVE"), value: text }),
  ),
);

const metrics = object({
  providers,
  overrides: arrayOf(object({ match: metricMatch, disabled: nullableBool, tagOverrides: mapOf(tagOverride) })),
  reportingInterval: duration,
});

const accessLogging = object({
  match: object({ mode }),
  providers,
  disabled: nullableBool,
  filter: object({ expression: text }),
});

/** `spec` of a Telemetry. */
export const telemetrySpec: Schema = ruled(
  "(has(self.selector) ? 1 : 0) + (has(self.targetRef) ? 1 : 0) + (has(self.targetRefs) ? 1 : 0) <= 1",
  "only one of targetRefs or selector can be set",
  object({
    selector: policySelector,
    targetRef: targetReference,
    targetRefs: { ...arrayOf(targetReference), maxItems: 16 },
    tracing: arrayOf(tracing),
    metrics: arrayOf(metrics),
    accessLogging: arrayOf(accessLogging),
  }),
);
