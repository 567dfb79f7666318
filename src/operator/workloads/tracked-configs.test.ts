import { expect, test } from "vitest";
import type { ConfigMap, Deployment, PodSpec, Secret } from "#api";
import { configured, deployment, settings } from "../rehearsal-objects.ts";
import { configRefs } from "./config-refs.ts";
import { checksumOf, planConfigCopy, trackedConfigsOf } from "./tracked-configs.ts";

const owner = { apiVersion: "flagger.app/v1beta1", kind: "Canary", name: "web", uid: "1", controller: true };
const options = { owner, labelPrefixes: [] };
const source = (configMap?: ConfigMap, secret?: Secret) => ({ configMap: () => configMap, secret: () => secret });

test("configRefs: finds every place once, and a mandatory use wins (pinned 34, 35)", () => {
  const spec: PodSpec = {
    initContainers: [{ name: "i", env: [{ name: "A", valueFrom: { secretKeyRef: { name: "s1", key: "a" } } }] }],
    containers: [
      {
        name: "c",
        env: [{ name: "B", valueFrom: { configMapKeyRef: { name: "c1", key: "b", optional: true } } }],
        envFrom: [{ configMapRef: { name: "c1" } }, { secretRef: { name: "s2", optional: true } }],
      },
    ],
    volumes: [
      { name: "v1", configMap: { name: "c2" } },
      { name: "v2", secret: { secretName: "s3" } },
      { name: "v3", projected: { sources: [{ configMap: { name: "c3" } }, { secret: { name: "s4" } }] } },
      { name: "v4", emptyDir: {} },
    ],
  };
  const found = configRefs(spec).map(({ kind, name, isOptional }) => `${kind} ${name}${isOptional ? "?" : ""}`);
  expect(found.toSorted()).toEqual([
    "ConfigMap c1",
    "ConfigMap c2",
    "ConfigMap c3",
    "Secret s1",
    "Secret s2?",
    "Secret s3",
    "Secret s4",
  ]);
});

test("checksumOf: as Flagger computes it", () => {
  // printf '{"a":"1","b":"\\u003cx\\u003e"}' | sha256sum, and the same of null
  expect(checksumOf({ b: "<x>", a: "1" })).toBe("84e943b2c665ef12");
  expect(checksumOf(undefined)).toBe("74234e98afe7498f");
  // Written by Go 1.26: json.Marshal, then sha256. Keys are in the order of their bytes, not of their UTF-16 units.
  const odd = 'a & b\n\t"q" \\ \u2028\u2029 é 😀 \u007f \u0001\b\f\r';
  const data = { "😀": "2", "\uffee": "3", é: "1", _: "x", Z: "", "z.conf": odd };
  expect(checksumOf(data)).toBe("aff46ff316fe2893");
  // A Secret's bytes are base64 on the wire and in Go's JSON alike.
  expect(checksumOf({ password: "czNjcmV0", empty: "" })).toBe("3deae5e22ca442b8");
});

test("trackedConfigsOf: a missing config is a problem unless it is optional (pinned 35)", () => {
  expect(trackedConfigsOf(configured, source()).problems).toEqual([
    expect.objectContaining({ message: 'its pods use the ConfigMap "web-settings", which does not exist' }),
  ]);
  const optional: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: {
        spec: { containers: [{ name: "web", envFrom: [{ configMapRef: { name: "a", optional: true } }] }] },
      },
    },
  };
  expect(trackedConfigsOf(optional, source()).problems).toEqual([]);
});

test("trackedConfigsOf: what opts out, and Secrets that controllers write, are not tracked (pinned 33)", () => {
  const out = {
    ...settings,
    metadata: { name: "web-settings", annotations: { "flagger.app/config-tracking": "disabled" } },
  };
  expect(trackedConfigsOf(configured, source(out)).checksums).toEqual({});
  const other = { ...settings, metadata: { name: "web-settings", annotations: { "example.com/tracking": "disable" } } };
  expect(Object.keys(trackedConfigsOf(configured, source(other)).checksums)).toEqual(["configmap/web-settings"]);
  expect(trackedConfigsOf(configured, source(settings)).checksums).toEqual({
    "configmap/web-settings": checksumOf({ color: "blue" }),
  });
  const withSecret: Deployment = {
    ...deployment,
    spec: {
      ...deployment.spec,
      template: { spec: { containers: [{ name: "web", envFrom: [{ secretRef: { name: "s" } }] }] } },
    },
  };
  const secret = (type: string): Secret => ({ apiVersion: "v1", kind: "Secret", metadata: { name: "s" }, type });
  const tracked = (type: string) =>
    Object.keys(trackedConfigsOf(withSecret, source(undefined, secret(type))).checksums);
  expect(tracked("Opaque")).toEqual(["secret/s"]);
  expect(tracked("kubernetes.io/service-account-token")).toEqual([]);
});

test("planConfigCopy: data of both kinds, no annotations, an owner", () => {
  const original = { ...settings, metadata: { name: "a", annotations: { x: "1" } }, binaryData: { logo: "AA==" } };
  const copy = planConfigCopy(original, undefined, options);
  expect(copy).toMatchObject({
    metadata: { name: "a-primary", ownerReferences: [owner] },
    data: { color: "blue" },
    binaryData: { logo: "AA==" },
  });
  expect(copy?.metadata.annotations).toBeUndefined();
  expect(copy && planConfigCopy(original, copy, options)).toBeUndefined();
});

test("planConfigCopy: a copy that two Canaries share has both as owners (pinned 36)", () => {
  const first = planConfigCopy(settings, undefined, options);
  const second = planConfigCopy(settings, first, { ...options, owner: { ...owner, name: "other", uid: "2" } });
  expect(second?.metadata.ownerReferences?.map(({ uid, controller }) => [uid, controller])).toEqual([
    ["1", false],
    ["2", false],
  ]);
});
