import { expect, test } from "vitest";
import type { KindDefinition } from "../kind.ts";
import type { KubeObject } from "../meta.ts";
import { applyDefaults } from "../schema/apply-defaults.ts";
import { decodeProblems } from "../schema/decode-problems.ts";
import { pruneUnknown } from "../schema/prune-unknown.ts";
import type { Schema } from "../schema/schema.ts";
import { builtinKinds } from "./builtin-kinds.ts";

function kindOf(name: string, group?: string): KindDefinition {
  return builtinKinds.find(({ resource }) => resource.kind === name && (group ?? resource.group) === resource.group)!;
}

function withDefaults(kind: KindDefinition, object: unknown, old?: KubeObject): KubeObject {
  const { value, unknown } = pruneUnknown(kind.schema, object);
  expect(unknown).toEqual([]);
  expect(decodeProblems(kind.schema, value)).toEqual([]);
  return kind.complete!(applyDefaults(kind.schema, value) as KubeObject, old);
}

function problemsOf(kind: KindDefinition, object: unknown, old?: KubeObject): string[] {
  return kind.validate!(withDefaults(kind, object, old), old).map(({ path, message }) => `${path}: ${message}`);
}

const template = { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "c", image: "i:1" }] } };
const deployment = (spec: object) => ({ apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "d1" }, spec });

test("builtinKinds: each kind has its own resource, and lists merge by keys that their items have", () => {
  const names = builtinKinds.map(({ resource }) => `${resource.group}/${resource.version}/${resource.plural}`);
  expect(new Set(names).size).toBe(names.length);
  const walk = (schema: Schema, path: string): void => {
    for (const key of schema["x-kubernetes-list-map-keys"] ?? []) {
      expect(schema.items?.properties ?? {}, `${path} by ${key}`).toHaveProperty([key]);
    }
    for (const [key, field] of Object.entries(schema.properties ?? {})) walk(field, `${path}.${key}`);
    if (schema.items !== undefined) walk(schema.items, `${path}[]`);
  };
  for (const kind of builtinKinds) walk(kind.schema, kind.resource.kind);
});

test("Pod: defaults as a 1.32 server gives them", () => {
  const pod = withDefaults(kindOf("Pod"), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: {
      containers: [
        {
          name: "c",
          image: "nginx:1",
          livenessProbe: { httpGet: { path: "/", port: 80 } },
          readinessProbe: { exec: { command: ["x"] } },
          ports: [{ containerPort: 80 }],
          resources: { limits: { cpu: "1000m", memory: "1024Mi" } },
          env: [{ name: "N", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        },
      ],
      volumes: [
        { name: "v", configMap: { name: "x" } },
        { name: "e" },
        { name: "s", secret: { secretName: "x" } },
        { name: "d", downwardAPI: { items: [{ path: "l", fieldRef: { fieldPath: "metadata.labels" } }] } },
      ],
    },
  });
  const probe = { failureThreshold: 3, periodSeconds: 10, successThreshold: 1, timeoutSeconds: 1 };
  const amounts = { cpu: "1", memory: "1Gi" };
  const tolerate = { effect: "NoExecute", operator: "Exists", tolerationSeconds: 300 };
  expect(pod.spec).toEqual({
    containers: [
      {
        env: [{ name: "N", valueFrom: { fieldRef: { apiVersion: "v1", fieldPath: "metadata.name" } } }],
        image: "nginx:1",
        imagePullPolicy: "IfNotPresent",
        livenessProbe: { ...probe, httpGet: { path: "/", port: 80, scheme: "HTTP" } },
        name: "c",
        ports: [{ containerPort: 80, protocol: "TCP" }],
        readinessProbe: { ...probe, exec: { command: ["x"] } },
        resources: { limits: amounts, requests: amounts },
        terminationMessagePath: "/dev/termination-log",
        terminationMessagePolicy: "File",
      },
    ],
    dnsPolicy: "ClusterFirst",
    enableServiceLinks: true,
    preemptionPolicy: "PreemptLowerPriority",
    priority: 0,
    restartPolicy: "Always",
    schedulerName: "default-scheduler",
    securityContext: {},
    terminationGracePeriodSeconds: 30,
    tolerations: [
      { ...tolerate, key: "node.kubernetes.io/not-ready" },
      { ...tolerate, key: "node.kubernetes.io/unreachable" },
    ],
    volumes: [
      { configMap: { defaultMode: 420, name: "x" }, name: "v" },
      { emptyDir: {}, name: "e" },
      { name: "s", secret: { defaultMode: 420, secretName: "x" } },
      {
        downwardAPI: {
          defaultMode: 420,
          items: [{ fieldRef: { apiVersion: "v1", fieldPath: "metadata.labels" }, path: "l" }],
        },
        name: "d",
      },
    ],
  });
  expect(pod.status).toEqual({ phase: "Pending", qosClass: "Guaranteed" });
});

const digest = "0".repeat(64);
test.each([
  ["nginx", "Always"],
  ["nginx:latest", "Always"],
  ["nginx:1.2", "IfNotPresent"],
  ["r.io:5000/a/b", "Always"],
  [`r.io/a/b@sha256:${digest}`, "IfNotPresent"],
])("Pod: image %s is pulled %s", (image, policy) => {
  const containers = [{ name: "c", image, resources: { requests: { cpu: "0.1" } } }];
  const pod = withDefaults(kindOf("Pod"), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers },
  });
  expect(pod).toMatchObject({ spec: { containers: [{ imagePullPolicy: policy }] }, status: { qosClass: "Burstable" } });
});

