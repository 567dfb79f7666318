import { type Canary, controllerOf, isControlledBy, type KubeObject } from "#api";
import { isObject } from "#base";
import type { RolloutNames } from "#rollout";
import type { Scaler } from "./scaler.ts";
import { primaryScalerName } from "./twin.ts";

/** What is at work on the two copies of a Canary beside its own autoscaler and the twin. */
export interface OtherScalers {
  /** Twins of ours that are not wanted any more: the Canary names another autoscaler now, or none. */
  readonly orphans: readonly KubeObject[];
  readonly foreign: readonly ForeignScaler[];
}

/** An autoscaler of somebody else. */
export interface ForeignScaler {
  readonly kind: string;
  readonly name: string;
  /** What it scales: the target, the primary, or, where it only has the twin's name, nothing of the Canary's. */
  readonly scales: string;
}

/** An autoscaler's workload, as both kinds name it; KEDA's default is a Deployment. Source: keda-hpa-spec 2. */
export function scaledBy(object: KubeObject): { readonly kind: string; readonly name: string } | undefined {
  if (object.kind !== "HorizontalPodAutoscaler" && object.kind !== "ScaledObject") return undefined;
  const ref = isObject(object.spec) ? object.spec.scaleTargetRef : undefined;
  if (!isObject(ref) || typeof ref.name !== "string") return undefined;
  return { kind: typeof ref.kind === "string" && ref.kind !== "" ? ref.kind : "Deployment", name: ref.name };
}

/** The ScaledObject that KEDA made an HPA for; undefined for other HPAs. Source: keda-hpa-spec 5. */
export function scaledObjectOf(object: KubeObject): string | undefined {
  const controller = object.kind === "HorizontalPodAutoscaler" ? controllerOf(object) : undefined;
  return controller?.kind === "ScaledObject" && controller.apiVersion.startsWith("keda.sh/")
    ? controller.name
    : undefined;
}

/**
 * Sorts the autoscalers of the Canary's namespace: what is ours by the UID of its owner, and what others have put on the
 * target or the primary. HPAs that KEDA makes count as their ScaledObject.
 */
export function otherScalers(
  of: { readonly canary: Canary; readonly names: RolloutNames; readonly scaler: Scaler | undefined },
  all: readonly KubeObject[],
): OtherScalers {
  const { canary, names, scaler } = of;
  const source = canary.spec?.autoscalerRef?.name ?? "";
  const kind = scaler?.resource.kind;
  const isSource = (object: Named): boolean => object.kind === kind && object.name === source;
  const isTwin = (object: Named): boolean => object.kind === kind && object.name === primaryScalerName(source);
  const ours = all.filter((object) => isControlledBy(object, canary));
  const orphans = ours.filter((object) => !isTwin(nameOf(object)));
  const foreign = new Map<string, ForeignScaler>();
  for (const object of all) {
    const scaled = scaledBy(object);
    const name = nameOf(object);
    const isOnCopy =
      scaled?.kind === names.targetKind && (scaled.name === names.target || scaled.name === names.primary);
    if (ours.includes(object) || isSource(name) || !(isOnCopy || isTwin(name))) continue;
    const maker = scaledObjectOf(object);
    const acting = maker === undefined ? name : { kind: "ScaledObject", name: maker };
    const isOurs = ours.some((own) => own.kind === acting.kind && own.metadata.name === acting.name);
    if (!isOurs && !isSource(acting))
      foreign.set(`${acting.kind}/${acting.name}`, { ...acting, scales: scaled?.name ?? names.primary });
  }
  return { orphans, foreign: [...foreign.values()] };
}

interface Named {
  readonly kind: string;
  readonly name: string;
}

function nameOf(object: KubeObject): Named {
  return { kind: object.kind, name: object.metadata.name ?? "" };
}
