import { afterAll, beforeAll, expect, test } from "vitest";
import type { Container, KubeObject, PodTemplateSpec } from "#api";
import { type Log, messageOf, silentLog } from "#base";
import { createKubeClient, type KubeClient, loadKubeconfig } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { requestToken } from "../../runtime/index.ts";
import { TriggerConfig, triggerKinds } from "../triggers/index.ts";
import { type AuthWorld, resolveTriggerSources, type TriggerSources } from "./index.ts";

let server: TestApiServer;
let client: KubeClient;

beforeAll(async () => {
  server = await startTestApiServer();
  client = createKubeClient(await loadKubeconfig(server.kubeconfigPath));
});

afterAll(async () => {
  await client.close();
  await server.close();
});

const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** Secrets and ConfigMaps by `namespace/name`. */
const objects: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "shop/secret": { pw: base64("from-secret"), same: base64("secret") },
  "keda/secret": { pw: base64("of-the-cluster") },
  "shop/map": { host: "from-map", same: "map", level: "3" },
};

function worldOf(authentications: readonly KubeObject[] = [], log: Log = silentLog): AuthWorld {
  const find = (namespace: string, name: string) => {
    const data = objects[`${namespace}/${name}`];
    return data === undefined ? undefined : { apiVersion: "v1", kind: "", metadata: { name }, data };
  };
  const named = (kind: string, name: string): KubeObject | undefined =>
    authentications.find((object) => object.kind === kind && object.metadata.name === name);
  return {
    log,
    configMap: find,
    secret: find,
    triggerAuthentication: (namespace, name) =>
      namespace === "shop" ? named("TriggerAuthentication", name) : undefined,
    clusterTriggerAuthentication: (name) => named("ClusterTriggerAuthentication", name),
    serviceAccountToken: (account) => requestToken(client, account),
    clusterObjectNamespace: "keda",
  };
}

function authentication(spec: unknown, kind = "TriggerAuthentication"): KubeObject {
  return { apiVersion: "keda.sh/v1alpha1", kind, metadata: { name: "auth", namespace: "shop" }, spec };
}

function templateOf(...containers: readonly Partial<Container>[]): PodTemplateSpec {
  return {
    metadata: { labels: { app: "web" } },
    spec: { containers: containers.map((container, index) => ({ name: `c${index}`, ...container })) },
  };
}

interface Question {
  readonly spec?: unknown;
  readonly kind?: string;
  readonly podTemplate?: PodTemplateSpec;
  readonly envSourceContainerName?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly log?: Log;
}

function resolve(question: Question): Promise<TriggerSources> {
  const { spec, kind = "TriggerAuthentication", podTemplate = templateOf({}), envSourceContainerName } = question;
  return resolveTriggerSources(
    {
      scaledObject: { namespace: "shop", name: "web", envSourceContainerName },
      trigger: { metadata: question.metadata, authenticationRef: { name: "auth", kind } },
      podTemplate,
    },
    worldOf(spec === undefined ? [] : [authentication(spec, kind)], question.log),
  );
}

async function refusal(question: Question): Promise<unknown> {
  return resolve(question).then(
    () => "resolved",
    (thrown: unknown) => thrown,
  );
}

/** Keeps what was warned of. */
function listeningLog(): { readonly log: Log; readonly warnings: string[] } {
  const warnings: string[] = [];
  return {
    log: { ...silentLog, warn: (message, fields) => warnings.push(`${message} ${JSON.stringify(fields)}`) },
    warnings,
  };
}

