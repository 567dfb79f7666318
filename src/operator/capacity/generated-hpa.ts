import type { KubeObject } from "#api";
import { isObject } from "#base";

/** Name of the HPA that KEDA keeps for a ScaledObject. Source: keda-hpa-spec 5. */
export function generatedHpaName({ metadata, spec, status }: KubeObject): string {
  if (isObject(status) && typeof status.hpaName === "string" && status.hpaName !== "") return status.hpaName;
  const advanced = isObject(spec) ? spec.advanced : undefined;
  const config = isObject(advanced) ? advanced.horizontalPodAutoscalerConfig : undefined;
  const name = isObject(config) ? config.name : undefined;
  return typeof name === "string" && name !== "" ? name : `keda-hpa-${metadata.name ?? ""}`;
}
