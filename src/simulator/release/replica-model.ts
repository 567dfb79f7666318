/** Pods of one copy: those asked for, and when each became, or becomes, ready. */
export class ReplicaModel {
  readonly #podStartMs: number;
  #readyAtMs: readonly number[] = [];
  #changedMs: number;

  constructor(podStartMs: number, initial: { readonly count: number; readonly readyMs: number }) {
    this.#podStartMs = podStartMs;
    this.#changedMs = initial.readyMs;
    this.#readyAtMs = Array.from({ length: initial.count }, () => initial.readyMs);
  }

  get desiredCount(): number {
    return this.#readyAtMs.length;
  }

  /** Asks for as many pods; new ones start now, the youngest go first. */
  scale(count: number, nowMs: number): void {
    if (count !== this.desiredCount) this.#changedMs = nowMs;
    if (count <= this.desiredCount) {
      this.#readyAtMs = this.#readyAtMs.slice(0, count);
      return;
    }
    const started = Array.from({ length: count - this.desiredCount }, () => nowMs + this.#podStartMs);
    this.#readyAtMs = [...this.#readyAtMs, ...started];
  }

  readyCount(nowMs: number): number {
    let count = 0;
    for (const readyMs of this.#readyAtMs) if (readyMs <= nowMs) count += 1;
    return count;
  }

  /** When a Deployment's controller last saw progress: pods asked for, or one that became ready. */
  progressedMs(nowMs: number): number {
    return Math.max(this.#changedMs, this.youngestReadyMs(nowMs) ?? this.#changedMs);
  }

  /** When the youngest of the ready pods became ready. */
  youngestReadyMs(nowMs: number): number | undefined {
    let youngest: number | undefined;
    for (const readyMs of this.#readyAtMs)
      if (readyMs <= nowMs && (youngest === undefined || readyMs > youngest)) youngest = readyMs;
    return youngest;
  }
}