test("resolveTriggerSources: later sources win over earlier ones for a parameter", async () => {
  const spec = {
    secretTargetRef: [
      { parameter: "password", name: "secret", key: "pw" },
      { parameter: "both", name: "secret", key: "same" },
    ],
    configMapTargetRef: [
      { parameter: "host", name: "map", key: "host" },
      { parameter: "both", name: "map", key: "same" },
      { parameter: "first", name: "map", key: "same" },
    ],
    env: [
      { parameter: "first", name: "A" },
      { parameter: "own", name: "A" },
      { parameter: "side", name: "A", containerName: "c1" },
      { parameter: "nowhere", name: "A", containerName: "c9" },
      { parameter: "unset", name: "constructor" },
    ],
    podIdentity: { provider: "aws" },
  };
  const podTemplate = templateOf({ env: [{ name: "A", value: "a0" }] }, { env: [{ name: "A", value: "a1" }] });
  const { log, warnings } = listeningLog();
  expect(await resolve({ spec, podTemplate, log, metadata: { x: "y" } })).toEqual({
    metadata: { x: "y" },
    env: { A: "a0" },
    auth: {
      password: "from-secret",
      both: "secret",
      host: "from-map",
      first: "map",
      own: "a0",
      side: "a1",
      nowhere: "",
      unset: "",
    },
    podIdentity: "aws",
  });
  expect(warnings).toHaveLength(1);
  expect(warnings[0]).toContain('it has no container named \\"c9\\"');
});

test("resolveTriggerSources: what is missing is empty and in the log, without values", async () => {
  const spec = {
    secretTargetRef: [
      { parameter: "a", name: "gone", key: "pw" },
      { parameter: "b", name: "secret", key: "gone" },
    ],
    configMapTargetRef: [{ parameter: "c", name: "map", key: "toString" }],
    podIdentity: { provider: "none" },
  };
  const { log, warnings } = listeningLog();
  expect(await resolve({ spec, log })).toMatchObject({ auth: { a: "", b: "", c: "" }, podIdentity: undefined });
  const text = "A parameter of a trigger's authentication does not exist and is empty";
  expect(warnings).toEqual([
    `${text} {"parameter":"c","from":"ConfigMap shop/map","key":"toString"}`,
    `${text} {"parameter":"a","from":"Secret shop/gone","key":"pw"}`,
    `${text} {"parameter":"b","from":"Secret shop/secret","key":"gone"}`,
  ]);
});

test("resolveTriggerSources: without the object its parameters are empty, and the trigger says what it lacks", async () => {
  const { log, warnings } = listeningLog();
  const sources = await resolve({
    log,
    metadata: { serverAddress: "http://p", query: "up", threshold: "1", authModes: "bearer" },
  });
  expect(sources).toMatchObject({ auth: {}, podIdentity: undefined });
  expect(warnings).toEqual([
    'The authentication of a trigger does not exist; its parameters are empty {"kind":"TriggerAuthentication","authentication":"auth","scaledObject":"shop/web"}',
  ]);
  const kind = triggerKinds.find(({ types }) => types.includes("prometheus"));
  const config = new TriggerConfig("prometheus", sources);
  const build = async () =>
    kind?.build(
      {
        type: "prometheus",
        index: 0,
        scaledObject: { namespace: "shop", name: "web" },
        metricType: undefined,
        config,
        isFormulaInput: false,
        podIdentity: sources.podIdentity,
      },
      // The configuration is refused before the world is looked at.
      {} as never,
    );
  await expect(build()).rejects.toThrow(
    'error parsing prometheus metadata: missing required parameter "bearerToken" in [authParams]',
  );
});

test("resolveTriggerSources: a cluster's authentication reads Secrets of the cluster's namespace", async () => {
  const spec = { secretTargetRef: [{ parameter: "password", name: "secret", key: "pw" }] };
  const cluster = await resolve({ spec, kind: "ClusterTriggerAuthentication" });
  expect(cluster.auth).toEqual({ password: "of-the-cluster" });
  expect((await resolve({ spec })).auth).toEqual({ password: "from-secret" });
});

test("resolveTriggerSources: a bound token opens the API for its service account", async () => {
  const path = "/api/v1/namespaces/shop/serviceaccounts";
  await server.call({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: "shop" } } });
  await server.call({ method: "POST", path, body: { metadata: { name: "reader" } } });
  const spec = { boundServiceAccountToken: [{ parameter: "token", serviceAccountName: "reader" }] };
  const { auth } = await resolve({ spec });
  const review = await server.call({
    method: "POST",
    path: "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    body: {},
    headers: { authorization: `Bearer ${auth["token"] ?? ""}` },
  });
  expect(review.json).toMatchObject({ status: { userInfo: { username: "system:serviceaccount:shop:reader" } } });
  const claims = JSON.parse(Buffer.from(auth["token"]?.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    number
  >;
  expect((claims["exp"] ?? 0) - (claims["iat"] ?? 0)).toBe(3600);
  const gone = { boundServiceAccountToken: [{ parameter: "token", serviceAccountName: "gone" }] };
  expect(messageOf(await refusal({ spec: gone }))).toBe(
    'Cannot resolve TriggerAuthentication "auth": no token of service account "shop/gone": Cannot get a token for service account "shop/gone": serviceaccounts "gone" not found',
  );
});

