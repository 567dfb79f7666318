import type { Canary } from "#api";
import type { Problem } from "#base";
import type { Router } from "./router.ts";

/**
 * No router at all: the Service that clients use leads to the primary always, and the canary is tested behind its own
 * Service. What clients get changes when the primary is promoted. Source: flagger-spec 4.3.
 */
export const kubernetes: Router = {
  providers: ["kubernetes"],
  resources: [],
  objects: () => [],
  problems: ({ canary }) => problemsOf(canary),
  plan: () => [],
  read: ({ canary }) => {
    const canaryWeight = (canary.status?.iterations ?? 0) > 0 ? 100 : 0;
    return { kind: "read", state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false } };
  },
  restore: () => [],
};

function problemsOf({ spec: { analysis } }: Canary): Problem[] {
  const problems: Problem[] = [];
  if ((analysis.iterations ?? 0) <= 0)
    problems.push({
      path: "spec.analysis.iterations",
      code: "required",
      message: "the provider kubernetes cannot shift weights, only check a release a number of times",
      fix: "state iterations, or choose a provider with a mesh or a gateway",
    });
  const impossible = {
    match: (analysis.match?.length ?? 0) > 0,
    mirror: analysis.mirror,
    sessionAffinity: analysis.sessionAffinity,
  };
  for (const [field, value] of Object.entries(impossible)) {
    if (value === undefined || value === false) continue;
    const message = "the provider kubernetes looks at no requests, so it cannot do this";
    problems.push({ path: `spec.analysis.${field}`, code: "unsupported", message, fix: "remove it" });
  }
  return problems;
}
