import { type KubeObject, type Pod, resources } from "#api";
import { messageOf } from "#base";
import { type EventRecorder, isNamespaceTerminating, type KubeClient } from "#kube";
import { objectKey } from "./object-key.ts";
import type { WriteLedger } from "./write-ledger.ts";
import { recordAbout } from "./writes.ts";

/** Pods written at once at most. */
const MAX_BATCH_COUNT = 32;

interface PodPorts {
  readonly client: KubeClient;
  readonly events: EventRecorder;
  readonly ledger: WriteLedger<Pod>;
}

/**
 * Creates pods in batches of 1, 2, 4, …: when the first one is refused (a quota, an invalid template) the rest is not tried.
 * Returns the first refusal. Source: Kubernetes `replica_set.go` slowStartBatch.
 */
export async function createPods(ports: PodPorts, owner: KubeObject, pods: readonly Pod[]): Promise<unknown> {
  return inBatches(pods, async (pod) => {
    try {
      const created = await ports.client.create<Pod>(resources.pods, pod);
      ports.ledger.noteWritten(created);
      recordAbout(ports.events, owner, {
        type: "Normal",
        reason: "SuccessfulCreate",
        message: `Created pod: ${created.metadata.name}`,
      });
    } catch (thrown) {
      // A namespace that leaves takes its owner along; there is nothing to tell or to try again.
      if (isNamespaceTerminating(thrown)) return;
      recordAbout(ports.events, owner, {
        type: "Warning",
        reason: "FailedCreate",
        message: `Error creating: ${messageOf(thrown)}`,
      });
      throw thrown;
    }
  });
}

/** Deletes pods, each by its uid, in batches of 1, 2, 4, …; returns the first refusal. A pod that is gone already counts as done. */
export async function deletePods(ports: PodPorts, owner: KubeObject, pods: readonly Pod[]): Promise<unknown> {
  return inBatches(pods, async (pod) => {
    const { uid, name } = pod.metadata;
    try {
      const options = uid === undefined ? {} : { preconditions: { uid } };
      await ports.client.delete(resources.pods, objectKey(pod), options);
      ports.ledger.noteDeleted(pod);
      recordAbout(ports.events, owner, { type: "Normal", reason: "SuccessfulDelete", message: `Deleted pod: ${name}` });
    } catch (thrown) {
      recordAbout(ports.events, owner, {
        type: "Warning",
        reason: "FailedDelete",
        message: `Error deleting: ${messageOf(thrown)}`,
      });
      throw thrown;
    }
  });
}

async function inBatches(pods: readonly Pod[], run: (pod: Pod) => Promise<void>): Promise<unknown> {
  for (let start = 0, size = 1; start < pods.length; start += size, size = Math.min(size * 2, MAX_BATCH_COUNT)) {
    const results = await Promise.allSettled(pods.slice(start, start + size).map(run));
    const failed = results.find((result) => result.status === "rejected");
    if (failed !== undefined) return failed.reason;
  }
  return undefined;
}
