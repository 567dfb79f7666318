import { type Deployment, type HorizontalPodAutoscaler, type KubeObject, resources } from "#api";
import { isObject, seededRandom, silentLog } from "#base";
import { createInformer, type KubeClient, systemClock } from "#kube";

/**
 * What the HPA controller and KEDA do to bounds, for tests: replicas are brought between them, a ScaledObject has an HPA, a
 * pause takes it away. Nothing is measured. Source: keda-hpa-spec 5, 7, 8, 18.2.
 */
export interface RehearsalScalers {
  /** Namespaces where no trigger is active: KEDA takes pods away that no lower bound keeps. */
  readonly idle: Set<string>;
  /** Namespaces whose metric source is down, so that no scaler can be built. */
  readonly sourceDown: Set<string>;
}

/** Plays them until the signal aborts. */
export async function playScalers(client: KubeClient, signal: AbortSignal): Promise<RehearsalScalers> {
  const ports = { client, signal, clock: systemClock, random: seededRandom(4), log: silentLog };
  const hpas = createInformer<HorizontalPodAutoscaler>({ ...ports, resource: resources.horizontalPodAutoscalers });
  const deployments = createInformer<Deployment>({ ...ports, resource: resources.deployments });
  const scaledObjects = createInformer<KubeObject>({ ...ports, resource: resources.scaledObjects });
  const player: RehearsalScalers = { idle: new Set(), sourceDown: new Set() };

  async function scale(namespace: string, name: string, next: (count: number) => number): Promise<void> {
    const now = await client.get<Deployment>(resources.deployments, { namespace, name });
    const count = now?.spec.replicas ?? 1;
    if (now === undefined || next(count) === count) return;
    const body = [
      { op: "test", path: "/spec/replicas", value: count },
      { op: "replace", path: "/spec/replicas", value: next(count) },
    ];
    await client.patch(resources.deployments, { namespace, name }, { kind: "json", body });
  }

  async function syncHpa(namespace: string, { spec }: HorizontalPodAutoscaler): Promise<void> {
    const { minReplicas = 1, maxReplicas } = spec;
    await scale(namespace, spec.scaleTargetRef.name, (count) =>
      // Without pods it does nothing.
      count === 0 ? 0 : Math.min(maxReplicas, Math.max(minReplicas, count)),
    );
  }

  async function syncScaledObject(namespace: string, object: KubeObject): Promise<void> {
    const { min, max, target } = boundsOf(object);
    const key = { namespace, name: `keda-hpa-${object.metadata.name ?? ""}` };
    const paused = object.metadata.annotations?.["autoscaling.keda.sh/paused-replicas"];
    if (paused !== undefined) {
      await client.delete(resources.horizontalPodAutoscalers, key);
      return scale(namespace, target, () => Number(paused));
    }
    if (player.sourceDown.has(namespace)) return;
    await ensureHpa(client, { key, object, bounds: { min: Math.max(1, min), max }, target });
    const isIdle = player.idle.has(namespace);
    await scale(namespace, target, (count) => (isIdle && min === 0 ? 0 : Math.max(count, min)));
  }

  const quietly = (work: Promise<void>): void => void work.catch(() => undefined);
  const syncNamespace = (namespace: string): void => {
    for (const hpa of hpas.list(namespace)) quietly(syncHpa(namespace, hpa));
    for (const object of scaledObjects.list(namespace)) quietly(syncScaledObject(namespace, object));
  };
  // A conflict means that a newer version is on its way to these handlers.
  for (const informer of [hpas, deployments, scaledObjects])
    informer.onChange(({ object }) => syncNamespace(object.metadata.namespace ?? ""));
  await Promise.all([hpas.synced, deployments.synced, scaledObjects.synced]);
  return player;
}

interface Bounds {
  readonly min: number;
  readonly max: number;
}

async function ensureHpa(
  client: KubeClient,
  of: {
    readonly key: { readonly namespace: string; readonly name: string };
    readonly object: KubeObject;
    readonly bounds: Bounds;
    readonly target: string;
  },
): Promise<void> {
  const { key, object, bounds, target } = of;
  const { apiVersion, kind, metadata } = object;
  const live = await client.get<HorizontalPodAutoscaler>(resources.horizontalPodAutoscalers, key);
  const { min: minReplicas, max: maxReplicas } = bounds;
  if (live?.spec.minReplicas === minReplicas && live.spec.maxReplicas === maxReplicas) return;
  const owner = { apiVersion, kind, name: metadata.name ?? "", uid: metadata.uid ?? "", controller: true };
  const wanted: HorizontalPodAutoscaler = {
    apiVersion: "autoscaling/v2",
    kind: "HorizontalPodAutoscaler",
    // KEDA copies the annotations as they are.
    metadata: { ...key, annotations: metadata.annotations ?? {}, ownerReferences: [owner] },
    spec: {
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: target },
      minReplicas,
      maxReplicas,
      metrics: [
        {
          type: "External",
          external: { metric: { name: "s0-rps" }, target: { type: "AverageValue", averageValue: 5 } },
        },
      ],
    },
  };
  if (live === undefined) await client.create(resources.horizontalPodAutoscalers, wanted);
  else await client.update(resources.horizontalPodAutoscalers, { ...live, spec: wanted.spec });
}

function boundsOf({ spec }: KubeObject): Bounds & { readonly target: string } {
  const { minReplicaCount = 0, maxReplicaCount = 100, scaleTargetRef } = isObject(spec) ? spec : {};
  const target = isObject(scaleTargetRef) ? String(scaleTargetRef.name) : "";
  return { min: Number(minReplicaCount), max: Number(maxReplicaCount), target };
}
