/** Requests of one copy by the second, for as long as anything looks back. */
export class TrafficHistory {
  readonly #counts: Second[] = [];

  add(second: Second): void {
    this.#counts.push(second);
    if (this.#counts.length > MAX_SECONDS) this.#counts.shift();
  }

  /** Sums over a window that ended some time ago. */
  over({ windowMs, endedMs }: { readonly windowMs: number; readonly endedMs: number }): Second {
    const seconds = Math.max(1, Math.round(windowMs / 1000));
    const end = this.#counts.length - Math.round(endedMs / 1000);
    const part = this.#counts.slice(Math.max(0, end - seconds), Math.max(0, end));
    return {
      requestCount: part.reduce((sum, { requestCount }) => sum + requestCount, 0),
      failedCount: part.reduce((sum, { failedCount }) => sum + failedCount, 0),
    };
  }
}

export interface Second {
  readonly requestCount: number;
  /** Errors of the version and requests beyond capacity. */
  readonly failedCount: number;
}

/** Longest window and delay that a model may have. */
const MAX_SECONDS = 900;
