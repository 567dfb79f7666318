import { assert } from "#base";
import { logAddExp, logMeanExp } from "./log-sum.ts";

/**
 * Evidence over effect sizes and start times.
 *
 * Nobody knows how bad a bad release is, nor when it turns bad. The stake of 1 is therefore spread: over the alternatives of
 * a grid, and over the ticks at which a regression may begin: half of it on the first tick, the rest in equal parts up to the
 * horizon. A stake whose tick has not come counts as itself, so evidence is never below what is not yet placed.
 */

/** How the stake is spread. Fixed before the first tick: a plan that follows the data proves nothing. */
export interface MixturePlan {
  /** Number of alternatives of the grid. */
  readonly width: number;
  /** Ticks over which stakes are placed; at least 2. Ticks after it still count, and get no new stake. */
  readonly horizonTicks: number;
  /** Part of the stake that is placed on the first tick. */
  readonly firstStake: number;
  /** Most evidence that one tick may add to one alternative, in nats; a single tick is to decide nothing. */
  readonly tickMaxNats: number;
}

/** Source: statistics reference 2.3. */
export const MIXTURE_DEFAULTS = { firstStake: 0.5, tickMaxNats: 5 } as const;

/** Plain data of bounded size; survives JSON without loss. */
export interface MixtureState {
  /** Ticks with data so far. */
  readonly ticks: number;
  /** By alternative, ln of the stake that is placed, the next tick's included. */
  readonly logs: readonly number[];
}

export function startMixture({ width, horizonTicks, firstStake }: MixturePlan): MixtureState {
  assert(width >= 1 && horizonTicks >= 2, "a mixture has an alternative and a horizon of two ticks or more");
  assert(firstStake > 0 && firstStake < 1, "the first stake is a part of 1");
  return { ticks: 0, logs: Array.from({ length: width }, () => Math.log(firstStake)) };
}

/**
 * A tick's evidence, one ln e by alternative, multiplied onto the placed stakes.
 *
 * A_k ← (A_k + w_t) min(e_k, e^cap). The stake of tick t is added when tick t − 1 ends: the sum is the same, and no state ever
 * holds the logarithm of nothing, which JSON cannot say. Cutting evidence off keeps it valid. Source: statistics reference 2.3.
 */
export function updateMixture(plan: MixturePlan, state: MixtureState, tickLogs: readonly number[]): MixtureState {
  assert(tickLogs.length === state.logs.length, "a tick has evidence for each alternative");
  const ticks = state.ticks + 1;
  const stake = ticks < plan.horizonTicks ? Math.log((1 - plan.firstStake) / (plan.horizonTicks - 1)) : undefined;
  const logs: number[] = [];
  for (let index = 0; index < state.logs.length; index++) {
    const grown = (state.logs[index] ?? 0) + Math.min(tickLogs[index] ?? 0, plan.tickMaxNats);
    logs.push(stake === undefined ? grown : logAddExp(grown, stake));
  }
  return { ticks, logs };
}

/** ln E: the mean over the alternatives, and the stake that waits. Source: statistics reference 2.3. */
export function mixtureEvidence(plan: MixturePlan, { ticks, logs }: MixtureState): number {
  const waiting = (1 - plan.firstStake) * (1 - Math.min(1, ticks / (plan.horizonTicks - 1)));
  return logAddExp(logMeanExp(logs), Math.log(waiting));
}
