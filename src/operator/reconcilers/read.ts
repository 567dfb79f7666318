import {
  type Canary,
  isControlledBy,
  type KubeObject,
  ownerReferenceTo,
  type OwnerReference,
  type Resource,
  type Service,
  splitKey,
} from "#api";
import { namesOf, type RolloutNames } from "#rollout";
import type { OperatorContext } from "../operator-context.ts";
import { type LiveObjects, type Router, type RouterContext, routerOf } from "../routers/index.ts";
import { readScaler, type Scaler } from "../scalers/index.ts";
import { readScalerScene, isReleasing, type ScalerScene } from "./scaler-scene.ts";
import { readWorkload, type Workload } from "../workloads/index.ts";
import { type CapacityObjects, readCapacity } from "./read-capacity.ts";
import { providerOf } from "./refusals.ts";

/** Everything about one Canary as the views have it, read at one moment. What is promoted is what stands here. */
export interface Snapshot {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly owner: OwnerReference;
  /** Undefined for a kind of target that cannot be released. */
  readonly workload: Workload | undefined;
  readonly scaler: Scaler | undefined;
  readonly capacity: CapacityObjects;
  /** Other autoscalers of both copies, and what is wrong with any; looked at when asked for. */
  scalerScene(): ScalerScene;
  readonly services: Readonly<Record<"apex" | "primary" | "canary", Service | undefined>>;
  /** Undefined for a provider that is not executed. */
  readonly routing: Routing | undefined;
}

/** A router and what it works on. */
export interface Routing {
  readonly router: Router;
  readonly context: RouterContext;
  readonly live: LiveObjects;
}

/** Reads from the local copies only; undefined when the Canary is gone. */
export function read(key: string, context: Pick<OperatorContext, "views" | "settings">): Snapshot | undefined {
  const { views, settings } = context;
  const canary = views.canaries.get(splitKey(key));
  if (canary === undefined) return undefined;
  const names = namesOf(canary);
  const owner = ownerReferenceTo(canary, { controller: true });
  const get = <T extends KubeObject>(resource: Resource, name: string): T | undefined =>
    // The view is of this resource, which is what makes its objects T.
    views.of(resource)?.get({ namespace: names.namespace, name }) as T | undefined;
  const router = routerOf(providerOf(canary, context));
  const service = (name: string): Service | undefined => views.services.get({ namespace: names.namespace, name });
  const workload = readWorkload(views, {
    canary,
    names,
    owner,
    settings,
    configs: { configMap: (of) => views.configMaps.get(of), secret: (of) => views.secrets.get(of) },
  });
  const { target, primary } = names;
  const plan = { canary, target, primary, owner, isReleasing: isReleasing(canary, workload) };
  const scaler = readScaler(plan, get);
  return {
    canary,
    names,
    owner,
    workload,
    scaler,
    capacity: readCapacity(views, { names, scaler }),
    scalerScene: readScalerScene({ canary, names, workload, scaler }, views),
    services: {
      apex: service(names.apexService),
      primary: service(names.primaryService),
      canary: service(names.canaryService),
    },
    routing: router === undefined ? undefined : { router, context: { canary, names, owner, settings }, live: { get } },
  };
}

/** Whether the primary is ours; a foreign one of that name is not touched. */
export function isOwnPrimary({ workload, canary }: Snapshot): boolean {
  const primary = workload?.primary;
  return primary === undefined || isControlledBy(primary, canary) || primary.metadata.ownerReferences === undefined;
}
