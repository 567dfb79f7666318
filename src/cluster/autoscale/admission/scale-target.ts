import type { ScaledObject } from "#api";

/** A reference to what is scaled, of a ScaledObject or of an autoscaler. */
interface TargetRef {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name: string;
}

/** Group, version and kind as KEDA writes them: `apps/v1.Deployment`. Source: keda-hpa-spec 2. */
export function targetType({ apiVersion = "", kind = "" }: TargetRef): string {
  return `${apiVersion === "" ? "apps/v1" : apiVersion}.${kind === "" ? "Deployment" : kind}`;
}

export function isSameTarget(a: TargetRef, b: TargetRef): boolean {
  return targetType(a) === targetType(b) && a.name === b.name;
}

/** Whether there is a formula, or an attempt at one. */
export function usesModifiers({ spec }: ScaledObject): boolean {
  return Object.values(spec.advanced?.scalingModifiers ?? {}).some((value) => value !== "");
}
