import type { KubeObject } from "#api";

/** Image that stands for Serin's own operator in the embedded cluster. */
export const OPERATOR_IMAGE = "ghcr.io/serin/operator";

/** Namespace of the operator in the embedded cluster. */
const OPERATOR_NAMESPACE = "serin-system";

export interface AddonOptions {
  readonly version: string;
  /** Where the metrics store listens. */
  readonly metrics: { readonly address: string; readonly port: number };
  /** Where the ingress gateway listens. */
  readonly gateway: { readonly address: string; readonly port: number };
  /** Flags of the operator beyond the usual ones. */
  readonly operatorArgs: readonly string[];
}

/**
 * The objects that a cluster with Istio, Prometheus and Serin has: their namespaces, Services and the operator.
 *
 * Prometheus and the ingress gateway are not pods here but parts of the cluster itself, so their Services have no
 * selector and their endpoints are written by hand.
 */
export function addonObjects(options: AddonOptions): KubeObject[] {
  return [
    namespace("istio-system"),
    namespace(OPERATOR_NAMESPACE),
    ...serviceWithEndpoint({ name: "prometheus", port: 9090, target: options.metrics }),
    ...serviceWithEndpoint({ name: "istio-ingressgateway", port: 80, target: options.gateway }),
    { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "serin", namespace: OPERATOR_NAMESPACE } },
    operatorDeployment(options),
  ];
}

function namespace(name: string): KubeObject {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function serviceWithEndpoint(options: {
  name: string;
  port: number;
  target: { address: string; port: number };
}): KubeObject[] {
  const { name, port, target } = options;
  const metadata = { name, namespace: "istio-system" };
  return [
    {
      apiVersion: "v1",
      kind: "Service",
      metadata,
      spec: { ports: [{ name: "http", port, targetPort: target.port, protocol: "TCP" }] },
    },
    {
      apiVersion: "discovery.k8s.io/v1",
      kind: "EndpointSlice",
      metadata: {
        ...metadata,
        labels: { "kubernetes.io/service-name": name, "endpointslice.kubernetes.io/managed-by": "serin.dev" },
      },
      addressType: "IPv4",
      endpoints: [{ addresses: [target.address], conditions: { ready: true, serving: true, terminating: false } }],
      ports: [{ name: "http", port: target.port, protocol: "TCP" }],
    },
  ];
}

function operatorDeployment(options: AddonOptions): KubeObject {
  const labels = { app: "serin" };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "serin", namespace: OPERATOR_NAMESPACE, labels },
    spec: {
      replicas: 1,
      // Two operators at a time would both write: the old one goes before the new one comes.
      strategy: { type: "Recreate" },
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations: { "prometheus.io/scrape": "true", "prometheus.io/port": "8080" } },
        spec: {
          serviceAccountName: "serin",
          containers: [
            {
              name: "serin",
              image: `${OPERATOR_IMAGE}:${options.version}`,
              args: [
                "-mesh-provider=istio",
                "-metrics-server=http://prometheus.istio-system:9090",
                "-port=8080",
                ...options.operatorArgs,
              ],
              ports: [{ name: "http", containerPort: 8080 }],
              readinessProbe: { httpGet: { path: "/healthz", port: 8080 }, periodSeconds: 2 },
              livenessProbe: {
                httpGet: { path: "/healthz", port: 8080 },
                initialDelaySeconds: 10,
                failureThreshold: 6,
              },
              resources: { requests: { cpu: "10m", memory: "64Mi" } },
            },
          ],
        },
      },
    },
  };
}
