import type { ConfigMap, Container, EnvVar, Pod, PodTemplateSpec, Secret } from "#api";
import { Failure } from "#base";
import { containerEnvironment } from "../../runtime/index.ts";

/** Whose environment is read: the pods that the target makes, before there is any. */
export interface EnvironmentTarget {
  readonly namespace: string;
  readonly podTemplate: PodTemplateSpec;
  /** The first container when absent. */
  readonly containerName: string | undefined;
  configMap(name: string): ConfigMap | undefined;
  secret(name: string): Secret | undefined;
}

/** Fields that each pod of the template has alike. Others are unknown before there is a pod, and left out. */
const KNOWN_FIELD = /^(?:metadata\.namespace|spec\.serviceAccountName|metadata\.(?:labels|annotations)\['[^']*'\])$/;

/**
 * Resolves the variables of a container as its pod would see them.
 *
 * Source: keda-hpa-spec 2 (`envSourceContainerName`) and 13.
 *
 * @throws Failure `TriggerSourcesUnresolved` when the container, or something that it refers to, does not exist.
 */
export async function targetEnvironment(target: EnvironmentTarget): Promise<Readonly<Record<string, string>>> {
  const { namespace, podTemplate, containerName } = target;
  const { containers } = podTemplate.spec;
  const container = containerName === undefined ? containers[0] : containers.find(({ name }) => name === containerName);
  if (container === undefined)
    throw unresolved(
      containerName === undefined ? "it has no containers" : `it has no container named "${containerName}"`,
    );
  const pod: Pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...podTemplate.metadata, namespace },
    spec: podTemplate.spec,
  };
  const outcome = await containerEnvironment({
    pod,
    container: withoutUnknown(container),
    podIp: "",
    hostIp: "",
    base: {},
    nodeCapacity: { cpuCores: 0, memoryBytes: 0 },
    configMap: (name) => Promise.resolve(target.configMap(name)),
    secret: (name) => Promise.resolve(target.secret(name)),
  });
  if (!outcome.ok) throw unresolved(`container "${container.name}": ${outcome.error}`);
  return Object.fromEntries(outcome.value);
}

function withoutUnknown(container: Container): Container {
  return { ...container, env: (container.env ?? []).filter(isKnown) };
}

function isKnown({ valueFrom }: EnvVar): boolean {
  if (valueFrom?.resourceFieldRef !== undefined) return false;
  return valueFrom?.fieldRef === undefined || KNOWN_FIELD.test(valueFrom.fieldRef.fieldPath);
}

function unresolved(why: string): Failure {
  return new Failure(`Cannot resolve the environment of the scale target: ${why}`, {
    code: "TriggerSourcesUnresolved",
    retryable: true,
  });
}