test("Deployment: gets a rolling update of a quarter, ten old ReplicaSets and ten minutes", () => {
  const object = withDefaults(kindOf("Deployment"), deployment({ selector: { matchLabels: { a: "b" } }, template }));
  expect(object.spec).toMatchObject({
    replicas: 1,
    revisionHistoryLimit: 10,
    progressDeadlineSeconds: 600,
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: "25%", maxUnavailable: "25%" } },
    template: { spec: { restartPolicy: "Always", containers: [{ imagePullPolicy: "IfNotPresent", resources: {} }] } },
  });
  expect(object.spec).not.toHaveProperty("template.spec.enableServiceLinks");
});

const selector = { matchLabels: { a: "b" } };
const mismatch =
  'spec.template.metadata.labels: Invalid value: map[string]string{"a":"b"}: `selector` does not match template `labels`';
test.each([
  [{ selector: { matchLabels: { a: "c" } }, template }, [mismatch]],
  [{ template }, ["spec.selector: Required value", mismatch]],
  [
    {
      replicas: -1,
      strategy: { type: "Recreate", rollingUpdate: {} },
      selector,
      template: { metadata: { labels: { a: "b" } }, spec: { restartPolicy: "Never", containers: [] } },
    },
    [
      "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
      "spec.template.spec.containers: Required value",
      'spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"',
      "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
    ],
  ],
  [
    { strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } }, selector, template },
    [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: intstr.IntOrString{Type:0, IntVal:0, StrVal:""}: may not be 0 when `maxSurge` is 0',
    ],
  ],
  [
    { strategy: { rollingUpdate: { maxSurge: "150x" } }, selector, template },
    [
      "spec.strategy.rollingUpdate.maxSurge: Invalid value: intstr.IntOrString{Type:1, IntVal:0, StrVal:\"150x\"}: a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
  ],
])("Deployment: what is invalid is told in the server's words (%#)", (spec, expected) => {
  expect(problemsOf(kindOf("Deployment"), deployment(spec))).toEqual(expected);
});

test("Deployment: the selector cannot change", () => {
  const kind = kindOf("Deployment");
  const old = withDefaults(kind, deployment({ selector: { matchLabels: { app: "other" } }, template }));
  expect(problemsOf(kind, deployment({ selector, template }), old)).toEqual([
    'spec.selector: Invalid value: v1.LabelSelector{MatchLabels:map[string]string{"a":"b"}, MatchExpressions:[]v1.LabelSelectorRequirement(nil)}: field is immutable',
  ]);
});

