import type { TriggerConfig } from "../trigger-config.ts";
import type { ExternalMetricSpec, TriggerOptions } from "../trigger.ts";

/**
 * Reads `triggers[].metricType` of a trigger with values of its own: AverageValue unless Value is asked for; anything
 * else is noted as a mistake. Source: keda-hpa-spec 15 (head).
 */
export function externalTargetType({ metricType, config }: TriggerOptions): ExternalMetricSpec["targetType"] {
  if (metricType === undefined || metricType === "" || metricType === "AverageValue") return "AverageValue";
  if (metricType !== "Value")
    config.mistake(`metricType "${metricType}" is not for external metrics; write "AverageValue" or "Value"`);
  return "Value";
}

/** Notes identities of cloud providers: their tokens are issued by clusters of those providers, never by this one. */
export function refusePodIdentity(podIdentity: string | undefined, config: TriggerConfig): void {
  if (podIdentity === undefined || podIdentity === "" || podIdentity === "none") return;
  config.mistake(
    `podIdentity "${podIdentity}" is not executed by the embedded cluster; give a user name and a password, or certificates`,
  );
}
