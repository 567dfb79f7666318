import { type Canary, type HorizontalPodAutoscaler, type KubeObject, type Resource, resources } from "#api";
import { hpaTwin } from "./hpa.ts";
import { pausePatch, settlePatch } from "./pauses.ts";
import { maySleep, scaledObjectTwin } from "./scaled-object.ts";
import { newTwin, primaryScalerName, type Twin, type TwinPlan, twinPatch } from "./twin.ts";

/** The autoscaler of a Canary's target and its twin for the primary, whatever their kind. Plans, and never writes. */
export interface Scaler {
  readonly resource: Resource;
  readonly source: KubeObject | undefined;
  readonly primary: KubeObject | undefined;
  /** Whether it may leave its copy without pods; false without it. */
  readonly maySleep: boolean;
  /** The twin as it should be; undefined without a source. */
  readonly twin: Twin | undefined;
  /** Whether a revision is being released, or waits for it. */
  readonly isReleasing: boolean;
  /** Merge patch of the source after which it lets a target without pods be (or scales it); undefined when it does. */
  hold(isHeld: boolean): object | undefined;
  /** Merge patch of the source that leaves nothing of ours in force when the Canary goes; undefined when nothing is. */
  settle(): object | undefined;
}

/** Reads the autoscaler that a Canary names; undefined when it names none, or a kind that is not kept in step. */
export function readScaler(
  plan: TwinPlan,
  get: <T extends KubeObject>(resource: Resource, name: string) => T | undefined,
): Scaler | undefined {
  const { canary, isReleasing } = plan;
  const resource = scalerResource(canary);
  const name = canary.spec?.autoscalerRef?.name;
  if (resource === undefined || name === undefined) return undefined;
  const primary = get<KubeObject>(resource, primaryScalerName(name));
  if (resource === resources.scaledObjects) {
    const source = get<KubeObject>(resource, name);
    const isSleepy = source !== undefined && maySleep(source);
    const canaryUid = canary.metadata.uid ?? "";
    return {
      resource,
      source,
      primary,
      maySleep: isSleepy,
      isReleasing,
      twin: source === undefined ? undefined : scaledObjectTwin(source, plan),
      settle: () => (source === undefined ? undefined : settlePatch(source, canaryUid)),
      hold: (isHeld) =>
        source === undefined ? undefined : pausePatch(source, { isHeld, maySleep: isSleepy, canaryUid }),
    };
  }
  const source = get<HorizontalPodAutoscaler>(resource, name);
  return {
    resource,
    source,
    primary,
    isReleasing,
    maySleep: false,
    twin: source === undefined ? undefined : hpaTwin(source, plan),
    // Kubernetes itself leaves a target without pods alone.
    hold: () => undefined,
    settle: () => undefined,
  };
}

/** The write that brings the twin in step. */
export type TwinWrite =
  | { readonly kind: "create"; readonly object: KubeObject }
  /** A merge patch. */
  | { readonly kind: "patch"; readonly name: string; readonly body: object };

/** Plans it; undefined when the twin is in step, or there is nothing to keep it in step with. */
export function planTwin({ twin, primary }: Pick<Scaler, "twin" | "primary">): TwinWrite | undefined {
  if (twin === undefined) return undefined;
  if (primary === undefined) return { kind: "create", object: newTwin(twin) };
  const body = twinPatch(primary, twin);
  return body === undefined ? undefined : { kind: "patch", name: primary.metadata.name ?? "", body };
}

/** The kind that a Canary's autoscaler is of; undefined without one, and for a kind that is not kept in step. */
export function scalerResource(canary: Canary): Resource | undefined {
  const kind = canary.spec?.autoscalerRef?.kind;
  if (kind === "HorizontalPodAutoscaler") return resources.horizontalPodAutoscalers;
  return kind === "ScaledObject" ? resources.scaledObjects : undefined;
}
