import { assert, err, ok, type Result } from "#base";

/** Events of one copy in one interval: requests seen, and those of them that were bad. */
export interface ArmCounts {
  readonly total: number;
  readonly bad: number;
}

/** What both copies did in the same interval. */
export interface Arms {
  readonly canary: ArmCounts;
  readonly primary: ArmCounts;
}

/**
 * The share of the requests that the canary really got, 0 to 1; undefined when one copy got none, as there is nothing to
 * compare then. The configured weight is never used: proxies round it, and changes of it arrive late.
 */
export function servedShare({ canary, primary }: Arms): number | undefined {
  assert(isCount(canary) && isCount(primary), "counts are finite, not negative, and no more are bad than there are");
  if (canary.total <= 0 || primary.total <= 0) return undefined;
  return canary.total / (canary.total + primary.total);
}

function isCount({ total, bad }: ArmCounts): boolean {
  return Number.isFinite(total) && bad >= 0 && bad <= total;
}

/** Reads counts as they come from the wire; those that cannot be, such as more bad requests than requests, are refused with a sentence. */
export function readCounts(total: number, bad: number): Result<ArmCounts, string> {
  if (isCount({ total, bad })) return ok({ total, bad });
  return err(
    `Cannot use the counts of an interval: ${bad} bad of ${total} requests; both are finite, and 0 ≤ bad ≤ total`,
  );
}

/** Sums intervals; evidence of intervals with one served share is the evidence of their sum. */
export function addArms(a: Arms, b: Arms): Arms {
  return { canary: addCounts(a.canary, b.canary), primary: addCounts(a.primary, b.primary) };
}

function addCounts(a: ArmCounts, b: ArmCounts): ArmCounts {
  return { total: a.total + b.total, bad: a.bad + b.bad };
}
