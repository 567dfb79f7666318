import type { Clock, Log, Random } from "#base";
import type { EventRecorder, KubeClient } from "#kube";
import type { AddressPool } from "./address-pool.ts";
import type { ImageStore } from "./image-store.ts";
import type { StatusWriter } from "./status-writer.ts";

/** What all pods of the node share. */
export interface PodContext {
  readonly client: KubeClient;
  readonly images: ImageStore;
  readonly statuses: StatusWriter;
  readonly events: EventRecorder;
  readonly addresses: AddressPool;
  readonly podsDirectory: string;
  readonly logsDirectory: string;
  readonly nodeAddress: string;
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly caPem: string;
  readonly capacity: { readonly cpuCores: number; readonly memoryBytes: number };
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}
