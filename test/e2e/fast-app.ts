import type { KubeObject } from "#api";

export const NAMESPACE = "shop";
export const APP = "web";
export const HOST = "web.example.com";
export const OLD_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.0";
export const NEW_IMAGE = "ghcr.io/stefanprodan/podinfo:6.4.1";

/** An app whose pods are ready at once and a Canary with short steps, so that a rollout takes seconds. */
export function fastApp(): KubeObject[] {
  const labels = { app: APP };
  return [
    { apiVersion: "v1", kind: "Namespace", metadata: { name: NAMESPACE } },
    {
      apiVersion: "networking.istio.io/v1beta1",
      kind: "Gateway",
      metadata: { name: "gateway", namespace: NAMESPACE },
      spec: {
        selector: { istio: "ingressgateway" },
        servers: [{ port: { number: 80, name: "http", protocol: "HTTP" }, hosts: [HOST] }],
      },
    },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: APP, namespace: NAMESPACE, labels },
      spec: {
        replicas: 2,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: {
            containers: [
              {
                name: "web",
                image: OLD_IMAGE,
                command: ["./podinfo", "--port=9898"],
                ports: [{ name: "http", containerPort: 9898 }],
                readinessProbe: { httpGet: { path: "/readyz", port: 9898 }, periodSeconds: 1 },
              },
            ],
          },
        },
      },
    },
    {
      apiVersion: "flagger.app/v1beta1",
      kind: "Canary",
      metadata: { name: APP, namespace: NAMESPACE },
      spec: {
        targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: APP },
        progressDeadlineSeconds: 60,
        service: { port: 9898, hosts: [HOST], gateways: [`${NAMESPACE}/gateway`, "mesh"] },
        analysis: {
          interval: "1s",
          threshold: 5,
          maxWeight: 60,
          stepWeight: 20,
          metrics: [
            { name: "request-success-rate", interval: "10s", thresholdRange: { min: 99 } },
            { name: "request-duration", interval: "10s", thresholdRange: { max: 500 } },
          ],
        },
      },
    },
  ];
}
