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
    path: "spec.provider",
    isUsed: ({ spec }) => spec.provider !== undefined && spec.provider !== "" && spec.provider !== "istio",
    what: "only the provider istio is executed",
    fix: "set it to istio or remove it",
  },
  {
    path: "spec.targetRef.kind",
    isUsed: ({ spec }) => spec.targetRef.kind !== "Deployment",
    what: "only a Deployment can be the target",
    fix: "name a Deployment",
  },
  {
    path: "spec.autoscalerRef.kind",
    isUsed: ({ spec }) => spec.autoscalerRef !== undefined && spec.autoscalerRef.kind !== "HorizontalPodAutoscaler",
    what: "only a HorizontalPodAutoscaler is kept in step",
    fix: "name a HorizontalPodAutoscaler or remove autoscalerRef",
  },
  {
    path: "spec.analysis.iterations",
    isUsed: ({ spec }) => (spec.analysis.iterations ?? 0) > 0,
    what: "blue/green and A/B tests are not executed",
    fix: "replace iterations with stepWeight",
  },
  {
    path: "spec.analysis.match",
    isUsed: ({ spec }) => (spec.analysis.match?.length ?? 0) > 0,
    what: "A/B tests are not executed",
    fix: "remove match and use stepWeight",
  },
  {
    path: "spec.analysis.mirror",
    isUsed: ({ spec }) => spec.analysis.mirror === true,
    what: "mirroring is not executed",
    fix: "remove mirror",
  },
  {
    path: "spec.analysis.sessionAffinity",
    isUsed: ({ spec }) => spec.analysis.sessionAffinity !== undefined,
    what: "session affinity is not executed",
    fix: "remove sessionAffinity",
  },
  {
    path: "spec.revertOnDeletion",
    isUsed: ({ spec }) => spec.revertOnDeletion === true,
    what: "reverting on deletion is not executed",
    fix: "remove revertOnDeletion, and scale the target up before you delete the Canary",
  },
  {
    path: "spec.service.appProtocol",
    isUsed: ({ spec }) => spec.service?.appProtocol?.toLowerCase() === "tcp",
    what: "TCP routes are not executed",
    fix: "use an HTTP protocol",
  },
];

/** Names what a Canary asks for and would not get: a release that silently does less than asked is worse than none. */
export function unsupportedFields(canary: Canary): Problem[] {
  return unsupported
    .filter((field) => field.isUsed(canary))
    .map(({ path, what, fix }) => ({ path, code: "unsupported", message: what, fix }));
}
