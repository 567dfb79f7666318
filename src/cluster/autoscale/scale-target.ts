import { type KubeObject, type Pod, type PodTemplateSpec, resources, type Scale, type ScaledObject } from "#api";
import { type Clock, Failure, isObject } from "#base";
import { ApiFailure, type KubeClient, type ObjectKey } from "#kube";
import { discoverResources, findKind, isPodReady, type ServedResource } from "../controllers/index.ts";
import type { TargetSize } from "./plan/evaluation.ts";

/** What a ScaledObject scales. */
export interface ScaleTarget {
  readonly resource: ServedResource;
  readonly key: ObjectKey;
  /** Of the target's pods, when its kind has one in `spec.template`. */
  readonly podTemplate: PodTemplateSpec | undefined;
  readonly replicas: number;
}

/** Reads and writes the sizes of targets by their scale subresource. */
export interface ScaleTargets {
  /** @throws Failure that says why it cannot be scaled. */
  find(object: ScaledObject): Promise<ScaleTarget>;
  /** `spec.replicas` now. @throws Failure */
  current(object: ScaledObject): Promise<number>;
  /** What fallback values are made from. @throws Failure */
  size(object: ScaledObject): Promise<TargetSize>;
  /**
   * Sets the size, unless it is no longer the one that the decision was made on.
   *
   * @returns whether it was set
   * @throws Failure
   */
  write(object: ScaledObject, change: { readonly from: number; readonly to: number }): Promise<boolean>;
}

const DISCOVERY_TTL_MS = 30_000;
/** The status of a target changes all the time; each change makes the version old that a size is written against. */
const MAX_WRITE_COUNT = 4;
/** For one read or write, so that a poll ends. */
const CALL = { timeoutMs: 10_000 } as const;

export function createScaleTargets({ client, clock }: { client: KubeClient; clock: Clock }): ScaleTargets {
  let served: { readonly list: readonly ServedResource[]; readonly atMs: number } | undefined;

  async function resourceOf(object: ScaledObject): Promise<ServedResource> {
    const { apiVersion = "apps/v1", kind = "Deployment" } = object.spec.scaleTargetRef;
    const isFresh = served !== undefined && served.atMs + DISCOVERY_TTL_MS > clock.nowMs();
    const known = served !== undefined && isFresh ? findKind(served.list, { apiVersion, kind }) : undefined;
    if (known !== undefined) return known;
    served = { list: await discoverResources(client), atMs: clock.nowMs() };
    const found = findKind(served.list, { apiVersion, kind });
    if (found !== undefined) return found;
    throw new Failure(`no matches for kind "${kind}" in version "${apiVersion}"`, { code: "NoMatch" });
  }

  async function readScale(resource: ServedResource, key: ObjectKey): Promise<Scale> {
    const scale = await client.get<Scale>(resource, key, { ...CALL, subresource: "scale" }).catch((thrown: unknown) => {
      if (thrown instanceof ApiFailure && thrown.httpStatus === 404) return undefined;
      throw thrown;
    });
    if (scale !== undefined) return scale;
    throw new Failure(`${nameOf(resource, key)} has no scale subresource`, { code: "NoScale" });
  }

  async function scaleOf(object: ScaledObject): Promise<{ resource: ServedResource; scale: Scale }> {
    const resource = await resourceOf(object);
    return { resource, scale: await readScale(resource, keyOfTarget(object)) };
  }

  return {
    async find(object) {
      const resource = await resourceOf(object);
      const key = keyOfTarget(object);
      const target = await client.get<KubeObject>(resource, key, CALL);
      const name = nameOf(resource, key);
      if (target === undefined) {
        throw new Failure(`Target resource doesn't exist: ${name}`, { code: "NotFound", retryable: true });
      }
      const scale = await readScale(resource, key).catch((cause: unknown): never => {
        throw cause instanceof Failure && cause.code === "NoScale"
          ? new Failure(`Target resource doesn't expose /scale subresource: ${name}`, { code: "NoScale" })
          : cause;
      });
      return { resource, key, podTemplate: podTemplateOf(target), replicas: sizeOf(scale) };
    },
    async current(object) {
      return sizeOf((await scaleOf(object)).scale);
    },
    async size(object) {
      const { scale } = await scaleOf(object);
      const labelSelector = scale.status?.selector ?? "";
      const namespace = object.metadata.namespace ?? "";
      // Without a selector it would be every pod.
      const list = { ...CALL, namespace, labelSelector };
      const pods = labelSelector === "" ? [] : (await client.list<Pod>(resources.pods, list)).items;
      return { current: sizeOf(scale), readyPodCount: pods.filter(isPodReady).length };
    },
    async write(object, { from, to }) {
      for (let count = 1; ; count++) {
        const { resource, scale } = await scaleOf(object);
        if (sizeOf(scale) !== from) return false;
        try {
          const next = { ...scale, spec: { ...scale.spec, replicas: to } };
          await client.update<Scale>(resource, next, { ...CALL, subresource: "scale" });
          return true;
        } catch (thrown) {
          const isRace = thrown instanceof ApiFailure && thrown.code === "Conflict";
          if (!isRace || count >= MAX_WRITE_COUNT) throw thrown;
        }
      }
    },
  };
}

/** A Scale leaves out a size of 0. Source: `autoscaling/v1` ScaleSpec. */
function sizeOf({ spec }: Scale): number {
  return spec.replicas ?? 0;
}

function keyOfTarget({ metadata, spec }: ScaledObject): ObjectKey {
  return { namespace: metadata.namespace ?? "", name: spec.scaleTargetRef.name };
}

function nameOf({ group, plural }: ServedResource, { name }: ObjectKey): string {
  return `${plural}${group === "" ? "" : `.${group}`} "${name}"`;
}

function podTemplateOf({ spec }: KubeObject): PodTemplateSpec | undefined {
  const template = isObject(spec) ? spec["template"] : undefined;
  const hasContainers =
    isObject(template) && isObject(template["spec"]) && Array.isArray(template["spec"]["containers"]);
  // Any kind may have such a field; whoever reads it asks for names and values of containers only.
  return hasContainers ? (template as unknown as PodTemplateSpec) : undefined;
}
