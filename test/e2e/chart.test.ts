import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import type { Deployment, KubeObject } from "#api";

/** The Helm chart as `helm template` renders it. Skipped where there is no helm (v3); the plain manifests are tested without. */

const CHART = "deploy/chart/serin";
const hasHelm = spawnSync("helm", ["version"]).status === 0;

function helm(...args: string[]): { readonly objects: readonly KubeObject[]; readonly error: string } {
  // A helm that was built from its sources takes clusters for v1.20.
  const all = ["template", "serin", CHART, "-n", "serin-system", "--kube-version", "1.31.0", ...args];
  const { stdout, stderr, status } = spawnSync("helm", all, { encoding: "utf8" });
  if (status !== 0) return { objects: [], error: stderr };
  const objects = parseAllDocuments(stdout, { uniqueKeys: true }).map((document) => {
    expect(document.errors).toEqual([]);
    return document.toJS() as KubeObject | null;
  });
  return { objects: objects.filter((object) => object !== null), error: "" };
}

const kindsOf = (objects: readonly KubeObject[]): string[] => objects.map(({ kind }) => kind).toSorted();
const ofKind = (objects: readonly KubeObject[], kind: string): KubeObject[] =>
  objects.filter((object) => object.kind === kind);

function rulesOf(path: string): unknown[] {
  return parseAllDocuments(readFileSync(path, "utf8")).flatMap((document) => document.toJS().rules ?? []);
}

test.skipIf(!hasHelm)("chart: lint finds nothing", () => {
  const { stdout, status } = spawnSync("helm", ["lint", CHART, "--strict", "--kube-version", "1.31.0"], {
    encoding: "utf8",
  });
  expect(stdout).toContain("0 chart(s) failed");
  expect(status).toBe(0);
});

test.skipIf(!hasHelm)("chart: by default, the same operator and the same rights as the plain manifests", () => {
  const { objects, error } = helm(
    "--set",
    "leaderElection.enabled=true,metricsServer=http://prometheus.istio-system:9090",
  );
  expect(error).toBe("");
  expect(kindsOf(objects)).toEqual([
    "ClusterRole",
    "ClusterRoleBinding",
    "Deployment",
    "Role",
    "RoleBinding",
    "ServiceAccount",
  ]);
  const base = "deploy/manifests/base";
  expect(ofKind(objects, "ClusterRole")[0]?.rules).toEqual([
    ...rulesOf(`${base}/cluster-role.yaml`),
    ...rulesOf("deploy/manifests/istio/cluster-role.yaml"),
  ]);
  expect(ofKind(objects, "Role")[0]?.rules).toEqual(rulesOf(`${base}/leader-election.yaml`));
  const plain = parse(readFileSync(`${base}/deployment.yaml`, "utf8")) as Deployment;
  const [rendered] = ofKind(objects, "Deployment") as Deployment[];
  const comparable = (deployment: Deployment | undefined) => {
    const [container] = deployment?.spec.template.spec.containers ?? [];
    const args = (container?.args ?? []).filter((arg) => !arg.startsWith("-threadiness")).toSorted();
    return { ...container, args, annotations: deployment?.spec.template.metadata?.annotations };
  };
  expect(comparable(rendered)).toEqual(comparable(plain));
});

test.skipIf(!hasHelm)(
  "chart: one namespace gets a Role there, and rights only for the providers that are named",
  () => {
    const { objects, error } = helm(
      "--set",
      "namespace=shop,meshProvider=gatewayapi:v1,configTracking.enabled=false,rbac.keda=false",
      "--set",
      "rbac.additionalProviders={nginx}",
    );
    expect(error).toBe("");
    expect(kindsOf(objects)).toEqual(["Deployment", "Role", "RoleBinding", "ServiceAccount"]);
    const [role] = ofKind(objects, "Role");
    expect(role?.metadata.namespace).toBe("shop");
    const rules = role?.rules as { resources: string[]; verbs: string[] }[];
    const kinds = rules.flatMap(({ resources }) => resources);
    expect(kinds).toEqual(expect.arrayContaining(["httproutes", "ingresses"]));
    expect(kinds).not.toContain("virtualservices");
    expect(kinds).not.toContain("scaledobjects");
    expect(rules.filter(({ resources }) => resources.includes("secrets")).map(({ verbs }) => verbs)).toEqual([
      ["get", "list", "watch"],
    ]);
  },
);

test.skipIf(!hasHelm)(
  "chart: everything switched on renders, and no URL with credentials stands in the Deployment",
  () => {
    const { objects, error } = helm(
      "--set",
      "slack.url=https://hooks.example.com/t0k3n,eventWebhook=https://e.example.com/t0k3n,crd.create=true,image.pullSecret=regcred",
      "--set",
      "podMonitor.enabled=true,serviceMonitor.enabled=true,networkPolicy.enabled=true,podDisruptionBudget.enabled=true",
      "--set",
      "leaderElection.enabled=true,leaderElection.replicaCount=2,kubeconfigQPS=50,noCrossNamespaceRefs=true",
    );
    expect(error).toBe("");
    const rendered = kindsOf(objects);
    for (const kind of ["PodMonitor", "ServiceMonitor", "Service", "NetworkPolicy", "PodDisruptionBudget", "Secret"])
      expect(rendered).toContain(kind);
    expect(ofKind(objects, "CustomResourceDefinition")).toHaveLength(3);
    expect(JSON.stringify(ofKind(objects, "Deployment"))).not.toContain("t0k3n");
    expect(ofKind(objects, "Deployment")[0]?.spec).toMatchObject({ replicas: 2 });
  },
);

test.skipIf(!hasHelm).each([
  ["prometheus.install=true", "prometheus.install: this chart installs no Prometheus"],
  ["image.repository=ghcr.io/fluxcd/flagger", "is Flagger's image"],
  ["meshProvider=bogus", 'meshProvider: "bogus" is unknown; write one of'],
  ["leaderElection.replicaCount=2", "need leaderElection.enabled=true"],
  ["controlplane.kubeconfig.secretName=x", "controlplane.kubeconfig.secretName"],
  ["linkerdAuthPolicy.create=true", "linkerdAuthPolicy.create"],
  ["logLevel=loud", "/logLevel"],
  ["metricServer=http://prometheus:9090", "additional properties 'metricServer' not allowed"],
])("chart: refuses %s", (value, message) => {
  expect(helm("--set", value).error).toContain(message);
});