test("Pod: images may change, other fields may not", () => {
  const kind = kindOf("Pod");
  const pod = (container: object) => ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p" },
    spec: { containers: [{ name: "c", image: "i:1", ...container }] },
  });
  const old = withDefaults(kind, pod({}));
  expect(kind.validate!({ ...old, spec: { ...(old.spec as object), activeDeadlineSeconds: 5 } }, old)).toEqual([]);
  const containers = (old.spec as { containers: object[] }).containers;
  const changed = (change: object) => ({
    ...old,
    spec: { ...(old.spec as object), containers: [{ ...containers[0], ...change }] },
  });
  expect(kind.validate!(changed({ image: "i:2" }), old)).toEqual([]);
  expect(kind.validate!(changed({ args: ["x"] }), old)).toMatchObject([{ path: "spec", code: "FieldValueForbidden" }]);
});

test.each([
  [
    "PodDisruptionBudget",
    { spec: { minAvailable: 1, selector } },
    {
      status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
      spec: { minAvailable: 1, selector },
    },
  ],
  [
    "NetworkPolicy",
    { spec: { podSelector: {}, ingress: [{ ports: [{ port: 80 }] }] } },
    { spec: { ingress: [{ ports: [{ port: 80, protocol: "TCP" }] }], podSelector: {}, policyTypes: ["Ingress"] } },
  ],
  ["Secret", { stringData: { a: "b", u: "é€😀" } }, { data: { a: "Yg==", u: "w6nigqzwn5iA" }, type: "Opaque" }],
  [
    "EndpointSlice",
    { addressType: "IPv4", endpoints: [{ addresses: ["1.2.3.4"] }], ports: [{ port: 80 }] },
    { endpoints: [{ addresses: ["1.2.3.4"], conditions: {} }], ports: [{ name: "", port: 80, protocol: "TCP" }] },
  ],
  [
    "RoleBinding",
    { roleRef: { kind: "Role", name: "x" }, subjects: [{ kind: "User", name: "u" }] },
    {
      roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "Role", name: "x" },
      subjects: [{ apiGroup: "rbac.authorization.k8s.io", kind: "User", name: "u" }],
    },
  ],
  [
    "Service",
    { spec: { selector: { a: "b" }, ports: [{ port: 80 }] } },
    {
      spec: {
        type: "ClusterIP",
        sessionAffinity: "None",
        internalTrafficPolicy: "Cluster",
        ports: [{ port: 80, protocol: "TCP", targetPort: 80 }],
      },
      status: { loadBalancer: {} },
    },
  ],
  [
    "HorizontalPodAutoscaler",
    {
      spec: {
        scaleTargetRef: { kind: "Deployment", name: "d" },
        maxReplicas: 3,
        behavior: { scaleDown: { stabilizationWindowSeconds: 5 } },
      },
    },
    {
      spec: {
        minReplicas: 1,
        metrics: [
          { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
        ],
        behavior: {
          scaleDown: { stabilizationWindowSeconds: 5, selectPolicy: "Max" },
          scaleUp: {
            stabilizationWindowSeconds: 0,
            policies: [{ type: "Pods", value: 4, periodSeconds: 15 }, { type: "Percent" }],
          },
        },
      },
    },
  ],
  [
    "CustomResourceDefinition",
    { spec: { group: "g.io", names: { plural: "things", kind: "Thing" }, preserveUnknownFields: false } },
    {
      spec: {
        names: { plural: "things", kind: "Thing", singular: "thing", listKind: "ThingList" },
        conversion: { strategy: "None" },
      },
    },
  ],
])("%s: gets its defaults", (name, fields, expected) => {
  const kind = kindOf(name);
  const object = withDefaults(kind, { apiVersion: "v1", kind: name, metadata: { name: "x" }, ...fields });
  expect(object).toMatchObject(expected);
  expect(object).not.toHaveProperty("stringData");
});

const cpu = (target: object) => ({ type: "Resource", resource: { name: "cpu", target } });

