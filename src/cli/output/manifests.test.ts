import { expect, test } from "vitest";
import { parseManifest, readManifests } from "./manifests.ts";

const configMap = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

test("parseManifest: several documents, empty ones and lists", () => {
  const list = `apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Secret, metadata: {name: b}}\n`;
  const objects = parseManifest(`---\n${configMap}---\n---\n${list}`, "x.yaml");
  expect(objects.map((object) => `${object.kind}/${object.metadata.name}`)).toEqual(["ConfigMap/a", "Secret/b"]);
});

test.each([
  ["apiVersion: v1\nkind: ConfigMap\nmetadata:\n\tname: a\n", /x\.yaml: line 4, column \d+: .*replace the tab/],
  ["apiVersion: v1\nkind: ConfigMap\nkind: Pod\n", /x\.yaml: line 3, column 1: .*unique/],
  [`${configMap}data: *nowhere\n`, /x\.yaml.*nowhere/],
  ["kind: ConfigMap\n", /x\.yaml:1: .*"apiVersion"/],
  ["apiVersion: v1\nkind: ConfigMap\n", /metadata\.name is missing/],
  [`${configMap}data: {a: [}\n`, /line 5/],
])("parseManifest: refuses %j with place and fix", (text, message) => {
  expect(() => parseManifest(text, "x.yaml")).toThrow(message);
});

test("readManifests: the example is complete and in order", () => {
  const kinds = readManifests("examples/article").map((object) => object.kind);
  expect(kinds[0]).toBe("Namespace");
  expect(kinds).toContain("Canary");
  expect(kinds).toContain("HorizontalPodAutoscaler");
});

test("parseManifest: aliases that multiply are refused with their place, not expanded", () => {
  const rows = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]\n`);
  const text = `${configMap}l0: &l0 [x]\n${rows.join("")}`;
  expect(() => parseManifest(text, "x.yaml")).toThrow(
    /^Cannot read the manifest x\.yaml:1: its aliases cannot be resolved/,
  );
});
