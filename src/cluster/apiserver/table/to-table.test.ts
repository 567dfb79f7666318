import type { KindDefinition, KubeObject, PrinterColumn } from "#api";
import { expect, test } from "vitest";
import { toTable } from "./to-table.ts";

const NOW = "2026-01-01T01:00:00Z";
const nowMs = Date.parse(NOW);

function kindOf(apiVersion: string, plural: string, columns?: readonly PrinterColumn[]): KindDefinition {
  const [version, group] = apiVersion.split("/").reverse();
  return {
    resource: { group: group ?? "", version: version ?? "", kind: "Kind", plural, namespaced: true },
    singular: "kind",
    listKind: "KindList",
    shortNames: [],
    categories: [],
    schema: {},
    hasStatus: true,
    origin: columns === undefined ? "builtin" : "crd",
    ...(columns === undefined ? {} : { columns }),
  };
}

function object(fields: object, metadata: object = {}): KubeObject {
  const created = { name: "x", creationTimestamp: "2026-01-01T00:59:55Z" };
  return { apiVersion: "v1", kind: "Kind", metadata: { ...created, ...metadata }, ...fields };
}

function cells(kind: KindDefinition, ...objects: KubeObject[]): readonly (readonly unknown[])[] {
  return toTable({ kind, objects, includeObject: "None", nowMs, listMeta: {} }).rows.map((row) => row.cells);
}

/** The columns of a real 1.32 server, as the conformance case table-columns prints them. */
const columnsOfServer: readonly (readonly [string, string, string])[] = [
  ["v1", "namespaces", "Name:string/name | Status:string | Age:string"],
  [
    "v1",
    "nodes",
    "Name:string/name | Status:string | Roles:string | Age:string | Version:string | Internal-IP:string* | External-IP:string* | OS-Image:string* | Kernel-Version:string* | Container-Runtime:string*",
  ],
  [
    "v1",
    "pods",
    "Name:string/name | Ready:string | Status:string | Restarts:string | Age:string | IP:string* | Node:string* | Nominated Node:string* | Readiness Gates:string*",
  ],
  [
    "v1",
    "services",
    "Name:string/name | Type:string | Cluster-IP:string | External-IP:string | Port(s):string | Age:string | Selector:string*",
  ],
  ["v1", "endpoints", "Name:string/name | Endpoints:string | Age:string"],
  ["v1", "configmaps", "Name:string/name | Data:string | Age:string"],
  ["v1", "secrets", "Name:string/name | Type:string | Data:string | Age:string"],
  [
    "v1",
    "events",
    "Last Seen:string | Type:string | Reason:string | Object:string | Subobject:string* | Source:string* | Message:string | First Seen:string* | Count:string* | Name:string/name*",
  ],
  ["v1", "serviceaccounts", "Name:string/name | Secrets:string | Age:string"],
  ["v1", "resourcequotas", "Name:string/name | Age:string | Request:string | Limit:string"],
  ["v1", "limitranges", "Name:string/name | Created At:date"],
  [
    "apps/v1",
    "deployments",
    "Name:string/name | Ready:string | Up-to-date:string | Available:string | Age:string | Containers:string* | Images:string* | Selector:string*",
  ],
  [
    "apps/v1",
    "replicasets",
    "Name:string/name | Desired:integer | Current:integer | Ready:integer | Age:string | Containers:string* | Images:string* | Selector:string*",
  ],
  [
    "apps/v1",
    "daemonsets",
    "Name:string/name | Desired:integer | Current:integer | Ready:integer | Up-to-date:integer | Available:integer | Node Selector:string | Age:string | Containers:string* | Images:string* | Selector:string*",
  ],
  ["apps/v1", "statefulsets", "Name:string/name | Ready:string | Age:string | Containers:string* | Images:string*"],
  ["apps/v1", "controllerrevisions", "Name:string/name | Controller:string | Revision:string | Age:string"],
  [
    "batch/v1",
    "jobs",
    "Name:string/name | Status:string | Completions:string | Duration:string | Age:string | Containers:string* | Images:string* | Selector:string*",
  ],
  [
    "batch/v1",
    "cronjobs",
    "Name:string/name | Schedule:string | Timezone:string | Suspend:boolean | Active:integer | Last Schedule:string | Age:string | Containers:string* | Images:string* | Selector:string*",
  ],
  [
    "autoscaling/v2",
    "horizontalpodautoscalers",
    "Name:string/name | Reference:string | Targets:string | MinPods:string | MaxPods:string | Replicas:string | Age:string",
  ],
  [
    "policy/v1",
    "poddisruptionbudgets",
    "Name:string/name | Min Available:string | Max Unavailable:string | Allowed Disruptions:integer | Age:string",
  ],
  [
    "networking.k8s.io/v1",
    "ingresses",
    "Name:string/name | Class:string | Hosts:string | Address:string | Ports:string | Age:string",
  ],
  ["networking.k8s.io/v1", "networkpolicies", "Name:string/name | Pod-Selector:string | Age:string"],
  ["coordination.k8s.io/v1", "leases", "Name:string/name | Holder:string | Age:string"],
  [
    "discovery.k8s.io/v1",
    "endpointslices",
    "Name:string/name | AddressType:string | Ports:string | Endpoints:string | Age:string",
  ],
  [
    "events.k8s.io/v1",
    "events",
    "Last Seen:string | Type:string | Reason:string | Object:string | Subobject:string* | Source:string* | Message:string | First Seen:string* | Count:string* | Name:string/name*",
  ],
  ["rbac.authorization.k8s.io/v1", "roles", "Name:string/name | Created At:date"],
  [
    "rbac.authorization.k8s.io/v1",
    "rolebindings",
    "Name:string/name | Role:string | Age:string | Users:string* | Groups:string* | ServiceAccounts:string*",
  ],
  ["apiextensions.k8s.io/v1", "customresourcedefinitions", "Name:string/name | Created At:date"],
];

