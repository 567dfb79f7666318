import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { type Deployment, type KubeObject, resources, type Secret } from "#api";
import { seededRandom, silentLog } from "#base";
import { createLeaseElector, systemClock } from "#kube";
import { startTestApiServer, type TestApiServer } from "#testing";
import { parseFlags } from "./flags.ts";
import { type Rehearsal, startRehearsal } from "./rehearsal.ts";
import { autoscaler, canaryWith, deployment, settings } from "./rehearsal-objects.ts";
import { createRoleGuard, type RoleRule } from "./role-guard.ts";

/** The plain manifests of deploy/: accepted by an API server, and enough rights for a whole release, none forgotten. */

const folder = join(import.meta.dirname, "../../deploy/manifests");

function readFolder(name: string): KubeObject[] {
  return readdirSync(join(folder, name))
    .filter((file) => file.endsWith(".yaml"))
    .sort()
    .flatMap((file) => parseAllDocuments(readFileSync(join(folder, name, file), "utf8")))
    .map((document) => document.toJS() as KubeObject);
}

function rulesOf(objects: readonly KubeObject[], kind: string): RoleRule[] {
  return objects.filter((object) => object.kind === kind).flatMap((role) => role.rules as RoleRule[]);
}

let server: TestApiServer;
let rehearsal: Rehearsal;

beforeAll(async () => {
  server = await startTestApiServer();
  rehearsal = await startRehearsal(server);
});

afterAll(async () => {
  await rehearsal.close();
  await server.close();
});

test.each(["base", "istio", "gatewayapi", "nginx"])(
  "manifests of %s: every object is accepted, strictly",
  async (name) => {
    for (const object of readFolder(name)) {
      const path = await collectionOf(object);
      if (path === undefined) {
        expectRbacShape(object);
        continue;
      }
      const reply = await server.call({ method: "POST", path: `${path}?fieldValidation=Strict`, body: object });
      expect(reply.json.message ?? reply.code, `${object.kind} ${object.metadata.name}`).toBe(201);
    }
  },
);

test("docs/install.md: the manifests in it are accepted, strictly", async () => {
  const text = readFileSync(join(folder, "../../docs/install.md"), "utf8");
  const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, block = ""]) => block);
  expect(blocks.length).toBeGreaterThan(2);
  await rehearsal.createNamespace("shop", []);
  for (const block of blocks) {
    const object = parseAllDocuments(block)[0]?.toJS() as KubeObject;
    const path = `${await collectionOf(object)}?fieldValidation=Strict`;
    const reply = await server.call({ method: "POST", path, body: object });
    expect(reply.json.message ?? reply.code, `${object.kind} ${object.metadata.name}`).toBe(201);
  }
});

/** The path to create an object at; undefined for kinds of RBAC on a server that does not have them. */
async function collectionOf(object: KubeObject): Promise<string | undefined> {
  const root = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const { json } = await server.call({ path: root });
  const list = Array.isArray(json.resources)
    ? (json.resources as { kind: string; name: string; namespaced: boolean }[])
    : [];
  const found = list.find((entry) => entry.kind === object.kind && !entry.name.includes("/"));
  if (found === undefined && object.apiVersion.startsWith("rbac.")) return undefined;
  expect(found, `${object.apiVersion} ${object.kind} is served`).toBeDefined();
  return `${root}${found?.namespaced === true ? `/namespaces/${object.metadata.namespace}` : ""}/${found?.name}`;
}

/** Fields of RBAC objects, each of which the real server would check. Source: Kubernetes `rbac/v1`. */
function expectRbacShape(object: KubeObject): void {
  const isBinding = object.kind.endsWith("Binding");
  const fields = isBinding ? ["roleRef", "subjects"] : ["rules"];
  expect(Object.keys(object).toSorted()).toEqual(["apiVersion", "kind", "metadata", ...fields].toSorted());
  expect(object.metadata.namespace === undefined).toBe(object.kind.startsWith("Cluster"));
  if (isBinding) {
    const kind = object.kind.replace("Binding", "");
    expect(object.roleRef).toEqual({ apiGroup: "rbac.authorization.k8s.io", kind, name: object.metadata.name });
    expect(object.subjects).toEqual([{ kind: "ServiceAccount", name: "serin", namespace: "serin-system" }]);
    return;
  }
  const known = new Set(["get", "list", "watch", "create", "update", "patch", "delete"]);
  for (const rule of object.rules as RoleRule[]) {
    expect(rule.apiGroups.length * rule.resources.length * rule.verbs.length).toBeGreaterThan(0);
    for (const verb of rule.verbs) expect(known).toContain(verb);
  }
}

