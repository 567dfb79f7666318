import type { Resource } from "#api";
import type { Conversion } from "./endpoint.ts";
import { eventConversion } from "./event-conversion.ts";
import { autoscalerConversion } from "./autoscaler-conversion.ts";

/** The group whose collection holds a kind's objects. Events are served by two groups from one collection. */
export function storageGroupOf(resource: Resource): string {
  return resource.group === "events.k8s.io" ? "" : resource.group;
}

/** How a built-in kind's version differs from the stored one; absent where only the name differs. */
export function conversionOf({ group, version, kind }: Resource): Conversion | undefined {
  if (group === "events.k8s.io") return eventConversion;
  if (kind === "HorizontalPodAutoscaler" && version === "v1") return autoscalerConversion;
  return undefined;
}
