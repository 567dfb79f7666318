/** Something to scrape. */
export interface ScrapeTarget {
  /** Value of the label `job`. */
  readonly job: string;
  /** Where it answers: `http://127.20.1.4:9797/metrics`. Host and port become the label `instance`. */
  readonly url: string;
  /** Labels that every series of the target gets. */
  readonly labels: Readonly<Record<string, string>>;
  /** Whether labels of the target's own text win over these; otherwise theirs are renamed to `exported_…`. */
  readonly honorLabels: boolean;
}

/** A target that answers at a fixed address. */
export function staticTarget(job: string, url: string, labels: Readonly<Record<string, string>> = {}): ScrapeTarget {
  return { job, url, labels, honorLabels: false };
}

/** Identity of a target: two with the same job, address and labels are the same. */
export function targetKey({ job, url, labels }: ScrapeTarget): string {
  return JSON.stringify([job, url, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))]);
}

export function instanceOf({ url }: ScrapeTarget): string {
  return new URL(url).host;
}
