import { expect, test } from "vitest";
import type { ObjectMeta } from "../meta.ts";
import { validateObjectMeta } from "./object-meta.ts";

const configMap = { group: "", kind: "ConfigMap", namespaced: true };
const told = (meta: ObjectMeta, resource = configMap, old?: ObjectMeta): string[] =>
  validateObjectMeta(
    { ...(resource.namespaced ? { namespace: "n" } : {}), ...meta },
    { resource, ...(old === undefined ? {} : { old: { namespace: "n", ...old } }) },
  ).map(({ path, message }) => `${path}: ${message}`);

const SUBDOMAIN =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

test.each<[ObjectMeta, string[]]>([
  [{ name: "x", labels: { ok: "v", "example.com/Ok_1": "" }, annotations: { "a/b": "any thing" } }, []],
  [
    { name: "x", labels: { ok: "bad value!" } },
    [
      "metadata.labels: Invalid value: \"bad value!\": a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')",
    ],
  ],
  [
    { name: "x", annotations: { "bad key": "v" } },
    [
      "metadata.annotations: Invalid value: \"bad key\": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')",
    ],
  ],
  [
    { name: "x", ownerReferences: [{ apiVersion: "v1", kind: "Pod", name: "p" } as never] },
    ['metadata.ownerReferences.uid: Invalid value: "": uid must not be empty'],
  ],
  [
    { name: "x", finalizers: ["bad"] },
    [
      'metadata.finalizers[0]: Invalid value: "bad": name is neither a standard finalizer name nor is it fully qualified',
    ],
  ],
  [{ name: "Bad_Name" }, [`metadata.name: Invalid value: "Bad_Name": ${SUBDOMAIN}`]],
  [{}, ["metadata.name: Required value: name or generateName is required"]],
  [
    { name: "a".repeat(254) },
    ['metadata.name: Invalid value: "' + "a".repeat(254) + '": must be no more than 253 characters'],
  ],
])("validateObjectMeta: %j", (meta, expected) => expect(told(meta)).toEqual(expected));

test("validateObjectMeta: finalizers of custom kinds need no slash, as operators have long written them", () => {
  const canary = { group: "flagger.app", kind: "Canary", namespaced: true };
  expect(told({ name: "x", finalizers: ["finalizer.flagger.app"] }, canary)).toEqual([]);
  expect(told({ name: "x", finalizers: ["not valid"] }, canary)).toHaveLength(1);
});

test("validateObjectMeta: a namespace has a label for a name, and lives in none", () => {
  const namespace = { group: "", kind: "Namespace", namespaced: false };
  const label =
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
  expect(told({ name: "Bad_NS" }, namespace)).toEqual([`metadata.name: Invalid value: "Bad_NS": ${label}`]);
  expect(told({ name: "ok", namespace: "n" }, namespace)).toEqual([
    "metadata.namespace: Forbidden: not allowed on this type",
  ]);
});

test("validateObjectMeta: a role may be named like a path segment", () => {
  const role = { group: "rbac.authorization.k8s.io", kind: "Role", namespaced: true };
  expect(told({ name: "system:Node_1" }, role)).toEqual([]);
  expect(told({ name: "a/b" }, role)).toEqual(["metadata.name: Invalid value: \"a/b\": may not contain '/'"]);
});

test("validateObjectMeta: while an object is deleted, no finalizer may be added", () => {
  const old = { name: "x", deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["example.com/f"] };
  expect(told({ ...old, finalizers: ["example.com/f", "example.com/g"] }, configMap, old)).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/g"}',
  ]);
  expect(told({ ...old, finalizers: [] }, configMap, old)).toEqual([]);
});

test("validateObjectMeta: annotations are bounded together", () => {
  expect(told({ name: "x", annotations: { a: "é".repeat(131_072) } })).toEqual([
    "metadata.annotations: Too long: may not be more than 262144 bytes",
  ]);
});
