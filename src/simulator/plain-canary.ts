import type { Canary, CanaryAnalysis } from "#api";

/** A Canary of a Deployment that is nothing but its analysis: what releases are simulated with where no manifest is given. */
export function plainCanary(analysis: CanaryAnalysis): Canary {
  return {
    apiVersion: "flagger.app/v1beta1",
    kind: "Canary",
    metadata: { name: "web", namespace: "shop", uid: "1" },
    spec: {
      targetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "web" },
      service: { port: 80 },
      analysis,
    },
  };
}

/** What the peer `FLAGGER_DEFAULT` plays, as a Canary writes it. Source: statistics reference 5.1. */
export const FLAGGER_ANALYSIS: CanaryAnalysis = {
  interval: "60s",
  threshold: 5,
  stepWeight: 10,
  maxWeight: 50,
  metrics: [
    { name: "request-success-rate", thresholdRange: { min: 99 } },
    { name: "request-duration", thresholdRange: { max: 500 } },
  ],
};
