import type { Canary } from "#api";
import { isObject, type Problem } from "#base";

const TARGET_KINDS = ["Deployment", "DaemonSet", "Service"];
const KNATIVE_API = "serving.knative.dev/v1";

/** What decides beside the spec whether it can be executed. */
export interface SpecContext {
  readonly provider: string;
  readonly forbidsForeignNamespaces?: boolean;
}

/** Checks what a spec points at: the target's kind, and objects of other namespaces. Source: flagger-spec 1.4. */
export function referenceProblems(canary: Canary, context: SpecContext): Problem[] {
  return [
    ...targetProblems(canary, context),
    ...(context.forbidsForeignNamespaces === true ? foreignRefs(canary) : []),
  ];
}

function targetProblems({ spec }: Canary, { provider }: SpecContext): Problem[] {
  const { apiVersion, kind } = spec.targetRef;
  if (!TARGET_KINDS.includes(kind))
    return [
      {
        path: "spec.targetRef.kind",
        code: "invalid-value",
        message: `must be one of ${TARGET_KINDS.join(", ")}, received ${JSON.stringify(kind)}`,
        fix: "name a workload of such a kind",
      },
    ];
  const isKnative = kind === "Service" && apiVersion === KNATIVE_API;
  if (isKnative !== (provider === "knative"))
    return [
      {
        path: "spec.targetRef.apiVersion",
        code: "invalid-value",
        message: `a target of ${KNATIVE_API} goes with the provider knative and with no other, received ${JSON.stringify(apiVersion)} with provider ${JSON.stringify(provider)}`,
        fix: isKnative ? "set spec.provider to knative" : "set spec.provider to what shifts the traffic of the target",
      },
    ];
  if (kind !== "Service" || spec.autoscalerRef === undefined) return [];
  return [
    {
      path: "spec.autoscalerRef",
      code: "invalid-value",
      message: `a ${isKnative ? "Knative " : ""}Service has no autoscaler of its own`,
      fix: "remove autoscalerRef",
    },
  ];
}

/** What `-no-cross-namespace-refs` forbids; an empty namespace is the Canary's own. */
function foreignRefs(canary: Canary): Problem[] {
  const own = canary.metadata.namespace ?? "default";
  const { analysis } = canary.spec;
  const refs: [string, unknown][] = [["spec.upstreamRef", (canary.spec as { upstreamRef?: unknown }).upstreamRef]];
  list(analysis.metrics).forEach((metric, i) =>
    refs.push([`spec.analysis.metrics[${i}].templateRef`, metric.templateRef]),
  );
  list(analysis.alerts).forEach((alert, i) => refs.push([`spec.analysis.alerts[${i}].providerRef`, alert.providerRef]));
  return refs.flatMap(([path, ref]) => {
    const namespace = isObject(ref) ? ref.namespace : undefined;
    if (typeof namespace !== "string" || namespace === "" || namespace === own) return [];
    return [
      {
        path: `${path}.namespace`,
        code: "invalid-value",
        message: `references to other namespaces are switched off, received ${JSON.stringify(namespace)}`,
        fix: `copy the object to the namespace ${own}, or run the operator without -no-cross-namespace-refs`,
      },
    ];
  });
}

function list<T>(value: readonly T[] | undefined): readonly T[] {
  return Array.isArray(value) ? value : [];
}
