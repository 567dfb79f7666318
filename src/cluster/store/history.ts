import { Failure } from "#base";
import type { Change } from "./store.ts";

export interface HistoryLimit {
  readonly changeCount: number;
  readonly bytes: number;
}

/**
 * The newest changes, in order of revision, bounded by count and by the size of their texts. It lives in memory only:
 * after a restart it is empty, and clients that were watching list again.
 */
export class History {
  readonly #limit: HistoryLimit;
  #changes: Change[] = [];
  /** Changes before this index are dropped; the array is cut when half of it is. */
  #firstIndex = 0;
  #bytes = 0;
  #compactedRevision: number;

  constructor(limit: HistoryLimit, startRevision: number) {
    this.#limit = limit;
    this.#compactedRevision = startRevision;
  }

  get compactedRevision(): number {
    return this.#compactedRevision;
  }

  push(change: Change): void {
    this.#changes.push(change);
    this.#bytes += change.current.json.length;
    while (this.#length() > this.#limit.changeCount || (this.#bytes > this.#limit.bytes && this.#length() > 1))
      this.#dropOldest();
    if (this.#firstIndex > this.#changes.length / 2) {
      this.#changes = this.#changes.slice(this.#firstIndex);
      this.#firstIndex = 0;
    }
  }

  /**
   * Changes after the revision, oldest first.
   *
   * @throws Failure `Expired` when some of them were dropped.
   */
  after(revision: number): readonly Change[] {
    if (revision < this.#compactedRevision) {
      throw new Failure(`too old resource version: ${revision} (${this.#compactedRevision})`, { code: "Expired" });
    }
    return this.#changes.slice(this.#firstAfter(revision));
  }

  #length(): number {
    return this.#changes.length - this.#firstIndex;
  }

  #dropOldest(): void {
    const oldest = this.#changes[this.#firstIndex];
    this.#firstIndex += 1;
    if (oldest === undefined) return;
    this.#bytes -= oldest.current.json.length;
    this.#compactedRevision = oldest.revision;
  }

  #firstAfter(revision: number): number {
    let low = this.#firstIndex;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.revision ?? 0) <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
