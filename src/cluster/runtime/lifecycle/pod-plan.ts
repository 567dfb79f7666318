import type { Container, Pod, Probe } from "#api";

export type ProbeKind = "startup" | "liveness" | "readiness";

/** A probe with the defaults filled in and times in milliseconds. Source: core/v1 Probe. */
export interface ProbePlan {
  readonly kind: ProbeKind;
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
  /** Grace period of the stop that a failure leads to; the pod's when absent. */
  readonly graceMs: number | undefined;
}

/** What the lifecycle needs to know of a container. */
export interface ContainerPlan {
  readonly name: string;
  readonly image: string;
  readonly isInit: boolean;
  readonly probes: readonly ProbePlan[];
  readonly hasPostStart: boolean;
  readonly hasPreStop: boolean;
}

/** What the lifecycle needs to know of a pod; the init containers come first, in order. */
export interface PodPlan {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly containers: readonly ContainerPlan[];
  readonly restartPolicy: "Always" | "OnFailure" | "Never";
  readonly graceMs: number;
}

/** Reads a pod's spec into a plan. */
export function planPod(pod: Pod): PodPlan {
  return {
    namespace: pod.metadata.namespace ?? "default",
    name: pod.metadata.name ?? "",
    uid: pod.metadata.uid ?? "",
    containers: [
      ...(pod.spec.initContainers ?? []).map((container) => planContainer(container, true)),
      ...pod.spec.containers.map((container) => planContainer(container, false)),
    ],
    restartPolicy: pod.spec.restartPolicy ?? "Always",
    graceMs: (pod.spec.terminationGracePeriodSeconds ?? 30) * 1000,
  };
}

function planContainer(container: Container, isInit: boolean): ContainerPlan {
  const probes = isInit
    ? []
    : [
        ...planProbe("startup", container.startupProbe),
        ...planProbe("liveness", container.livenessProbe),
        ...planProbe("readiness", container.readinessProbe),
      ];
  return {
    name: container.name,
    image: container.image ?? "",
    isInit,
    probes,
    hasPostStart: container.lifecycle?.postStart !== undefined,
    hasPreStop: container.lifecycle?.preStop !== undefined,
  };
}

function planProbe(kind: ProbeKind, probe: Probe | undefined): ProbePlan[] {
  if (probe === undefined) return [];
  const { terminationGracePeriodSeconds: graceSeconds } = probe;
  return [
    {
      kind,
      initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
      periodMs: Math.max(1, probe.periodSeconds ?? 10) * 1000,
      timeoutMs: Math.max(1, probe.timeoutSeconds ?? 1) * 1000,
      successThreshold: Math.max(1, probe.successThreshold ?? 1),
      failureThreshold: Math.max(1, probe.failureThreshold ?? 3),
      graceMs: graceSeconds === undefined ? undefined : graceSeconds * 1000,
    },
  ];
}