test.each([
  ["hashiCorpVault", {}],
  ["azureKeyVault", {}],
  ["gcpSecretManager", {}],
  ["awsSecretManager", {}],
  ["oauth2", {}],
  ["filePath", "/etc/passwd"],
])("resolveTriggerSources: %s is refused, not passed over", async (source, value) => {
  const thrown = await refusal({ spec: { [source]: value, env: [{ parameter: "a", name: "A" }] } });
  expect(thrown).toMatchObject({ code: "TriggerSourcesUnresolved" });
  expect(messageOf(thrown)).toBe(
    `Cannot resolve TriggerAuthentication "auth": ${source} is not executed in the embedded cluster; write the values into a Secret`,
  );
});

test("resolveTriggerSources: the environment of the container that is named, else of the first", async () => {
  const podTemplate = templateOf(
    {
      envFrom: [{ configMapRef: { name: "map" } }, { prefix: "S_", secretRef: { name: "secret" } }],
      env: [
        { name: "PORT", value: "6379" },
        { name: "ADDRESS", value: "$(host):$(PORT)" },
        { name: "PW", valueFrom: { secretKeyRef: { name: "secret", key: "pw" } } },
        { name: "LEVEL", valueFrom: { configMapKeyRef: { name: "map", key: "level" } } },
        { name: "MAYBE", valueFrom: { secretKeyRef: { name: "gone", key: "k", optional: true } } },
        { name: "NS", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
        { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "CPU", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
      ],
    },
    { env: [{ name: "PORT", value: "1" }] },
  );
  expect((await resolve({ podTemplate })).env).toEqual({
    host: "from-map",
    same: "map",
    level: "3",
    S_pw: "from-secret",
    S_same: "secret",
    PORT: "6379",
    ADDRESS: "from-map:6379",
    PW: "from-secret",
    LEVEL: "3",
    NS: "shop",
    APP: "web",
  });
  expect((await resolve({ podTemplate, envSourceContainerName: "c1" })).env).toEqual({ PORT: "1" });
});

test.each<[string, Question, string]>([
  ["a container that is not there", { envSourceContainerName: "sidecar" }, 'it has no container named "sidecar"'],
  ["no container at all", { podTemplate: templateOf() }, "it has no containers"],
  [
    "a Secret that does not exist",
    { podTemplate: templateOf({ env: [{ name: "X", valueFrom: { secretKeyRef: { name: "gone", key: "k" } } }] }) },
    'container "c0": secret "gone" not found',
  ],
])("resolveTriggerSources: %s fails the whole trigger", async (_, question, why) => {
  const thrown = await refusal(question);
  expect(thrown).toMatchObject({ code: "TriggerSourcesUnresolved", retryable: true });
  expect(messageOf(thrown)).toBe(`Cannot resolve the environment of the scale target: ${why}`);
});

test("resolveTriggerSources: a target without pods of its own has no environment", async () => {
  const scaledObject = { namespace: "shop", name: "web", envSourceContainerName: "c0" };
  expect(await resolveTriggerSources({ scaledObject, trigger: {}, podTemplate: undefined }, worldOf())).toEqual({
    metadata: {},
    env: {},
    auth: {},
    podIdentity: undefined,
  });
});

test("resolveTriggerSources: an authentication of odd shape gives nothing", async () => {
  for (const spec of [null, [], { env: "x", secretTargetRef: [null, 1, {}], podIdentity: "aws", filePath: 3 }])
    expect(await resolve({ spec })).toMatchObject({ auth: {}, podIdentity: undefined });
});