test("manifests: the operator's flags are flags that it takes, and its pod is a restricted one", () => {
  const pod = readFolder("base").find((object) => object.kind === "Deployment");
  const container = (pod as Deployment | undefined)?.spec.template.spec.containers[0];
  const flags = parseFlags(container?.args ?? [], {});
  expect(flags).toMatchObject({ ok: true, value: { isLeaderElected: true, leaderElectionNamespace: "serin-system" } });
  expect(container?.securityContext).toMatchObject({
    runAsNonRoot: true,
    readOnlyRootFilesystem: true,
    allowPrivilegeEscalation: false,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  });
});

const secret: Secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name: "web-key" },
  type: "Opaque",
  data: { a: "Yg==" },
};

/** Uses a ConfigMap, a Secret and an autoscaler, so that everything which is copied is. */
const configured = {
  ...deployment,
  spec: {
    ...deployment.spec,
    template: {
      ...deployment.spec.template,
      spec: {
        containers: [
          {
            name: "web",
            image: "podinfo:1",
            envFrom: [{ configMapRef: { name: "web-settings" } }, { secretRef: { name: "web-key" } }],
          },
        ],
      },
    },
  },
};

/** Granted for parts that this release does not have; whatever is not listed here and not used is too much. */
const NOT_IN_THIS_RELEASE = [
  // Scaled, and copied by a release of a DaemonSet.
  /apps\/daemonsets$/,
  /keda\.sh\/scaledobjects$/,
  // Twins that are not wanted any more.
  /^delete autoscaling\/horizontalpodautoscalers$/,
  /flagger\.app\/alertproviders$/,
  // Asked by the API server for the owner references that we write, never by a request of ours.
  /^update flagger\.app\/canaries\/finalizers$/,
  // Reads go through watches; a single object is read again after a conflict. The status goes by PUT, routes by apply.
  /^get /,
  /^(?:update|patch) /,
  /^patch core\/events$/,
];

test("roles of base and istio: a whole release needs nothing else, and nothing that it could not need is granted", async () => {
  const rules = rulesOf([...readFolder("base"), ...readFolder("istio")], "ClusterRole");
  const { client, refused, unused } = createRoleGuard(rehearsal.client, rules);
  const ref = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", name: "web-hpa" };
  await rehearsal.createNamespace("roles", [
    settings,
    secret,
    autoscaler,
    configured,
    canaryWith({ autoscalerRef: ref }),
  ]);
  const stop = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "roles", signal: stop.signal, client });
  try {
    await rehearsal.until("roles", (canary) => canary.status?.phase === "Initialized");
    const key = { namespace: "roles", name: "web" };
    const body = { spec: { template: { spec: { containers: [{ name: "web", image: "podinfo:2" }] } } } };
    await rehearsal.client.patch(resources.deployments, key, { kind: "strategic", body });
    await rehearsal.until("roles", (canary) => canary.status?.phase === "Succeeded");
  } finally {
    stop.abort();
    await operator;
  }
  expect(refused).toEqual([]);
  expect(unused().filter((text) => !NOT_IN_THIS_RELEASE.some((known) => known.test(text)))).toEqual([]);
});

test("roles of base: a role that lacks one verb is noticed", async () => {
  const rules = rulesOf([...readFolder("base"), ...readFolder("istio")], "ClusterRole");
  const poorer = rules.map((rule) =>
    rule.resources.includes("services") ? { ...rule, verbs: rule.verbs.filter((verb) => verb !== "create") } : rule,
  );
  const { client, refused } = createRoleGuard(rehearsal.client, poorer);
  await rehearsal.createNamespace("poorer", [deployment, canaryWith({})]);
  const stop = new AbortController();
  const operator = rehearsal.runOperator({ namespace: "poorer", signal: stop.signal, client });
  await expect.poll(() => refused, { timeout: 4000 }).toContain("create core/services");
  stop.abort();
  await operator;
});

test("role of the lease: enough to take it, renew it and give it back, under its name only", async () => {
  const rules = rulesOf(readFolder("base"), "Role");
  const { client, refused, unused } = createRoleGuard(rehearsal.client, rules);
  await rehearsal.createNamespace("lease", []);
  const options = {
    client,
    namespace: "lease",
    identity: "a",
    clock: systemClock,
    random: seededRandom(1),
    log: silentLog,
  };
  const elector = createLeaseElector({ ...options, name: "flagger-leader-election" });
  await elector.run(new AbortController().signal, async () => undefined);
  expect(refused).toEqual([]);
  expect(unused()).toEqual([]);
  const stop = new AbortController();
  const other = createLeaseElector({ ...options, name: "other" });
  const waiting = other.run(stop.signal, async () => undefined);
  await expect.poll(() => refused, { timeout: 4000 }).toContain("get coordination.k8s.io/leases");
  stop.abort();
  await waiting;
});
