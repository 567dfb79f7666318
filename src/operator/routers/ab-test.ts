import type { Canary, CanaryMatch } from "#api";
import type { Problem } from "#base";

/** The conditions of an A/B test; empty when the release is none. */
export function testMatches({ spec }: Canary): readonly CanaryMatch[] {
  return spec.analysis.match ?? [];
}

/** A condition that holds for every request would send everybody to the canary. */
export function emptyTestProblems(canary: Canary): Problem[] {
  return testMatches(canary).flatMap((match, i) => {
    const count = [match.headers, match.queryParams, match.sourceLabels].flatMap((map) =>
      Object.keys(map ?? {}),
    ).length;
    if (count > 0) return [];
    const message = "has no condition, so every request would be part of the test";
    return [
      { path: `spec.analysis.match[${i}]`, code: "required", message, fix: "state headers, or remove the entry" },
    ];
  });
}
