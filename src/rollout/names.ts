import type { Canary, CanarySpec } from "#api";

/** Names of the objects around one Canary. Source: flagger-spec, conventions and section 3. */
export interface RolloutNames {
  readonly namespace: string;
  readonly canary: string;
  /** The user's workload, which becomes the canary copy. */
  readonly target: string;
  readonly targetKind: string;
  /** The copy that serves. */
  readonly primary: string;
  /** The Service and the route that clients use. */
  readonly apexService: string;
  readonly primaryService: string;
  readonly canaryService: string;
  /** `name.namespace` of the Canary, of the target and of the primary, as messages write them. */
  readonly canaryRef: string;
  readonly targetRef: string;
  readonly primaryRef: string;
}

/**
 * Derives every name from the Canary: workloads from the target, Services from the service's name.
 *
 * Total: a spec so broken that it names no target still gets names for its messages.
 */
export function namesOf(canary: Canary): RolloutNames {
  const namespace = canary.metadata.namespace ?? "default";
  const name = canary.metadata.name ?? "";
  const spec: Partial<CanarySpec> | null | undefined = canary.spec;
  const target = nonEmpty(spec?.targetRef?.name) ?? name;
  const kind = nonEmpty(spec?.targetRef?.kind) ?? "Deployment";
  const apexService = nonEmpty(spec?.service?.name) ?? target;
  return {
    namespace,
    canary: name,
    target,
    targetKind: kind,
    primary: `${target}-primary`,
    apexService,
    primaryService: `${apexService}-primary`,
    canaryService: `${apexService}-canary`,
    canaryRef: `${name}.${namespace}`,
    targetRef: `${target}.${namespace}`,
    primaryRef: `${target}-primary.${namespace}`,
  };
}

function nonEmpty(text: unknown): string | undefined {
  return typeof text === "string" && text !== "" ? text : undefined;
}
