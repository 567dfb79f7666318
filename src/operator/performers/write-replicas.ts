import { ApiFailure, type ObjectKey } from "#kube";
import type { OperatorContext } from "../operator-context.ts";

/** What a JSON patch whose test does not hold is answered with, and a conflict. */
const WAS_MOVED: ReadonlySet<number> = new Set([409, 422]);

/** How often a count is planned anew when an autoscaler writes another one meanwhile. */
const ATTEMPT_COUNT = 4;

/**
 * Writes the replicas of a Deployment from the count that is there. What is read may be of a moment ago: an autoscaler that
 * has given more pods since must not lose them to a figure of before, so the count is a part of the write, and `next` is
 * asked anew when it does not hold. Undefined from `next` leaves the Deployment as it is.
 */
export async function writeReplicas(
  key: ObjectKey,
  next: (count: number) => number | undefined,
  { views }: Pick<OperatorContext, "views">,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const count = views.deployments.get(key)?.spec.replicas;
    const value = count === undefined ? undefined : next(count);
    if (value === undefined || value === count) return;
    const path = "/spec/replicas";
    const body = [
      { op: "test", path, value: count },
      { op: "replace", path, value },
    ];
    try {
      await views.deployments.patch(key, { kind: "json", body });
      return;
    } catch (thrown) {
      const wasMoved = thrown instanceof ApiFailure && WAS_MOVED.has(thrown.httpStatus);
      if (!wasMoved || attempt >= ATTEMPT_COUNT) throw thrown;
    }
  }
}
