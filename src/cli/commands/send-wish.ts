import { type Canary, resources } from "#api";
import { Failure } from "#base";
import { ApiFailure, type KubeClient } from "#kube";
import { readCanary } from "./find-canary.ts";
import { type Asked, type IntentPlan, nameOf, planIntent } from "./plan-intent.ts";

/** Tries against writers that come in between; the operator writes a status a few times a second at most. */
const ATTEMPT_COUNT = 8;

/** What was planned, and the Canary after it. */
export interface Sent {
  readonly plan: IntentPlan;
  readonly canary: Canary;
}

/**
 * Plans a wish on the Canary and writes it. Each write names the version that it was planned on, so that nothing is
 * asked of a release that has moved on in between: it is planned anew then.
 *
 * @throws Failure `CanaryBusy` when others are always faster.
 */
export async function sendWish(client: KubeClient, first: Canary, asked: Asked): Promise<Sent> {
  let canary = first;
  for (let attempt = 0; attempt < ATTEMPT_COUNT; attempt++) {
    const plan = planIntent(canary, asked);
    if (plan.kind !== "write") return { plan, canary };
    try {
      return { plan, canary: await annotate(client, canary, plan.annotations) };
    } catch (thrown) {
      if (!(thrown instanceof ApiFailure) || thrown.httpStatus !== 409) throw thrown;
      const { namespace = "", name = "" } = canary.metadata;
      canary = await readCanary(client, { namespace, name });
    }
  }
  throw new Failure(
    `Cannot ${asked.wish} ${nameOf(canary)}: it was changed by others ${ATTEMPT_COUNT} times meanwhile; try again`,
    {
      code: "CanaryBusy",
      retryable: true,
    },
  );
}

function annotate(
  client: KubeClient,
  canary: Canary,
  annotations: Readonly<Record<string, string | null>>,
): Promise<Canary> {
  const { namespace = "", name = "", resourceVersion } = canary.metadata;
  return client.patch<Canary>(
    resources.canaries,
    { namespace, name },
    { kind: "merge", body: { metadata: { resourceVersion, annotations } }, options: { fieldManager: "serin-cli" } },
  );
}