test("toTable gives built-in kinds the columns of a real server, and each row a cell for each", () => {
  for (const [apiVersion, plural, expected] of columnsOfServer) {
    const table = toTable({
      kind: kindOf(apiVersion, plural),
      objects: [object({})],
      includeObject: "None",
      nowMs,
      listMeta: {},
    });
    const columns = table.columnDefinitions.map(({ name, type, format, priority }) => {
      const suffix = `${format === "" ? "" : `/${format}`}${priority > 0 ? "*" : ""}`;
      return `${name}:${type}${suffix}`;
    });
    expect(columns.join(" | ")).toBe(expected);
    expect(table.rows[0]?.cells).toHaveLength(columns.length);
  }
});

test("toTable carries as much of the object as asked, and the list's metadata", () => {
  const kind = kindOf("v1", "configmaps");
  const configMap = object({ data: { a: "1" } });
  const rowOf = (includeObject: "None" | "Metadata" | "Object"): unknown =>
    toTable({ kind, objects: [configMap], includeObject, nowMs, listMeta: {} }).rows[0]?.object;
  expect(rowOf("None")).toBeNull();
  expect(rowOf("Object")).toBe(configMap);
  expect(rowOf("Metadata")).toEqual({
    kind: "PartialObjectMetadata",
    apiVersion: "meta.k8s.io/v1",
    metadata: configMap.metadata,
  });
  const listMeta = { resourceVersion: "7" };
  expect(toTable({ kind, objects: [], includeObject: "None", nowMs, listMeta })).toMatchObject({
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta,
    rows: [],
  });
});

test("workloads show ready of wanted, images and selector", () => {
  const template = {
    spec: {
      containers: [
        { name: "a", image: "i:1" },
        { name: "b", image: "j:2" },
      ],
    },
  };
  const selector = { matchLabels: { app: "x" }, matchExpressions: [{ key: "t", operator: "In", values: ["b", "a"] }] };
  const deployment = object({
    spec: { replicas: 3, template, selector },
    status: { readyReplicas: 2, updatedReplicas: 1, availableReplicas: 2 },
  });
  expect(cells(kindOf("apps/v1", "deployments"), deployment)).toEqual([
    ["x", "2/3", 1, 2, "5s", "a,b", "i:1,j:2", "app=x,t in (a,b)"],
  ]);
  expect(cells(kindOf("apps/v1", "replicasets"), object({ spec: { replicas: 0, template, selector: {} } }))).toEqual([
    ["x", 0, 0, 0, "5s", "a,b", "i:1,j:2", "<none>"],
  ]);
});

test("services show how they are reached, endpoints at most three addresses", () => {
  const services = kindOf("v1", "services");
  const ports = [
    { port: 80, protocol: "TCP" },
    { port: 90, nodePort: 30090, protocol: "UDP" },
  ];
  expect(
    cells(
      services,
      object({ spec: { type: "NodePort", clusterIPs: ["10.0.0.1"], ports, selector: { b: "2", a: "1" } } }),
      object({ spec: { type: "LoadBalancer", clusterIP: "10.0.0.2" } }),
      object({ spec: { type: "ExternalName", externalName: "x.com" } }),
    ).map((row) => row.slice(1)),
  ).toEqual([
    ["NodePort", "10.0.0.1", "<none>", "80/TCP,90:30090/UDP", "5s", "a=1,b=2"],
    ["LoadBalancer", "10.0.0.2", "<pending>", "<none>", "5s", "<none>"],
    ["ExternalName", "<none>", "x.com", "<none>", "5s", "<none>"],
  ]);
  const addresses = ["1", "2", "3", "4", "5"].map((ip) => ({ ip }));
  const endpoints = object({ subsets: [{ addresses, ports: [{ port: 80 }] }] });
  expect(cells(kindOf("v1", "endpoints"), endpoints, object({}))).toEqual([
    ["x", "1:80,2:80,3:80 + 2 more...", "5s"],
    ["x", "<none>", "5s"],
  ]);
  const slice = object({ addressType: "IPv4", ports: [{ port: 8080 }], endpoints: [{ addresses: ["192.0.2.9"] }] });
  expect(cells(kindOf("discovery.k8s.io/v1", "endpointslices"), slice)).toEqual([
    ["x", "IPv4", "8080", "192.0.2.9", "5s"],
  ]);
});

