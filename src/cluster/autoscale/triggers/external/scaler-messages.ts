import { ProtobufWriter } from "#api";
import { protobufText, readProtobuf } from "./protobuf.ts";

/**
 * The messages of proto3 package `externalscaler`: what KEDA sends is written, what a server sends is read. Unknown fields
 * are passed over, and absent ones are their type's nothing. Source: keda-hpa-spec 15.11.
 */
export interface ScaledObjectRef {
  readonly name: string;
  readonly namespace: string;
  readonly scalerMetadata: Readonly<Record<string, string>>;
}

export interface GetMetricsRequest {
  readonly scaledObjectRef: ScaledObjectRef;
  readonly metricName: string;
}

export interface MetricSpec {
  readonly metricName: string;
  /** Of the older whole field when the newer one is not above zero. */
  readonly target: number;
}

/** More than any server has a use for; each becomes a metric of the autoscaler. */
const METRIC_SPECS_MAX = 100;
const METRIC_VALUES_MAX = 10_000;

export function encodeScaledObjectRef(ref: ScaledObjectRef): Buffer {
  return Buffer.from(scaledObjectRefOf(ref).finish());
}

export function encodeGetMetricsRequest({ scaledObjectRef, metricName }: GetMetricsRequest): Buffer {
  return Buffer.from(new ProtobufWriter().message(1, scaledObjectRefOf(scaledObjectRef)).text(2, metricName).finish());
}

function scaledObjectRefOf({ name, namespace, scalerMetadata }: ScaledObjectRef): ProtobufWriter {
  const message = new ProtobufWriter().text(1, name).text(2, namespace);
  for (const [key, value] of Object.entries(scalerMetadata)) {
    message.message(3, new ProtobufWriter().text(1, key).text(2, value));
  }
  return message;
}

/** Returns IsActiveResponse.result. */
export function decodeIsActiveResponse(bytes: Buffer): boolean {
  let result = false;
  for (const field of readProtobuf(bytes))
    if (field.number === 1 && field.kind === "varint") result = field.value !== 0n;
  return result;
}

/** Returns GetMetricSpecResponse.metricSpecs. */
export function decodeGetMetricSpecResponse(bytes: Buffer): readonly MetricSpec[] {
  return parts(bytes, METRIC_SPECS_MAX).map((part) => {
    const { metricName, value } = readNamedNumber(part);
    return { metricName, target: value };
  });
}

/** Returns the values of GetMetricsResponse.metricValues; their names are the server's own business. */
export function decodeGetMetricsResponse(bytes: Buffer): readonly number[] {
  return parts(bytes, METRIC_VALUES_MAX).map((part) => readNamedNumber(part).value);
}

function parts(bytes: Buffer, max: number): readonly Buffer[] {
  const found: Buffer[] = [];
  for (const field of readProtobuf(bytes)) {
    if (field.number !== 1 || field.kind !== "bytes") continue;
    if (found.length >= max) throw new Error(`the message has more than ${max} metrics`);
    found.push(field.value);
  }
  return found;
}

/** MetricSpec and MetricValue have one shape: name (1), whole number (2), number (3), which counts only when it is above zero. */
function readNamedNumber(bytes: Buffer): { readonly metricName: string; readonly value: number } {
  let metricName = "";
  let whole = 0;
  let float = 0;
  for (const field of readProtobuf(bytes)) {
    if (field.number === 1 && field.kind === "bytes") metricName = protobufText(field.value);
    if (field.number === 2 && field.kind === "varint") whole = Number(field.value);
    if (field.number === 3 && field.kind === "double") float = field.value;
  }
  return { metricName, value: float > 0 ? float : whole };
}
