import type { KubeObject } from "#api";

export const NAMESPACE = "shop";
export const APP = "web";
export const HOST = "web.example.com";
export const OLD_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.0";
export const NEW_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.1";

/** What a test has different from the plain app. */
export interface FastAppOptions {
  readonly namespace?: string;
  /** Host at the gateway. */
  readonly host?: string;
  readonly replicas?: number;
  readonly kind?: "Deployment" | "DaemonSet";
  /** Whether the metrics store asks the pods for their own metrics, too. */
  readonly isScraped?: boolean;
  /** Fields of the Canary's spec that are added or replaced. */
  readonly spec?: object;
  readonly service?: object;
  readonly analysis?: object;
}

/** An app whose pods are ready at once and a Canary with short steps, so that a rollout takes seconds. */
export function fastApp(options: FastAppOptions = {}): KubeObject[] {
  const { namespace = NAMESPACE, host = HOST } = options;
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } },
    {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "Gateway",
      metadata: { name: "gateway", namespace },
      spec: {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [host] }],
      },
    },
    fastWorkload(options),
    fastCanary(options),
  ];
}

/** The workload of {@link fastApp}, under another name and image where a test needs several. */
export function fastWorkload(
  { namespace = NAMESPACE, replicas = 2, kind = "Deployment", isScraped = false }: FastAppOptions,
  { name = APP, image = OLD_IMAGE }: { readonly name?: string; readonly image?: string } = {},
): KubeObject {
  const labels = { app: name };
  const annotations = isScraped ? { "prometheus.io/scrape": "true", "prometheus.io/port": "9898" } : {};
  const strategy = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };
  return {
    apiVersion: "apps/v1",
    kind,
    metadata: { name, namespace, labels },
    spec: {
      ...(kind === "Deployment" ? { replicas, strategy } : { updateStrategy: strategy }),
      selector: { matchLabels: labels },
      template: {
        metadata: { labels, annotations },
        spec: {
          containers: [
            {
              name: "web",
              image,
              command: ["./podinfo", "--port=9898"],
              ports: [{ name: "http", containerPort: 9898 }],
              readinessProbe: { httpGet: { path: "/readyz", port: 9898 }, periodSeconds: 1 },
              // It serves until nobody sends it requests any more, as an app behind Services should.
              lifecycle: { preStop: { exec: { command: ["sleep", "2"] } } },
            },
          ],
        },
      },
    },
  };
}

function fastCanary(options: FastAppOptions): KubeObject {
  const { namespace = NAMESPACE, host = HOST, kind = "Deployment" } = options;
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: APP, namespace },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind, name: APP },
      progressDeadlineSeconds: 60,
      service: { port: 9898, hosts: [host], gateways: [`${namespace}/gateway`, "mesh"], ...options.service },
      analysis: {
        interval: "1s",
        threshold: 5,
        ...(isIterated(options.analysis) ? {} : { maxWeight: 60, stepWeight: 20 }),
        metrics: [
          { name: "request-success-rate", interval: "10s", thresholdRange: { min: 99 } },
          { name: "request-duration", interval: "10s", thresholdRange: { max: 500 } },
        ],
        ...options.analysis,
      },
      ...options.spec,
    },
  };
}

/** The schema takes weights or iterations, not both. */
function isIterated(analysis: object | undefined): boolean {
  return analysis !== undefined && "iterations" in analysis;
}
