import {
  type Canary,
  type DaemonSet,
  type Deployment,
  type HorizontalPodAutoscaler,
  type KubeObject,
  resources,
} from "#api";
import { deepEqual } from "#base";
import { completeStatus, isForeignHash, type RolloutNames } from "#rollout";
import {
  type Copy,
  type Neighbour,
  type OtherScalers,
  otherScalers,
  preflight,
  scaledBy,
  scaledObjectOf,
  type Scaler,
  type ScalerFindings,
} from "../scalers/index.ts";
import type { Views } from "../views/index.ts";
import type { Workload } from "../workloads/index.ts";

/** The autoscalers around one Canary: what is at work beside its own, and what is wrong with any of them. */
export interface ScalerScene {
  readonly others: OtherScalers;
  readonly findings: ScalerFindings;
}

interface Subject {
  readonly canary: Canary;
  readonly names: RolloutNames;
  readonly workload: Workload | undefined;
  readonly scaler: Scaler | undefined;
}

/** Looks when it is first asked, and once: a look at a Canary asks several times. */
export function readScalerScene(subject: Subject, views: Views): () => ScalerScene {
  let scene: ScalerScene | undefined;
  return () => {
    scene ??= look(subject, views);
    return scene;
  };
}

function look(subject: Subject, views: Views): ScalerScene {
  const { canary, names, scaler, workload } = subject;
  // A Service has no replicas that anything could scale.
  if (workload === undefined || workload.kind === "Service") return NOTHING;
  const { namespace } = names;
  const all = [...views.autoscalers.list(namespace), ...(views.of(resources.scaledObjects)?.list(namespace) ?? [])];
  const others = otherScalers({ canary, names, scaler }, all);
  const findings = preflight({
    canary,
    names,
    scaler,
    others,
    target: copyOf(workload.target),
    primary: copyOf(workload.primary),
    neighbours: scaler === undefined ? [] : neighboursOf(subject, all, views),
    kedaVersion: kedaVersionOf(subject, all),
    keysOf: (kind, name) => {
      const view = kind === "ConfigMap" ? views.configMaps : views.secrets;
      const data: unknown = view.get({ namespace, name })?.data;
      return typeof data === "object" && data !== null ? Object.keys(data) : undefined;
    },
  });
  return { others, findings };
}

const NOTHING: ScalerScene = {
  others: { orphans: [], foreign: [] },
  findings: { blocking: [], mild: [], advice: [] },
};

/** KEDA labels each HPA that it makes with its version. Source: keda-hpa-spec 1, 5. */
function kedaVersionOf({ scaler }: Subject, all: readonly KubeObject[]): string | undefined {
  const names = [scaler?.source, scaler?.primary].map((object) => object?.metadata.name);
  const hpa = all.find((object) => {
    const maker = scaledObjectOf(object);
    return maker !== undefined && names.includes(maker);
  });
  return hpa?.metadata.labels?.["app.kubernetes.io/version"];
}

/** What other autoscalers of the namespace scale. */
function neighboursOf(
  { names: { namespace, target, primary } }: Subject,
  all: readonly KubeObject[],
  views: Views,
): Neighbour[] {
  const names = new Set(all.map((object) => `${object.kind}/${object.metadata.name ?? ""}`));
  return all.flatMap((object) => {
    const scaled = scaledBy(object);
    // An HPA that KEDA made says nothing that its ScaledObject does not say where that is read.
    if (scaled === undefined || scaled.name === target || scaled.name === primary) return [];
    if (names.has(`ScaledObject/${scaledObjectOf(object) ?? ""}`)) return [];
    const key = { namespace, name: scaled.name };
    const kinds: Readonly<Record<string, () => Deployment | DaemonSet | undefined>> = {
      Deployment: () => views.deployments.get(key),
      DaemonSet: () => views.daemonSets.get(key),
    };
    const copy = copyOf(Object.hasOwn(kinds, scaled.kind) ? kinds[scaled.kind]?.() : undefined);
    return copy === undefined ? [] : [{ ...copy, name: `${object.kind} "${object.metadata.name ?? ""}"` }];
  });
}

function copyOf(object: KubeObject | undefined): Copy | undefined {
  if (object === undefined) return undefined;
  // Whatever has pods from a template has both.
  const { selector, template } = (object as Deployment | DaemonSet).spec;
  return { selector, template };
}

const RELEASING: ReadonlySet<string> = new Set([
  "",
  "Initializing",
  "Waiting",
  "Progressing",
  "WaitingPromotion",
  "Promoting",
  "Finalising",
]);

/** Whether a revision is being released or waits for it, so that the primary must not sleep. */
export function isReleasing(canary: Canary, workload: Workload | undefined): boolean {
  const { phase, lastAppliedSpec, trackedConfigs } = completeStatus(canary.status);
  if (RELEASING.has(phase)) return true;
  if (workload?.templateHash === undefined || isForeignHash(lastAppliedSpec)) return false;
  const configs = workload.configs?.checksums;
  const haveChanged = configs !== undefined && trackedConfigs !== undefined && !deepEqual(configs, trackedConfigs);
  return workload.templateHash !== lastAppliedSpec || haveChanged;
}

/** Whether an HPA of a ScaledObject is on a copy of the Canary, so that ScaledObjects are to be read although it names none. */
export function hasScaledObjects(names: RolloutNames, hpas: readonly HorizontalPodAutoscaler[]): boolean {
  return hpas.some((hpa) => {
    const name = scaledObjectOf(hpa) === undefined ? undefined : scaledBy(hpa)?.name;
    return name === names.target || name === names.primary;
  });
}
