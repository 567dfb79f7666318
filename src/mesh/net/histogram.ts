/** Upper bounds of all Istio histograms. Source: Envoy's default buckets, istio-spec 4.1. */
const BOUNDS = [
  0.5, 1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000, 600_000, 1_800_000,
  3_600_000,
];

/** Counts of values up to each bound, with their sum. */
export class Histogram {
  /** One more than there are bounds: the last counts what is above all. */
  readonly #counts = Array.from({ length: BOUNDS.length + 1 }, () => 0);
  #sum = 0;
  #count = 0;

  observe(value: number): void {
    let index = 0;
    while (index < BOUNDS.length && value > (BOUNDS[index] ?? 0)) index++;
    this.#counts[index] = (this.#counts[index] ?? 0) + 1;
    this.#sum += value;
    this.#count++;
  }

  /** Appends the lines of Prometheus' text format. */
  expose(name: string, labels: string, lines: string[]): void {
    let cumulative = 0;
    BOUNDS.forEach((bound, index) => {
      cumulative += this.#counts[index] ?? 0;
      lines.push(`${name}_bucket{${labels},le="${bound}"} ${cumulative}\n`);
    });
    lines.push(`${name}_bucket{${labels},le="+Inf"} ${this.#count}\n`);
    lines.push(`${name}_sum{${labels}} ${this.#sum}\n${name}_count{${labels}} ${this.#count}\n`);
  }
}
