import type { Canary } from "#api";
import type { Problem } from "#base";

/** A field of Flagger's API that this version does not execute yet, and the test for its use. */
interface Unsupported {
  readonly path: string;
  readonly isUsed: (canary: Canary) => boolean;
  readonly what: string;
  readonly fix: string;
}

const unsupported: readonly Unsupported[] = [
  {
    path: "spec.autoscalerRef.kind",
    isUsed: ({ spec }) => spec.autoscalerRef !== undefined && spec.autoscalerRef.kind !== "HorizontalPodAutoscaler",
    what: "only a HorizontalPodAutoscaler is kept in step",
    fix: "name a HorizontalPodAutoscaler or remove autoscalerRef",
  },
];

/** Names what a Canary asks for and would not get: a release that silently does less than asked is worse than none. */
export function unsupportedFields(canary: Canary): Problem[] {
  return unsupported
    .filter((field) => field.isUsed(canary))
    .map(({ path, what, fix }) => ({ path, code: "unsupported", message: what, fix }));
}
