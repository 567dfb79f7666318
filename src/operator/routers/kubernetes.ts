import type { Router } from "./router.ts";

/**
 * No router at all: the Service that clients use leads to the primary always, and the canary is tested behind its own
 * Service. What clients get changes when the primary is promoted. Source: flagger-spec 4.3.
 */
export const kubernetes: Router = {
  providers: ["kubernetes"],
  resources: [],
  objects: () => [],
  // What it cannot do has no effect, as the decision says once at the start of a release.
  problems: () => [],
  plan: () => [],
  read: ({ canary }) => {
    const canaryWeight = (canary.status?.iterations ?? 0) > 0 ? 100 : 0;
    return { kind: "read", state: { primaryWeight: 100 - canaryWeight, canaryWeight, isMirrored: false } };
  },
  restore: () => [],
};
