import type { Canary } from "#api";
import type { Clock } from "#base";
import { type KubeClient, sleep } from "#kube";
import { effectOf } from "./effect-of.ts";
import { readCanary } from "./find-canary.ts";
import { nameOf, type Wish } from "./plan-intent.ts";

const POLL_MS = 500;

export interface Awaited {
  readonly isDone: boolean;
  readonly message: string;
  readonly canary: Canary;
}

/** Looks at the Canary until the wish has taken effect, cannot any more, or the time is up. */
export async function awaitEffect(
  client: KubeClient,
  canary: Canary,
  options: {
    readonly wish: Wish;
    readonly revision: string | undefined;
    readonly timeoutMs: number;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<Awaited> {
  const { wish, revision, timeoutMs, clock, signal } = options;
  const endMs = clock.nowMs() + timeoutMs;
  const { namespace = "", name = "" } = canary.metadata;
  for (let seen = canary; ; seen = await readCanary(client, { namespace, name })) {
    const effect = effectOf(seen, wish, revision);
    if (effect.kind !== "pending") return { isDone: effect.kind === "done", message: effect.message, canary: seen };
    if (signal.aborted || clock.nowMs() >= endMs) {
      const waited = signal.aborted ? "so far" : `within ${Math.round(timeoutMs / 1000)}s`;
      const phase = seen.status?.phase ?? "none";
      const message = `${wish} of ${nameOf(seen)} has not taken effect ${waited} (phase ${phase}); it stands and is done as soon as it can be, see kubectl describe canary`;
      return { isDone: false, message, canary: seen };
    }
    await sleep(clock, Math.min(POLL_MS, endMs - clock.nowMs()), signal);
  }
}