test("autoscalers show each metric now and as wanted", () => {
  const metrics = [
    { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 50 } } },
    { type: "External", external: { metric: { name: "m" }, target: { type: "AverageValue", averageValue: "10" } } },
    { type: "Pods", pods: { metric: { name: "p" }, target: { type: "AverageValue", averageValue: "1" } } },
  ];
  const spec = { scaleTargetRef: { kind: "Deployment", name: "web" }, minReplicas: 1, maxReplicas: 3, metrics };
  const currentMetrics = [{ type: "Resource", resource: { name: "cpu", current: { averageUtilization: 7 } } }];
  const autoscalers = kindOf("autoscaling/v2", "horizontalpodautoscalers");
  expect(cells(autoscalers, object({ spec, status: { currentMetrics, currentReplicas: 2 } }))).toEqual([
    ["x", "Deployment/web", "cpu: 7%/50%, <unknown>/10 (avg) + 1 more...", "1", 3, 2, "5s"],
  ]);
  expect(cells(autoscalers, object({ spec: { ...spec, metrics: [metrics[0]] } }))[0]?.[2]).toBe("cpu: <unknown>/50%");
});

test("events show when, what and to whom, in both API groups", () => {
  const core = object({
    type: "Warning",
    reason: "R",
    message: " m\n",
    involvedObject: { kind: "ConfigMap", name: "zz" },
    source: { component: "c", host: "h" },
    firstTimestamp: "2026-01-01T00:00:00Z",
    lastTimestamp: "2026-01-01T00:59:00Z",
    count: 3,
  });
  const newer = object({
    type: "Normal",
    reason: "R",
    note: "m",
    regarding: { kind: "Pod", name: "p" },
    reportingController: "c",
    eventTime: "2026-01-01T00:58:00.000000Z",
  });
  expect(cells(kindOf("v1", "events"), core)).toEqual([
    ["60s", "Warning", "R", "configmap/zz", "", "c, h", "m", "60m", 3, "x"],
  ]);
  expect(cells(kindOf("events.k8s.io/v1", "events"), newer)).toEqual([
    ["2m", "Normal", "R", "pod/p", "", "c", "m", "2m", 1, "x"],
  ]);
});

test("jobs, quotas, nodes and bindings show their state", () => {
  const job = object({ spec: { completions: 1 }, status: { startTime: "2026-01-01T00:59:50Z" } });
  expect(cells(kindOf("batch/v1", "jobs"), job)[0]?.slice(0, 5)).toEqual(["x", "Running", "0/1", "10s", "5s"]);
  const quota = object({
    status: { hard: { secrets: "3", pods: "1", "limits.cpu": "2" }, used: { pods: "1", secrets: "0" } },
  });
  expect(cells(kindOf("v1", "resourcequotas"), quota)).toEqual([
    ["x", "5s", "pods: 1/1, secrets: 0/3", "limits.cpu: /2"],
  ]);
  const node = object(
    { spec: { unschedulable: true }, status: { conditions: [{ type: "Ready", status: "True" }] } },
    { labels: { "node-role.kubernetes.io/control-plane": "" } },
  );
  expect(cells(kindOf("v1", "nodes"), node)[0]?.slice(0, 3)).toEqual([
    "x",
    "Ready,SchedulingDisabled",
    "control-plane",
  ]);
  const subjects = [
    { kind: "User", name: "bob" },
    { kind: "ServiceAccount", namespace: "n", name: "sa" },
  ];
  const binding = object({ roleRef: { kind: "Role", name: "r1" }, subjects });
  expect(cells(kindOf("rbac.authorization.k8s.io/v1", "rolebindings"), binding)).toEqual([
    ["x", "Role/r1", "5s", "bob", "", "n/sa"],
  ]);
});

test("custom resources show their declared columns, and name and age without any", () => {
  const declared: readonly PrinterColumn[] = [
    { name: "Size", type: "integer", jsonPath: ".spec.size" },
    { name: "Hosts", type: "string", jsonPath: ".spec.hosts", priority: 1 },
    { name: "Ready", type: "string", jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    { name: "Last", type: "date", jsonPath: ".status.last" },
    { name: "Broken", type: "string", jsonPath: ".spec[" },
  ];
  const conditions = [
    { type: "Other", status: "False" },
    { type: "Ready", status: "True" },
  ];
  const resource = object({
    spec: { size: 3, hosts: ["a", "b"] },
    status: { conditions, last: "2026-01-01T00:59:57Z" },
  });
  const kind = kindOf("example.com/v1", "widgets", declared);
  expect(cells(kind, resource, object({ spec: { size: "no" } }))).toEqual([
    ["x", 3, '["a","b"]', "True", "3s", null],
    ["x", null, null, null, null, null],
  ]);
  expect(cells(kindOf("example.com/v1", "widgets", []), resource)).toEqual([["x", "5s"]]);
});
