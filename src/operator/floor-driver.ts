import { resources } from "#api";
import { seededRandom, silentLog } from "#base";
import { type KubeClient, sleep, systemClock } from "#kube";
import { createFloorMemory, type FloorMemory } from "./capacity/index.ts";
import { setFloor } from "./performers/index.ts";
import { read } from "./reconcilers/index.ts";
import { createViews } from "./views/index.ts";

/** Floors that a release asks for while it moves traffic. */
export interface DrivenFloors {
  readonly primary: number;
  readonly canary: number;
}

const MOVING: ReadonlySet<string> = new Set(["Progressing", "WaitingPromotion", "Promoting", "Finalising"]);
const ENDED: ReadonlySet<string> = new Set(["Initialized", "Succeeded", "Failed"]);
const PERIOD_MS = 20;

/**
 * Asks for floors as a release does: from its start until it has ended. For tests of what asking does, whatever the plan of
 * capacity asks for; it writes through the client of the operator beside it, and dies with it.
 */
export async function driveFloors(
  floors: DrivenFloors,
  of: {
    readonly client: KubeClient;
    readonly namespace: string;
    readonly signal: AbortSignal;
    readonly memory?: FloorMemory;
  },
): Promise<void> {
  const { client, namespace, signal } = of;
  const ports = { client, namespace, signal, clock: systemClock, random: seededRandom(5), log: silentLog };
  const views = createViews(ports);
  const memory = of.memory ?? createFloorMemory();
  await views.synced.catch(() => undefined);
  await views.further.offer([resources.scaledObjects]);
  while (!signal.aborted) {
    const snapshot = read(`${namespace}/web`, { views, settings });
    const phase = snapshot?.canary.status?.phase ?? "";
    const isAsked = MOVING.has(phase);
    if (snapshot !== undefined && (isAsked || ENDED.has(phase)))
      for (const copy of ["primary", "canary"] as const) {
        const command = { kind: "set-floor", copy, replicaCount: isAsked ? floors[copy] : undefined } as const;
        // Like the queue of the operator: what fails is tried again.
        await setFloor(command, { snapshot, floors: memory }, { ...ports, views }).catch(() => undefined);
      }
    await sleep(systemClock, PERIOD_MS, signal);
  }
}

const settings = {
  selectorLabels: ["app"],
  labelPrefixes: [],
  tracksConfigs: false,
  meshProvider: "istio",
  metricsServer: "",
  minIntervalMs: 1000,
  ingressAnnotationsPrefix: "nginx.ingress.kubernetes.io",
  forbidsForeignNamespaces: false,
};
