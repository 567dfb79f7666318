import fc from "fast-check";
import { expect, test } from "vitest";
import {
  decodeGetMetricSpecResponse,
  decodeGetMetricsResponse,
  decodeIsActiveResponse,
  encodeGetMetricsRequest,
  encodeScaledObjectRef,
} from "./scaler-messages.ts";
import { scalerService } from "../testing/scaler-server.ts";

const service = scalerService();

function method(name: string) {
  const found = service[name];
  if (found === undefined) throw new Error(`no method ${name}`);
  return found;
}

const wellFormed = fc.string({ unit: "grapheme" });
const metadata = fc.dictionary(wellFormed, wellFormed, { maxKeys: 5, noNullPrototype: true });
const ref = fc.record({ name: wellFormed, namespace: wellFormed, scalerMetadata: metadata });
const whole = fc.maxSafeInteger();
const float = fc.double({ noNaN: true });

test("encodeScaledObjectRef: protobuf's own library reads what was written", () => {
  fc.assert(
    fc.property(ref, (value) => {
      fc.pre(!Object.hasOwn(value.scalerMetadata, "__proto__"));
      expect(method("IsActive").requestDeserialize(encodeScaledObjectRef(value))).toEqual(value);
    }),
  );
});

test("encodeGetMetricsRequest: protobuf's own library reads what was written", () => {
  fc.assert(
    fc.property(ref, wellFormed, (scaledObjectRef, metricName) => {
      fc.pre(!Object.hasOwn(scaledObjectRef.scalerMetadata, "__proto__"));
      const bytes = encodeGetMetricsRequest({ scaledObjectRef, metricName });
      expect(method("GetMetrics").requestDeserialize(bytes)).toEqual({ scaledObjectRef, metricName });
    }),
  );
});

test("decodeIsActiveResponse reads what protobuf's own library writes", () => {
  for (const result of [true, false])
    expect(decodeIsActiveResponse(method("IsActive").responseSerialize({ result }))).toBe(result);
});

test("decodeGetMetricSpecResponse reads what protobuf's own library writes; the float wins above zero only", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(wellFormed, whole, float), { maxLength: 100 }), (specs) => {
      const metricSpecs = specs.map(([metricName, targetSize, targetSizeFloat]) => ({
        metricName,
        targetSize,
        targetSizeFloat,
      }));
      const read = decodeGetMetricSpecResponse(method("GetMetricSpec").responseSerialize({ metricSpecs }));
      expect(read).toEqual(specs.map(([metricName, a, b]) => ({ metricName, target: b > 0 ? b : a })));
    }),
  );
});

test("decodeGetMetricsResponse reads what protobuf's own library writes; the float wins above zero only", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(wellFormed, whole, float), { maxLength: 50 }), (values) => {
      const metricValues = values.map(([metricName, metricValue, metricValueFloat]) => ({
        metricName,
        metricValue,
        metricValueFloat,
      }));
      const read = decodeGetMetricsResponse(method("GetMetrics").responseSerialize({ metricValues }));
      expect(read).toEqual(values.map(([, a, b]) => (b > 0 ? b : a)));
    }),
  );
});

test("the decoders end with a value or an Error on any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      for (const decode of [decodeIsActiveResponse, decodeGetMetricSpecResponse, decodeGetMetricsResponse]) {
        try {
          decode(Buffer.from(bytes));
        } catch (thrown) {
          expect((thrown as Error).message).toMatch(/^the message /);
        }
      }
    }),
    { numRuns: 2_000 },
  );
});

test.each<[string, number[], string]>([
  ["a length beyond the end", [0x0a, 0x05, 0x00], "the message breaks off"],
  ["a number that breaks off", [0x08, 0x80], "the message breaks off"],
  [
    "a number of eleven bytes",
    [0x08, ...Array<number>(11).fill(0x80)],
    "the message has a number of more than 64 bits",
  ],
  ["a group", [0x0b], "the message has a field of the unknown wire type 3"],
  ["field 0", [0x00, 0x00], "the message has a field without a valid number"],
  ["a double that breaks off", [0x09, 0x00], "the message breaks off"],
  ["a name that is not UTF-8", [0x0a, 0x03, 0x0a, 0x01, 0xff], "the message has a text that is not UTF-8"],
  ["101 metrics", Array.from({ length: 101 }, () => [0x0a, 0x00]).flat(), "the message has more than 100 metrics"],
])("decodeGetMetricSpecResponse refuses %s", (_title, bytes, expected) => {
  expect(() => decodeGetMetricSpecResponse(Buffer.from(bytes))).toThrow(expected);
});

test("the decoders pass over fields that they do not know", () => {
  const unknown = [0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8, 0x2a, 0x01, 0x00, 0x30, 0x01];
  expect(decodeIsActiveResponse(Buffer.from([...unknown, 0x08, 0x01]))).toBe(true);
  expect(decodeGetMetricsResponse(Buffer.from([...unknown, 0x0a, 0x02, 0x10, 0x07]))).toEqual([7]);
});
