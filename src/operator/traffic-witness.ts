import type { Deployment, KubeObject, VirtualService } from "#api";

/** A change as the API server's store tells it, in the order of revisions over all kinds. */
export interface WitnessedChange {
  readonly type: "put" | "delete";
  readonly object: KubeObject;
}

/**
 * Watches the rollouts of an app named `web` from outside and writes down what must never be. For tests.
 *
 * It sees each version of every object in the order in which they were written, so nothing between two looks escapes it.
 */
export interface TrafficWitness {
  see(change: WitnessedChange): void;
  /** What was seen in a namespace that must never be. */
  violations(namespace: string): readonly string[];
}

interface Scene {
  primary?: Deployment;
  target?: Deployment;
  route?: VirtualService;
  hasServed: boolean;
  readonly violations: string[];
}

/** `isAllowed` says whether an image may ever be the primary's. */
export function createTrafficWitness(isAllowed: (image: string, namespace: string) => boolean): TrafficWitness {
  const scenes = new Map<string, Scene>();

  function check(scene: Scene, namespace: string): void {
    const { primary, target, route } = scene;
    const image = primary?.spec.template.spec.containers[0]?.image ?? "";
    if (primary !== undefined && !isAllowed(image, namespace)) scene.violations.push(`the primary got ${image}`);
    const [primaryReady, targetReady] = [readyCount(primary), readyCount(target)];
    if (primaryReady > 0) scene.hasServed = true;
    if (scene.hasServed && primaryReady === 0 && targetReady === 0) scene.violations.push("no copy has a ready pod");
    const weights = weightsOf(route);
    if (weights === undefined) return;
    if (weights.primary + weights.canary !== 100)
      scene.violations.push(`weights ${weights.primary}/${weights.canary} do not sum to 100`);
    if (weights.canary > 0 && targetReady === 0 && primaryReady > 0)
      scene.violations.push(`${weights.canary}% go to a canary without ready pods`);
    if (weights.primary > 0 && primaryReady === 0 && targetReady > 0)
      scene.violations.push(`${weights.primary}% go to a primary without ready pods`);
  }

  return {
    see({ type, object }) {
      const { namespace = "", name = "" } = object.metadata;
      const scene: Scene = scenes.get(namespace) ?? { hasServed: false, violations: [] };
      scenes.set(namespace, scene);
      if (type === "delete") return;
      if (object.kind === "Deployment" && name === "web") scene.target = object as Deployment;
      else if (object.kind === "Deployment" && name === "web-primary") scene.primary = object as Deployment;
      else if (object.kind === "VirtualService" && name === "web") scene.route = object as VirtualService;
      else return;
      check(scene, namespace);
    },
    violations: (namespace) => scenes.get(namespace)?.violations ?? [],
  };
}

function readyCount(deployment: Deployment | undefined): number {
  return deployment?.status?.readyReplicas ?? 0;
}

function weightsOf(route: VirtualService | undefined): { primary: number; canary: number } | undefined {
  const to = route?.spec.http?.at(-1)?.route;
  if (to === undefined) return undefined;
  const weight = (host: string): number => to.find((entry) => entry.destination?.host === host)?.weight ?? 0;
  return { primary: weight("web-primary"), canary: weight("web-canary") };
}
