import { type Deployment, type HorizontalPodAutoscaler, type KubeObject, resources, type VirtualService } from "#api";
import { deepEqual, isObject, seededRandom, silentLog } from "#base";
import { createInformer, type KubeClient, systemClock } from "#kube";

/**
 * What the HPA controller and KEDA do to bounds, for tests: replicas are brought between them, a ScaledObject has an HPA, a
 * pause takes it away. The load is told, not measured, and moves no replicas. Source: keda-hpa-spec 5, 7, 8, 18.2.
 */
export interface RehearsalScalers {
  /** Pods that all of the traffic asks for, by namespace; the HPA of each copy shows its share by the weights. */
  readonly loads: Map<string, number>;
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
  const routes = createInformer<VirtualService>({ ...ports, resource: resources.virtualServices });
  const player: RehearsalScalers = { loads: new Map(), idle: new Set(), sourceDown: new Set() };

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

  function shareOf(namespace: string, target: string): number {
    const route = routes.get({ namespace, name: "web" })?.spec.http?.[0]?.route ?? [];
    const weight = route.find(({ destination }) => destination.host.endsWith("-canary"))?.weight ?? 0;
    return target.endsWith("-primary") ? 100 - weight : weight;
  }

  async function syncHpa(namespace: string, hpa: HorizontalPodAutoscaler): Promise<void> {
    const { spec } = hpa;
    const { minReplicas = 1, maxReplicas } = spec;
    await scale(namespace, spec.scaleTargetRef.name, (count) =>
      // Without pods it does nothing.
      count === 0 ? 0 : Math.min(maxReplicas, Math.max(minReplicas, count)),
    );
    const load = player.loads.get(namespace);
    const target = await client.get<Deployment>(resources.deployments, { namespace, name: spec.scaleTargetRef.name });
    if (load === undefined || target === undefined) return;
    const share = shareOf(namespace, spec.scaleTargetRef.name) / 100;
    const status = statusOf(hpa, { replicaCount: target.spec.replicas ?? 1, load: load * share });
    if (deepEqual(status, hpa.status)) return;
    await client.update(resources.horizontalPodAutoscalers, { ...hpa, status }, { subresource: "status" });
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
    const live = await client.get(resources.scaledObjects, { namespace, name: object.metadata.name ?? "" });
    // One that was deleted meanwhile takes its HPA along.
    if (live?.metadata.uid !== object.metadata.uid) {
      await client.delete(resources.horizontalPodAutoscalers, key);
      return;
    }
    const isIdle = player.idle.has(namespace);
    await scale(namespace, target, (count) => (isIdle && min === 0 ? 0 : Math.max(count, min)));
  }

  const quietly = (work: Promise<void>): void => void work.catch(() => undefined);
  const syncNamespace = (namespace: string): void => {
    for (const hpa of hpas.list(namespace)) quietly(syncHpa(namespace, hpa));
    for (const object of scaledObjects.list(namespace)) quietly(syncScaledObject(namespace, object));
  };
  // A conflict means that a newer version is on its way to these handlers.
  for (const informer of [hpas, deployments, scaledObjects, routes])
    informer.onChange(({ object }) => syncNamespace(object.metadata.namespace ?? ""));
  await Promise.all([hpas.synced, deployments.synced, scaledObjects.synced, routes.synced]);
  return player;
}

/** A status that asks for the load, by the one metric of the HPA. */
function statusOf(
  { spec }: HorizontalPodAutoscaler,
  { replicaCount, load }: { readonly replicaCount: number; readonly load: number },
): NonNullable<HorizontalPodAutoscaler["status"]> {
  const isKeda = spec.metrics?.[0]?.type === "External";
  const ratio = replicaCount === 0 ? 0 : load / replicaCount;
  const metric = isKeda
    ? {
        type: "External",
        external: { metric: EXTERNAL, current: { averageValue: `${Math.round(EACH * ratio * 1000)}m` } },
      }
    : { type: "Resource", resource: { name: "cpu", current: { averageUtilization: Math.round(80 * ratio) } } };
  return { currentReplicas: replicaCount, desiredReplicas: replicaCount, currentMetrics: [metric] };
}

/** The metric of a ScaledObject's HPA, and how much of it one pod is to have. */
const EXTERNAL = { name: "s0-rps" };
const EACH = 5;

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
          external: { metric: EXTERNAL, target: { type: "AverageValue", averageValue: EACH } },
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
