/** What the API server asks of the node that runs the pods: their logs and what they use. On a cluster this is the kubelet's API. */
export interface NodeApi {
  /**
   * Streams a container's log.
   *
   * @throws Failure `NotFound` when the pod or container never ran here, `ContainerCreating` when it has no log yet.
   */
  logs(query: LogQuery, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** CPU and memory of every running container, measured since the last sample. */
  usage(): readonly PodUsage[];
}

export interface LogQuery {
  readonly namespace: string;
  readonly pod: string;
  /** The only container when absent. */
  readonly container?: string;
  readonly follow: boolean;
  /** The run before the current one. */
  readonly previous: boolean;
  readonly timestamps: boolean;
  readonly tailLines?: number;
  readonly sinceMs?: number;
  readonly limitBytes?: number;
}

export interface PodUsage {
  readonly namespace: string;
  readonly pod: string;
  readonly timestampMs: number;
  readonly windowMs: number;
  readonly containers: readonly { readonly name: string; readonly cpuCores: number; readonly memoryBytes: number }[];
}
