import { expect, test } from "vitest";
import { builtinKinds } from "../builtin/builtin-kinds.ts";
import { flaggerCrds } from "../crd/flagger-crds.ts";
import { istioCrds } from "../crd/istio-crds.ts";
import { kindsFromCrd } from "../crd/kinds-from-crd.ts";
import type { KindDefinition } from "../kind.ts";
import { encodeOpenApiV2Protobuf } from "./encode-v2.ts";
import { openApiV2Document, openApiV3Document } from "./openapi-documents.ts";
import { ProtobufWriter } from "../protobuf-writer.ts";

/** The documents are read by path here, as a client would; expect() finds what is missing. */
// oxlint-disable-next-line typescript/no-explicit-any
type Document = Record<string, any>;

const kinds: readonly KindDefinition[] = [
  ...builtinKinds,
  ...[...flaggerCrds(), ...istioCrds()].flatMap((crd) => {
    const read = kindsFromCrd(crd);
    if (!read.ok) throw new Error(JSON.stringify(read.error));
    return read.value;
  }),
];

test("openApiV3Document: what kubectl reads of a Deployment", () => {
  const document: Document = openApiV3Document("apps/v1", kinds);
  const item = document.paths["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"];
  expect(document.openapi).toBe("3.0.0");
  expect(Object.keys(item).sort()).toEqual(["delete", "get", "parameters", "patch", "put"]);
  expect(JSON.stringify(item.patch["x-kubernetes-group-version-kind"])).toBe(
    '{"group":"apps","version":"v1","kind":"Deployment"}',
  );
  expect(item.patch["x-kubernetes-action"]).toBe("patch");
  expect(Object.keys(item.patch.requestBody.content)).toEqual([
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
  ]);
  expect(item.patch.parameters.map(({ name }: { name: string }) => name).join()).toBe(
    "dryRun,fieldManager,fieldValidation,force",
  );
  const { containers } = document.components.schemas["io.k8s.api.core.v1.PodSpec"].properties;
  expect(containers).toMatchObject({
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
    items: { $ref: "#/components/schemas/io.k8s.api.core.v1.Container" },
  });
  expect(document.components.schemas["io.k8s.api.apps.v1.Deployment"]["x-kubernetes-group-version-kind"]).toEqual([
    { group: "apps", version: "v1", kind: "Deployment" },
  ]);
});

test("openApiV3Document: a custom resource keeps its schema and takes no strategic patch", () => {
  const document: Document = openApiV3Document("flagger.app/v1beta1", kinds);
  const canary = document.components.schemas["app.flagger.v1beta1.Canary"];
  expect(canary.properties.metadata.allOf).toEqual([
    { $ref: "#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
  ]);
  expect(canary.properties.spec.properties.analysis.oneOf).toHaveLength(3);
  const { patch } = document.paths["/apis/flagger.app/v1beta1/namespaces/{namespace}/canaries/{name}"];
  expect(Object.keys(patch.requestBody.content)).not.toContain("application/strategic-merge-patch+json");
});

test("openApiV2Document, openApiV3Document: every reference leads to a definition", () => {
  const groupVersions = new Set(
    kinds.map(({ resource: { group, version } }) => (group === "" ? version : `${group}/${version}`)),
  );
  const documents = [openApiV2Document(kinds), ...[...groupVersions].map((name) => openApiV3Document(name, kinds))];
  for (const document of documents as Document[]) {
    const names = new Set(Object.keys(document.definitions ?? document.components.schemas));
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/(?:definitions|components\/schemas)\/([^"]+)"/g);
    const missing = [...references].map((match) => match[1] ?? "").filter((name) => !names.has(name));
    expect(missing).toEqual([]);
  }
});

test("openApiV2Document: the special types have the form that clients of version 2 know", () => {
  const { definitions } = openApiV2Document(builtinKinds) as Document;
  expect(definitions["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]).toEqual({
    type: "string",
    format: "int-or-string",
  });
  expect(definitions["io.k8s.apimachinery.pkg.api.resource.Quantity"]).toEqual({ type: "string" });
  expect(definitions["io.k8s.apimachinery.pkg.apis.meta.v1.Time"]).toEqual({ type: "string", format: "date-time" });
});

/** Reads a message into field numbers and raw values; enough to walk along a path of fields. */
function fieldsOf(octets: Uint8Array): { field: number; value: Uint8Array }[] {
  const fields: { field: number; value: Uint8Array }[] = [];
  let offset = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const octet = octets[offset++] ?? 0;
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
  };
  while (offset < octets.length) {
    const tag = varint();
    const start = offset;
    const wireType = tag & 7;
    if (wireType === 0) varint();
    const length = wireType === 2 ? varint() : 0;
    const from = wireType === 2 ? offset : start;
    offset = wireType === 2 ? offset + length : wireType === 1 ? offset + 8 : offset;
    fields.push({ field: tag >> 3, value: octets.subarray(from, offset) });
  }
  return fields;
}

function follow(octets: Uint8Array, ...path: number[]): Uint8Array[] {
  return path.reduce<Uint8Array[]>(
    (found, field) =>
      found.flatMap((message) =>
        fieldsOf(message)
          .filter((entry) => entry.field === field)
          .map(({ value }) => value),
      ),
    [octets],
  );
}

const decode = (octets: Uint8Array): string => new TextDecoder().decode(octets);

test("encodeOpenApiV2Protobuf: version, paths and definitions stand in their fields", () => {
  const document = openApiV2Document(builtinKinds) as Document;
  const octets = encodeOpenApiV2Protobuf(document);
  expect(follow(octets, 1).map(decode)).toEqual(["2.0"]);
  expect(follow(octets, 8, 2, 1).map(decode)).toEqual(Object.keys(document.paths));
  expect(follow(octets, 9, 1, 1).map(decode)).toEqual(Object.keys(document.definitions));
  const podSpec = follow(octets, 9, 1).find((entry) => decode(follow(entry, 1)[0]!) === "io.k8s.api.core.v1.PodSpec")!;
  expect(follow(podSpec, 2, 25, 1, 1).map(decode)).toContain("containers");
  expect(follow(podSpec, 2, 19).map(decode)).toEqual(["containers"]);
  const containers = follow(podSpec, 2, 25, 1).find((entry) => decode(follow(entry, 1)[0]!) === "containers")!;
  expect(follow(containers, 2, 23, 1, 1).map(decode)).toEqual(["#/definitions/io.k8s.api.core.v1.Container"]);
  expect(follow(containers, 2, 31, 1).map(decode)).toContain("x-kubernetes-patch-merge-key");
});

test("ProtobufWriter: numbers, long texts and characters beyond ASCII", () => {
  const text = `é${"x".repeat(300)}`;
  const octets = new ProtobufWriter()
    .count(1, 300)
    .flag(2, true)
    .double(3, 0.5)
    .text(4, text)
    .flag(5, false)
    .count(6, 0)
    .finish();
  expect([...octets.subarray(0, 5)]).toEqual([8, 0xac, 2, 16, 1]);
  expect(fieldsOf(octets).map(({ field }) => field)).toEqual([1, 2, 3, 4]);
  expect(decode(follow(octets, 4)[0]!)).toBe(text);
});
