import type { Container, PodSpec } from "#api";
import { isObject } from "#base";

/** A ConfigMap or Secret that a pod uses. */
export interface ConfigRef {
  readonly kind: "ConfigMap" | "Secret";
  readonly name: string;
  readonly isOptional: boolean;
}

/** `configmap/NAME` or `secret/NAME`, as `status.trackedConfigs` names them. */
export function configId(ref: Pick<ConfigRef, "kind" | "name">): string {
  return `${ref.kind.toLowerCase()}/${ref.name}`;
}

/** Where a pod spec names a config: the object that holds the name, and the field. */
interface Place {
  readonly kind: ConfigRef["kind"];
  readonly holder: Record<string, unknown>;
  readonly field: "name" | "secretName";
}

/**
 * Lists what a pod uses, each once; one mandatory use makes it mandatory.
 *
 * Source: flagger-spec 3.7: volumes, projected sources, env and envFrom of containers and init containers.
 */
export function configRefs(spec: PodSpec): ConfigRef[] {
  const found = new Map<string, ConfigRef>();
  for (const { kind, holder, field } of placesOf(spec)) {
    const name = holder[field];
    if (typeof name !== "string" || name === "") continue;
    const ref: ConfigRef = { kind, name, isOptional: holder.optional === true };
    const known = found.get(configId(ref));
    found.set(configId(ref), { ...ref, isOptional: ref.isOptional && (known?.isOptional ?? true) });
  }
  return [...found.values()];
}

/** Changes the names in a pod spec that is the caller's own copy. */
export function renameConfigs(spec: PodSpec, rename: (ref: Pick<ConfigRef, "kind" | "name">) => string): void {
  for (const { kind, holder, field } of placesOf(spec)) {
    const name = holder[field];
    if (typeof name === "string" && name !== "") holder[field] = rename({ kind, name });
  }
}

function placesOf(spec: PodSpec): Place[] {
  const containers = [...(spec.containers ?? []), ...(spec.initContainers ?? [])];
  return [...(spec.volumes ?? []).flatMap(placesOfVolume), ...containers.flatMap(placesOfContainer)];
}

function placesOfVolume(volume: { readonly [field: string]: unknown }): Place[] {
  const places: Place[] = [];
  if (isObject(volume.configMap)) places.push({ kind: "ConfigMap", holder: volume.configMap, field: "name" });
  if (isObject(volume.secret)) places.push({ kind: "Secret", holder: volume.secret, field: "secretName" });
  const sources = isObject(volume.projected) ? volume.projected.sources : undefined;
  for (const source of Array.isArray(sources) ? sources : []) {
    if (!isObject(source)) continue;
    if (isObject(source.configMap)) places.push({ kind: "ConfigMap", holder: source.configMap, field: "name" });
    if (isObject(source.secret)) places.push({ kind: "Secret", holder: source.secret, field: "name" });
  }
  return places;
}

function placesOfContainer(container: Container): Place[] {
  const places: Place[] = [];
  const add = (kind: ConfigRef["kind"], holder: unknown): void => {
    if (isObject(holder)) places.push({ kind, holder, field: "name" });
  };
  for (const { valueFrom } of container.env ?? []) {
    add("ConfigMap", valueFrom?.configMapKeyRef);
    add("Secret", valueFrom?.secretKeyRef);
  }
  for (const source of container.envFrom ?? []) {
    add("ConfigMap", source.configMapRef);
    add("Secret", source.secretRef);
  }
  return places;
}
