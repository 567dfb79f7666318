/** A route, and the proxies that hear of its weights a while later. */
export class RouteModel {
  /** Weight of the canary that the route asks for. */
  askedPercent = 0;
  readonly #lagMs: number;
  /** Weights by when they are in force, rising; the first is, the others are on their way. */
  #weights: { readonly fromMs: number; readonly percent: number }[] = [
    { fromMs: Number.NEGATIVE_INFINITY, percent: 0 },
  ];

  constructor(lagMs: number) {
    this.#lagMs = lagMs;
  }

  ask(percent: number, nowMs: number): void {
    if (percent === this.askedPercent) return;
    this.askedPercent = percent;
    this.#weights.push({ fromMs: nowMs + this.#lagMs, percent });
  }

  /** The mean weight that is served in a span. What came into force before it is forgotten, so spans must not go back. */
  servedOver(fromMs: number, untilMs: number): number {
    while ((this.#weights[1]?.fromMs ?? Number.POSITIVE_INFINITY) <= fromMs) this.#weights.shift();
    if (this.#weights.length === 1) return this.#weights[0]?.percent ?? 0;
    let sum = 0;
    for (const [index, { fromMs: beganMs, percent }] of this.#weights.entries()) {
      const endedMs = Math.min(untilMs, this.#weights[index + 1]?.fromMs ?? untilMs);
      sum += percent * Math.max(0, endedMs - Math.max(fromMs, beganMs));
    }
    return sum / (untilMs - fromMs);
  }
}
