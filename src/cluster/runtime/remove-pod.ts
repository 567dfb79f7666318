import { resources } from "#api";
import { type BackoffPolicy, backoffMs, messageOf } from "#base";
import { ApiFailure, sleep } from "#kube";
import type { PodContext } from "./pod-context.ts";

const RETRY: BackoffPolicy = { initialMs: 200, factor: 2, maxMs: 10_000, jitter: 0.2 };

/**
 * Removes the object of a pod whose containers have all ended, when its last status is written.
 *
 * Tries until the server agrees or the signal aborts: nobody else will do it.
 */
export async function removePod(
  context: PodContext,
  pod: { namespace: string; name: string; uid: string; isGone: () => boolean; signal: AbortSignal },
): Promise<void> {
  const { namespace, name, uid, isGone, signal } = pod;
  for (let attempt = 0; !isGone() && !signal.aborted; attempt++) {
    try {
      await context.statuses.settled(uid);
      if (isGone()) return;
      await context.client.delete(
        resources.pods,
        { namespace, name },
        { gracePeriodSeconds: 0, preconditions: { uid } },
      );
      return;
    } catch (thrown) {
      // Another pod has the name by now.
      if (thrown instanceof ApiFailure && (thrown.httpStatus === 409 || thrown.httpStatus === 404)) return;
      context.log.warn("cannot remove a pod that has ended, trying again", {
        namespace,
        pod: name,
        error: messageOf(thrown),
      });
      await sleep(context.clock, backoffMs(RETRY, Math.min(attempt, 16), context.random), signal);
    }
  }
}
