import { type Pod, resources } from "#api";
import { type Clock, silentLog } from "#base";
import { createInformer, createWorkQueue, type KubeClient, systemRandom } from "#kube";
import { formatTime, keyOf, objectKey, parseKey } from "./shared/index.ts";

/** For tests: plays the node over the API. Pods run and are ready unless their image is in `broken`; deleted ones go at once. */
export function startTestNode(ports: {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly broken: ReadonlySet<string>;
}): void {
  const { client, clock, signal } = ports;
  const common = { clock, signal, log: silentLog, random: systemRandom };
  const pods = createInformer<Pod>({ ...common, client, resource: resources.pods });
  let address = 0;
  const queue = createWorkQueue({ ...common, concurrency: 8, reconcile });
  pods.onChange(({ type, object }) => {
    if (type !== "deleted") queue.add(keyOf(object));
  });

  async function reconcile(key: string): Promise<void> {
    const pod = pods.get(parseKey(key));
    if (pod === undefined) return;
    if (pod.metadata.deletionTimestamp !== undefined) {
      await client.delete(resources.pods, objectKey(pod), { gracePeriodSeconds: 0 });
      return;
    }
    if (pod.status?.phase === "Running") return;
    const isReady = !ports.broken.has(pod.spec.containers[0]?.image ?? "");
    const now = formatTime(clock.nowMs());
    address += 1;
    const status: Pod["status"] = {
      phase: "Running",
      podIP: `127.250.1.${address % 250}`,
      startTime: now,
      conditions: [{ type: "Ready", status: isReady ? "True" : "False", lastTransitionTime: now }],
    };
    await client.patch(resources.pods, objectKey(pod), {
      kind: "merge",
      body: { status },
      options: { subresource: "status" },
    });
  }
}
