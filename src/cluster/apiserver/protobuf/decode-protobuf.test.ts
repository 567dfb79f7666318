import { builtinKinds, type Schema } from "#api";
import { Failure, isObject } from "#base";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createProtobufDecoder } from "./decode-protobuf.ts";
import { accessMessages } from "./messages/access.ts";
import { coreMessages } from "./messages/core.ts";
import { metaMessages } from "./messages/meta.ts";
import { networkMessages } from "./messages/network.ts";
import { workloadMessages } from "./messages/workload.ts";
import { parseMessages } from "./parse-messages.ts";
import { isWellKnown } from "./scalars.ts";

const decoder = createProtobufDecoder();
const messages = parseMessages(metaMessages, coreMessages, workloadMessages, networkMessages, accessMessages);

/** A small writer of protobuf, so that tests show what is in the bytes. */
type Part = readonly [number, number | string | Uint8Array | readonly Part[]];

/** A field that holds a message. */
function of(number: number, ...parts: readonly Part[]): Part {
  return [number, parts];
}

function encode(parts: readonly Part[]): Uint8Array {
  return Buffer.concat(
    parts.map(([number, value]) => {
      if (typeof value === "number") return Buffer.from([...varint(number << 3), ...varint(value)]);
      const bytes = Array.isArray(value) ? encode(value as readonly Part[]) : Buffer.from(value as string | Uint8Array);
      return Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
    }),
  );
}

function varint(value: number): number[] {
  let rest = BigInt.asUintN(64, BigInt(value));
  const bytes: number[] = [];
  while (rest > 0x7fn) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  return [...bytes, Number(rest)];
}

function body(apiVersion: string, kind: string, parts: readonly Part[]): Uint8Array {
  const envelope = encode([of(1, [1, apiVersion], [2, kind]), of(2, ...parts), [3, ""], [4, ""]]);
  return Buffer.concat([Buffer.from("k8s\0"), envelope]);
}

test("decode reads what kubectl sends for a ConfigMap, without the zero values around it", () => {
  const metadata = of(1, [1, "pb"], [2, ""], [3, ""], of(8));
  const bytes = body("v1", "ConfigMap", [metadata, of(2, [1, "a"], [2, "b"]), of(2, [1, "c"], [2, ""])]);
  expect(decoder.decode(bytes)).toEqual({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "pb" },
    data: { a: "b", c: "" },
  });
});

test("decode keeps zeros behind pointers, embeds inlined messages and reads the well-known types", () => {
  const httpGet = of(2, [1, "/"], of(2, [1, 1], [3, "http"]));
  const probe = of(11, of(1, httpGet), [4, 5]);
  const limits = of(8, of(1, [1, "cpu"], of(2, [1, "100m"])));
  const container = of(2, [1, "c"], [3, "x"], [3, "y"], limits, probe, [16, 0]);
  const template = of(3, of(1, of(8)), of(2, container, [4, -1]));
  const metadata = of(1, [1, "d"], of(8, [1, 1_767_225_600]));
  const bytes = body("apps/v1", "Deployment", [metadata, of(2, [1, 0], template, of(4)), of(3, [1, 0])]);
  expect(decoder.decode(bytes)).toEqual({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec: {
      replicas: 0,
      template: {
        spec: {
          terminationGracePeriodSeconds: -1,
          containers: [
            {
              name: "c",
              command: ["x", "y"],
              resources: { limits: { cpu: "100m" } },
              readinessProbe: { httpGet: { path: "/", port: "http" }, periodSeconds: 5 },
            },
          ],
        },
      },
    },
  });
});

test("decode reads bytes as base64 and micro times with six digits", () => {
  expect(decoder.decode(body("v1", "Secret", [of(2, [1, "k"], [2, "v"])]))["data"]).toEqual({ k: "dg==" });
  const renewed = of(4, [1, 1_767_225_600], [2, 123_456_000]);
  const lease = decoder.decode(body("coordination.k8s.io/v1", "Lease", [of(2, [1, "me"], renewed)]));
  expect(lease["spec"]).toEqual({ holderIdentity: "me", renewTime: "2026-01-01T00:00:00.123456Z" });
});

test("decode refuses what is no object of a known kind", () => {
  const long = "x".repeat(10);
  const bad = [
    Buffer.from("{}"),
    Buffer.from("k8s\0\x0a\xff"),
    body("v1", "Nope", []),
    body("v1", "ConfigMap", [[1, 7]]),
    Buffer.concat([Buffer.from("k8s\0"), encode([[1, 7]])]),
    body("v1", "ConfigMap", [of(2, [1, Uint8Array.of(0xc3)])]),
    body("v1", "ConfigMap", [of(2, [1, 7])]),
    body("v1", "ConfigMap", [[2, 7]]),
    body("v1", "ConfigMap", [of(2, [1, "__proto__"], [2, "x"])]),
    body("v1", "ConfigMap", [of(2, [1, "k"], [2, long])]).subarray(0, -9),
  ];
  for (const bytes of bad) expect(() => decoder.decode(bytes)).toThrow(Failure);
});

test("decode refuses a body of more fields than it may take time for, wherever they stand", () => {
  const finalizers = Buffer.alloc(2 * 50_000, Uint8Array.of((14 << 3) | 2, 0));
  const claims = Array.from({ length: 4 }, (): Part => of(4, [1, finalizers]));
  expect(() => decoder.decode(body("apps/v1", "StatefulSet", [of(2, ...claims)]))).toThrow(/more than 200000 fields/);
  const accepted = decoder.decode(body("apps/v1", "StatefulSet", [of(2, ...claims.slice(1))]));
  expect(accepted["spec"]).toHaveProperty("volumeClaimTemplates.length", 3);
});

