/**
 * A Deployment: pods that take time to become ready, and a rolling update. It obeys the numbers of `maxSurge` and
 * `maxUnavailable` 25%, Kubernetes' defaults.
 */
export class WorkloadModel {
  desiredCount: number;
  revision: string;
  readonly #podStartMs: number;
  #pods: Pod[] = [];

  constructor(of: { revision: string; desiredCount: number; podStartMs: number; isReadyAtMs?: number }) {
    this.revision = of.revision;
    this.desiredCount = of.desiredCount;
    this.#podStartMs = of.podStartMs;
    const { isReadyAtMs } = of;
    if (isReadyAtMs !== undefined)
      this.#pods = Array.from({ length: of.desiredCount }, () => ({ revision: of.revision, readyAtMs: isReadyAtMs }));
  }

  get podCount(): number {
    return this.#pods.length;
  }

  get updatedCount(): number {
    return this.#pods.filter(({ revision }) => revision === this.revision).length;
  }

  readyCount(nowMs: number): number {
    return this.#pods.filter(({ readyAtMs }) => readyAtMs <= nowMs).length;
  }

  updatedReadyCount(nowMs: number): number {
    return this.#pods.filter(({ readyAtMs, revision }) => readyAtMs <= nowMs && revision === this.revision).length;
  }

  youngestReadyMs(nowMs: number): number | undefined {
    const ready = this.#pods.map(({ readyAtMs }) => readyAtMs).filter((atMs) => atMs <= nowMs);
    return ready.length === 0 ? undefined : Math.max(...ready);
  }

  /** Creates and removes pods until the numbers are what they may be now. */
  reconcile(nowMs: number): void {
    const surge = Math.ceil(this.desiredCount * 0.25);
    const minReady = this.desiredCount - Math.floor(this.desiredCount * 0.25);
    const isOld = ({ revision }: Pod): boolean => revision !== this.revision;
    const hasOld = this.#pods.some(isOld);
    const limit = this.desiredCount + (hasOld ? surge : 0);
    while (this.updatedCount < this.desiredCount && this.#pods.length < limit)
      this.#pods.push({ revision: this.revision, readyAtMs: nowMs + this.#podStartMs });
    // Old pods go while enough are ready; those that are not serve nobody and go first.
    while (this.#pods.some(isOld)) {
      const victim = this.#pods.find((pod) => isOld(pod) && pod.readyAtMs > nowMs) ?? this.#pods.find(isOld);
      if (victim === undefined || (victim.readyAtMs <= nowMs && this.readyCount(nowMs) <= minReady)) break;
      this.#pods.splice(this.#pods.indexOf(victim), 1);
    }
    while (this.updatedCount > this.desiredCount) this.#pods.splice(this.#youngestIndex(), 1);
  }

  /** Of the present revision: those that are not ready first, then the youngest. */
  #youngestIndex(): number {
    let found = 0;
    this.#pods.forEach((pod, index) => {
      const best = this.#pods[found];
      if (pod.revision === this.revision && (best === undefined || pod.readyAtMs >= best.readyAtMs)) found = index;
    });
    return found;
  }
}

interface Pod {
  readonly revision: string;
  readonly readyAtMs: number;
}
