import type { Canary, ConfigMap, DaemonSet, Deployment, HorizontalPodAutoscaler, Service } from "#api";

/** The objects of a small release, for tests. */

export const deployment: Deployment = {
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web" },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: "web" } },
    template: {
      metadata: { labels: { app: "web" } },
      spec: { containers: [{ name: "web", image: "podinfo:1", ports: [{ name: "http", containerPort: 9898 }] }] },
    },
  },
};

export const daemonSet: DaemonSet = {
  apiVersion: "apps/v1",
  kind: "DaemonSet",
  metadata: { name: "web" },
  spec: { selector: deployment.spec.selector, template: deployment.spec.template },
};

/** A Service as the target: releases are changes of its selector. */
export const coreService: Service = {
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", labels: { team: "shop" } },
  spec: { selector: { app: "v1" }, ports: [{ name: "http", port: 9898 }] },
};

export const canary: Canary = {
  apiVersion: "flagger.app/v1beta1",
  kind: "Canary",
  metadata: { name: "web" },
  spec: {
    targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    progressDeadlineSeconds: 60,
    service: { port: 9898 },
    analysis: {
      interval: "1s",
      threshold: 2,
      stepWeight: 50,
      maxWeight: 50,
      metrics: [
        { name: "request-success-rate", interval: "30s", thresholdRange: { min: 99 } },
        { name: "request-duration", interval: "30s", thresholdRange: { max: 500 } },
      ],
    },
  },
};

export const autoscaler: HorizontalPodAutoscaler = {
  apiVersion: "autoscaling/v2",
  kind: "HorizontalPodAutoscaler",
  metadata: { name: "web-hpa", labels: { team: "shop" } },
  spec: {
    scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
    minReplicas: 3,
    maxReplicas: 6,
    metrics: [{ type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } }],
  },
};

export const settings: ConfigMap = {
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "web-settings" },
  data: { color: "blue" },
};

/** The Deployment with its settings from the ConfigMap. */
export const configured: Deployment = {
  ...deployment,
  spec: {
    ...deployment.spec,
    template: {
      ...deployment.spec.template,
      spec: {
        containers: [{ name: "web", image: "podinfo:1", envFrom: [{ configMapRef: { name: "web-settings" } }] }],
      },
    },
  },
};

/** The Canary with changes to its spec and its analysis. */
export function canaryWith(spec: Partial<Canary["spec"]>, analysis: Partial<Canary["spec"]["analysis"]> = {}): Canary {
  return { ...canary, spec: { ...canary.spec, ...spec, analysis: { ...canary.spec.analysis, ...analysis } } };
}