test("decode never fails in another way on damaged bytes", () => {
  const whole = body("v1", "Pod", [
    of(1, [1, "p"], of(11, [1, "a"], [2, "b"])),
    of(2, of(2, [1, "c"], of(6, [3, 80]))),
  ]);
  fc.assert(
    fc.property(
      fc.nat(whole.length - 1),
      fc.integer({ min: 0, max: 255 }),
      fc.nat(whole.length),
      (at, byte, length) => {
        const damaged = Uint8Array.from(whole).subarray(0, length);
        if (at < damaged.length) damaged[at] = byte;
        try {
          decoder.decode(damaged);
        } catch (thrown) {
          return thrown instanceof Failure;
        }
        return true;
      },
    ),
    { seed: 99, numRuns: 2000 },
  );
});

test("decode reads the ports of an EndpointSlice, whose message differs from that of Endpoints", () => {
  const port = [
    [1, "http"],
    [2, "TCP"],
    [3, 8080],
  ] satisfies Part[];
  const slice = decoder.decode(body("discovery.k8s.io/v1", "EndpointSlice", [of(3, ...port), [4, "IPv4"]]));
  expect(slice).toMatchObject({ addressType: "IPv4", ports: [{ name: "http", protocol: "TCP", port: 8080 }] });
  const endpoints = decoder.decode(body("v1", "Endpoints", [of(2, of(3, [1, "http"], [2, 8080], [3, "TCP"]))]));
  expect(endpoints["subsets"]).toEqual([{ ports: [{ name: "http", port: 8080, protocol: "TCP" }] }]);
});

test("decode reads DeleteOptions under the version of every group", () => {
  for (const apiVersion of ["v1", "apps/v1", "autoscaling/v1", "events.k8s.io/v1"]) {
    expect(decoder.decode(body(apiVersion, "DeleteOptions", [[1, 0]]))).toEqual({
      apiVersion,
      kind: "DeleteOptions",
      gracePeriodSeconds: 0,
    });
  }
});

test("decode keeps a byte order mark, which belongs to the text", () => {
  const map = decoder.decode(body("v1", "ConfigMap", [of(2, [1, "k"], [2, "\ufeffv"])]));
  expect(map["data"]).toEqual({ k: "\ufeffv" });
});

/** The field managedFields[0].fieldsV1 of a ConfigMap, as its JSON text. */
function fieldsV1(json: string): Uint8Array {
  return body("v1", "ConfigMap", [of(1, of(17, of(7, [1, json])))]);
}

test("decode reads embedded JSON, but neither prototype keys nor nesting without bound", () => {
  expect(decoder.decode(fieldsV1('{"f:data":{}}'))["metadata"]).toEqual({
    managedFields: [{ fieldsV1: { "f:data": {} } }],
  });
  expect(() => decoder.decode(fieldsV1('{"a":{"__proto__":{"x":1}}}'))).toThrow(/the key "__proto__"/);
  expect(() => decoder.decode(fieldsV1("[".repeat(100_000) + "]".repeat(100_000)))).toThrow(/nested deeper than 200/);
  expect(() => decoder.decode(fieldsV1("{"))).toThrow(/embedded JSON cannot be read/);
});

test("every type that the tables name is a message of theirs or well known", () => {
  const missing = [...messages].flatMap(([name, message]) =>
    [...message.values()]
      .filter(({ type }) => !isWellKnown(type.name) && !messages.has(type.name))
      .map(({ type }) => `${name}: ${type.name}`),
  );
  expect(missing).toEqual([]);
});

/** How many messages stand in each other at most, this one included. */
function depthOf(name: string, around: readonly string[] = []): number {
  if (around.includes(name)) throw new Error(`${[...around, name].join(" > ")} does not end`);
  const fields = [...(messages.get(name)?.values() ?? [])];
  return (
    1 + Math.max(0, ...fields.map(({ type }) => (messages.has(type.name) ? depthOf(type.name, [...around, name]) : 0)))
  );
}

test("no message of the tables holds itself, so hostile bytes cannot nest without bound", () => {
  expect(Math.max(...[...messages.keys()].map((name) => depthOf(name)))).toBeLessThanOrEqual(20);
});

/** Paths of fields in the tables that the schema of the kind does not have. */
function unknownFields(schema: Schema | undefined, name: string, path: string): readonly string[] {
  const message = messages.get(name);
  if (message === undefined || schema?.properties === undefined || path.split(".").length > 8) return [];
  return [...message.values()].flatMap(({ json, type }) => {
    if (json === undefined) return unknownFields(schema, type.name, path);
    const child = schema.properties?.[json];
    if (child === undefined) return [`${path}.${json}`];
    const below = type.shape === "list" ? child.items : child;
    return isObject(below) ? unknownFields(below, type.name, `${path}.${json}`) : [];
  });
}

test("the tables and the schemas of the built-in kinds agree on the names of fields", () => {
  const unknown = builtinKinds.flatMap(({ resource, schema }) =>
    ["v1"].includes(resource.version) && resource.group !== "events.k8s.io" && resource.group !== "autoscaling"
      ? unknownFields(schema, resource.kind, resource.kind)
      : [],
  );
  expect(unknown).toEqual([]);
});
