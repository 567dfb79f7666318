/** Requests of both copies in one interval. */
export interface SplitCounts {
  readonly canary: number;
  readonly primary: number;
}

/** Deviations of a binomial share that chance explains: one in 16,000 intervals beyond. */
const SIGMAS_MAX = 4;
/** Part of a share that proxies' counting and scrapes at different moments explain. */
const PART_MAX = 0.15;

/**
 * The weights that a split was made with, an interval each: constant until the canary's share leaves it by more than chance and
 * counting explain. In percent: whole ones, and never more than was served, so that no request seems lost.
 *
 * Source: the binomial's variance p(1 - p)/n.
 */
export function measuredWeights(counts: readonly SplitCounts[]): number[] {
  const weights: number[] = [];
  let open: SplitCounts = { canary: 0, primary: 0 };
  let openCount = 0;
  const close = (): void => {
    weights.push(...Array.from({ length: openCount }, () => percentOf(shareOf(open))));
  };
  for (const one of counts) {
    if (openCount > 0 && isOther(shareOf(open), one)) {
      close();
      open = { canary: 0, primary: 0 };
      openCount = 0;
    }
    open = { canary: open.canary + one.canary, primary: open.primary + one.primary };
    openCount += 1;
  }
  close();
  return weights;
}

function shareOf({ canary, primary }: SplitCounts): number {
  return canary + primary === 0 ? 0 : canary / (canary + primary);
}

function isOther(share: number, one: SplitCounts): boolean {
  const requests = one.canary + one.primary;
  if (requests === 0) return false;
  const sigma = Math.sqrt((share * (1 - share)) / requests);
  return Math.abs(shareOf(one) - share) > Math.max(SIGMAS_MAX * sigma, PART_MAX * share);
}

/** A canary must complete nine tenths of its weight, or it seems to lose requests. Source: statistics reference 2.9. */
const ROUNDED_UP_MAX = 1.05;

function percentOf(share: number): number {
  const percent = 100 * share;
  if (percent < 1) return Math.max(0.1, Math.floor(10 * percent) / 10);
  const rounded = Math.round(percent);
  return Math.min(99, rounded > ROUNDED_UP_MAX * percent ? Math.floor(percent) : rounded);
}
