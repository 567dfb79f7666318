import { expect, test } from "vitest";
import { resources } from "#api";
import { parseFieldSelector } from "./field-selector.ts";
import { parseLabelSelector, readLabelSelector } from "./label-selector.ts";

const labels = { app: "x", tier: "fe", "example.com/a": "" };

test.each([
  ["", true],
  ["app=x", true],
  ["app==x,tier=fe", true],
  ["app!=x", false],
  ["none!=x", true],
  ["app in (x, y)", true],
  ["app notin (y),tier", true],
  ["none notin (y)", true],
  ["none in (y,)", false],
  ["!none", true],
  ["!app", false],
  ["example.com/a=", true],
  ["none=", false],
])("parseLabelSelector: %s", (text, expected) => {
  expect(parseLabelSelector(text)(labels)).toBe(expected);
});

test.each(["a=b c", "a in b", "a in (b", "=x", "a,,b"])("parseLabelSelector: refuses %s", (text) => {
  expect(() => parseLabelSelector(text)).toThrow("unable to parse requirement");
});

test("parseLabelSelector: a label that an object inherits from JavaScript is none", () => {
  expect(parseLabelSelector("constructor")({})).toBe(false);
});

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "p", namespace: "n" },
  spec: { nodeName: "a,b" },
  status: { phase: "Running" },
};

test.each([
  ["metadata.name=p,status.phase!=Failed", true],
  ["spec.nodeName=a\\,b", true],
  ["spec.nodeName=a", false],
  ["spec.serviceAccountName=", true],
])("parseFieldSelector: %s", (text, expected) => {
  expect(parseFieldSelector(text, resources.pods)(pod)).toBe(expected);
});

test("parseFieldSelector: refuses a field that this kind cannot be selected by", () => {
  expect(() => parseFieldSelector("spec.nodeName=a", resources.configMaps)).toThrow(
    "field label not supported: spec.nodeName",
  );
});

test("readLabelSelector: pairs are labels, everything else is a requirement", () => {
  expect(readLabelSelector("")).toEqual({});
  expect(readLabelSelector("a=b,c==d,e in (f),a=x,g!=h,i in (j, k),l notin (m),n,!o")).toEqual({
    matchLabels: { a: "b", c: "d", e: "f" },
    matchExpressions: [
      { key: "a", operator: "In", values: ["x"] },
      { key: "g", operator: "NotIn", values: ["h"] },
      { key: "i", operator: "In", values: ["j", "k"] },
      { key: "l", operator: "NotIn", values: ["m"] },
      { key: "n", operator: "Exists", values: [] },
      { key: "o", operator: "DoesNotExist", values: [] },
    ],
  });
});
