import type { OwnerReference, Service } from "#api";
import { deepEqual } from "#base";
import { restoredService, UNMANAGED_ANNOTATIONS } from "../routers/index.ts";
import type { SelectorLabel } from "./selector.ts";

/**
 * The Service that clients use as its owner had it, for a Canary that reverts on its deletion. Undefined when nothing is to
 * be done: it is so already, or it goes with the Canary. Source: flagger-spec 2.10.
 *
 * The annotations that keep GitOps tools away are taken back too (Flagger leaves them, and the tools stay away).
 */
export function restoredApex(live: Service, label: SelectorLabel, owner: OwnerReference): Service | undefined {
  const restored = restoredService(live, { owner, labelKey: label.key, targetLabel: label.value });
  if (restored === undefined) return undefined;
  const annotations = Object.fromEntries(
    Object.entries(live.metadata.annotations ?? {}).filter(([key]) => !Object.hasOwn(UNMANAGED_ANNOTATIONS, key)),
  );
  const isSame = deepEqual(restored.spec, live.spec) && deepEqual(annotations, live.metadata.annotations ?? {});
  return isSame ? undefined : { ...restored, metadata: { ...restored.metadata, annotations } };
}
