import type { Canary } from "#api";

export type AlertSeverity = "info" | "warn" | "error";

/** A message for people, before it takes the shape of a provider. Source: flagger-spec 7. */
export interface Alert {
  readonly canary: Canary;
  readonly severity: AlertSeverity;
  readonly message: string;
  /** Why, in one sentence. */
  readonly reason?: string;
  /** Title and value, in the order shown: Cluster, Target, Failed checks threshold, Progress deadline, Traffic routing. */
  readonly fields: readonly AlertField[];
  /** The last message about a release. */
  readonly isTerminal: boolean;
}

export interface AlertField {
  readonly title: string;
  readonly value: string;
}

/** Sends alerts on the side: `send` returns at once, and nothing about it can fail or delay a release. */
export interface AlertRelay {
  send(alert: Alert): void;
  /** Resolves when everything that waits was sent or given up, within a bounded time. */
  flush(): Promise<void>;
}