test.each<[string, object, string[]]>([
  ["a percentage", cpu({ type: "Utilization", averageUtilization: 80 }), []],
  [
    "a type without its percentage",
    cpu({ type: "Utilization" }),
    ["resource.target.averageUtilization: Required value: must set either a target raw value or a target utilization"],
  ],
  [
    "two targets",
    cpu({ type: "Utilization", averageUtilization: 80, averageValue: "1" }),
    ["resource.target.averageValue: Forbidden: may not set both a target raw value and a target utilization"],
  ],
  [
    "another source than its type names",
    { ...cpu({ type: "Utilization", averageUtilization: 80 }), type: "Pods" },
    ["pods: Required value: must populate information for the given metric source"],
  ],
  [
    "two sources",
    {
      ...cpu({ type: "Utilization", averageUtilization: 80 }),
      external: { metric: { name: "m" }, target: { type: "Value", value: "1" } },
    },
    ["external: Forbidden: must populate the given metric source only"],
  ],
  [
    "a sum per nothing",
    { type: "External", external: { metric: { name: "m" }, target: { type: "Value" } } },
    ["external.target.averageValue: Required value: must set either a target value for metric or a per-pod target"],
  ],
])("HorizontalPodAutoscaler: a metric with %s", (_, metric, expected) => {
  const spec = { scaleTargetRef: { kind: "Deployment", name: "d" }, maxReplicas: 3, metrics: [metric] };
  const autoscaler = { apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: { name: "h" }, spec };
  const problems = problemsOf(kindOf("HorizontalPodAutoscaler"), autoscaler);
  expect(problems).toEqual(expected.map((text) => `spec.metrics[0].${text}`));
});

test("Namespace: is born active, labelled and with its finalizer", () => {
  const namespace = withDefaults(kindOf("Namespace"), { apiVersion: "v1", kind: "Namespace", metadata: { name: "n" } });
  expect(namespace).toMatchObject({
    metadata: { labels: { "kubernetes.io/metadata.name": "n" } },
    spec: { finalizers: ["kubernetes"] },
    status: { phase: "Active" },
  });
});

test.each([
  ["ConfigMap", { data: { a: 1 } }, "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"],
  [
    "Deployment",
    { spec: { replicas: "x" } },
    "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32",
  ],
  [
    "Deployment",
    { spec: { template: { spec: { containers: [{ name: 5 }] } } } },
    "json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.name of type string",
  ],
  [
    "Deployment",
    { spec: { template: { spec: { containers: {} } } } },
    "json: cannot unmarshal object into Go struct field PodSpec.spec.template.spec.containers of type []v1.Container",
  ],
  [
    "Pod",
    { spec: { containers: [{ resources: { limits: { cpu: "1x" } } }] } },
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  ],
])("decodeProblems: %s %j", (name, fields, message) => {
  expect(decodeProblems(kindOf(name).schema, fields)).toMatchObject([{ message }]);
});

test("pruneUnknown: names unknown fields as strict decoding does, and drops prototypes", () => {
  const input: unknown = JSON.parse(
    '{"metadata":{"name":"b","lables":{}},"spec":{"template":{"spec":{"containers":[{"name":"c","foo":1}]}}},"x":1,"__proto__":{"y":1}}',
  );
  const { value, unknown } = pruneUnknown(kindOf("Deployment").schema, input);
  expect(unknown).toEqual(["metadata.lables", "spec.template.spec.containers[0].foo", "x"]);
  expect(value).toEqual({ metadata: { name: "b" }, spec: { template: { spec: { containers: [{ name: "c" }] } } } });
  expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
});

test("complete: requests come from limits in a pod, never in a template", () => {
  const resources = { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } };
  const spec = { containers: [{ name: "c", image: "i:1", resources }] };
  const pod = withDefaults(kindOf("Pod"), { apiVersion: "v1", kind: "Pod", metadata: { name: "p" }, spec });
  const requests = { cpu: "500m", memory: "1Gi" };
  expect(pod.spec).toMatchObject({ containers: [{ resources: { requests } }] });
  const deployment = withDefaults(kindOf("Deployment"), {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "d" },
    spec: { selector: { matchLabels: { a: "b" } }, template: { metadata: { labels: { a: "b" } }, spec } },
  });
  expect(deployment.spec).toMatchObject({ template: { spec: { containers: [{ resources }] } } });
});

test("normalizing: nulls go away, quantities become canonical", () => {
  const pod = withDefaults(kindOf("Pod"), {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "p", creationTimestamp: null },
    spec: {
      affinity: null,
      containers: [{ name: "c", image: "i:1", resources: { limits: { cpu: 0.5, memory: "0.5Gi" } } }],
    },
  });
  expect(pod.metadata).toEqual({ name: "p" });
  expect(pod.spec).not.toHaveProperty("affinity");
  expect(pod.spec).toMatchObject({ containers: [{ resources: { limits: { cpu: "500m", memory: "512Mi" } } }] });
});
