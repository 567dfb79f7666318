import { expect, test } from "vitest";
import type { ConfigMap, Container, Pod, Secret } from "#api";
import { containerEnvironment } from "./container-environment.ts";

async function environment(container: Partial<Container>): Promise<Record<string, string> | string> {
  const whole: Container = { name: "app", ...container };
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: "shop", uid: "u1", labels: { app: "web" } },
    spec: { containers: [whole], nodeName: "serin" },
  };
  const configMap: ConfigMap = { apiVersion: "v1", kind: "ConfigMap", metadata: {}, data: { k: "v", other: "o" } };
  const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: {}, data: { pw: "czNjcmV0" } };
  const outcome = await containerEnvironment({
    pod,
    container: whole,
    podIp: "127.10.1.1",
    hostIp: "127.10.0.1",
    base: { BASE: "b" },
    nodeCapacity: { cpuCores: 2, memoryBytes: 1024 },
    configMap: (name) => Promise.resolve(name === "c" ? configMap : undefined),
    secret: (name) => Promise.resolve(name === "s" ? secret : undefined),
  });
  return outcome.ok ? Object.fromEntries(outcome.value) : outcome.error;
}

test("containerEnvironment: envFrom, then env, later ones winning and seeing earlier ones", async () => {
  expect(
    await environment({
      envFrom: [{ prefix: "C_", configMapRef: { name: "c" } }, { secretRef: { name: "s" } }],
      env: [
        { name: "C_k", value: "own" },
        { name: "ALL", value: "$(BASE)/$(C_k)/$(LATER)" },
        { name: "LATER", value: "x" },
        { name: "EMPTY" },
      ],
    }),
  ).toEqual({
    BASE: "b",
    C_k: "own",
    C_other: "o",
    pw: "s3cret",
    ALL: "b/own/$(LATER)",
    LATER: "x",
    EMPTY: "",
  });
});

test("containerEnvironment: fields of the pod", async () => {
  const paths = {
    NAME: "metadata.name",
    LABEL: "metadata.labels['app']",
    NO_LABEL: "metadata.labels['none']",
    IP: "status.podIP",
    HOST: "status.hostIP",
    ACCOUNT: "spec.serviceAccountName",
  };
  const env = Object.entries(paths).map(([name, fieldPath]) => ({ name, valueFrom: { fieldRef: { fieldPath } } }));
  expect(await environment({ env })).toEqual({
    BASE: "b",
    NAME: "web",
    LABEL: "web",
    NO_LABEL: "",
    IP: "127.10.1.1",
    HOST: "127.10.0.1",
    ACCOUNT: "default",
  });
});

test("containerEnvironment: resources, with divisor and the node's capacity for a limit that is not set", async () => {
  const of = (resource: string, divisor?: string) => ({
    resourceFieldRef: { resource, ...(divisor === undefined ? {} : { divisor }) },
  });
  expect(
    await environment({
      resources: { limits: { cpu: "1500m", memory: "64Mi" } },
      env: [
        { name: "CPU", valueFrom: of("limits.cpu") },
        { name: "MILLI", valueFrom: of("limits.cpu", "1m") },
        { name: "MIB", valueFrom: of("limits.memory", "1Mi") },
        { name: "REQUEST", valueFrom: of("requests.cpu") },
      ],
    }),
  ).toMatchObject({ CPU: "2", MILLI: "1500", MIB: "64", REQUEST: "0" });
  expect(await environment({ env: [{ name: "MEM", valueFrom: of("limits.memory") }] })).toMatchObject({ MEM: "1024" });
});

test("containerEnvironment: what is missing is named as a kubelet names it, unless it is optional", async () => {
  const fromMap = (name: string, key: string, optional?: boolean) => ({
    name: "X",
    valueFrom: { configMapKeyRef: { name, key, ...(optional === undefined ? {} : { optional }) } },
  });
  expect(await environment({ env: [fromMap("none", "k")] })).toBe('configmap "none" not found');
  expect(await environment({ env: [fromMap("c", "none")] })).toBe("couldn't find key none in ConfigMap shop/c");
  expect(await environment({ env: [fromMap("c", "__proto__")] })).toBe(
    "couldn't find key __proto__ in ConfigMap shop/c",
  );
  expect(await environment({ env: [fromMap("none", "k", true)] })).toEqual({ BASE: "b" });
  expect(await environment({ envFrom: [{ secretRef: { name: "none" } }] })).toBe('secret "none" not found');
  expect(await environment({ envFrom: [{ secretRef: { name: "none", optional: true } }] })).toEqual({ BASE: "b" });
  expect(await environment({ env: [{ name: "X", valueFrom: { secretKeyRef: { name: "s", key: "none" } } }] })).toBe(
    "couldn't find key none in Secret shop/s",
  );
});
