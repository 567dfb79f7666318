import { type Pod, resources } from "#api";
import { type Clock, Failure, isObject, type Log, messageOf } from "#base";
import { type EventRecorder, type KubeClient, referenceTo } from "#kube";

export interface BinderOptions {
  readonly client: KubeClient;
  readonly nodeName: string;
  readonly nodeLabels: Readonly<Record<string, string>>;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
  /** The newest version of a pod that is not bound yet; undefined when it is gone or bound. */
  readonly pending: (uid: string) => Pod | undefined;
}

const RETRY_MS = 1000;

/** Gives pods that no node has to the only node there is. On a cluster this is the scheduler's work. */
export class Binder {
  readonly #options: BinderOptions;
  readonly #busy = new Set<string>();
  readonly #retries = new Map<string, () => void>();
  #isClosed = false;

  constructor(options: BinderOptions) {
    this.#options = options;
  }

  /** Binds the pod, unless that is under way. */
  consider(pod: Pod): void {
    const uid = pod.metadata.uid ?? "";
    if (this.#isClosed || this.#busy.has(uid) || this.#retries.has(uid)) return;
    this.#busy.add(uid);
    const work = fitsNode(pod, this.#options.nodeLabels) ? this.#bind(pod) : this.#reportUnschedulable(pod);
    work
      .catch((thrown: unknown) => {
        const { namespace, name } = pod.metadata;
        this.#options.log.warn("cannot bind a pod, trying again", { namespace, pod: name, error: messageOf(thrown) });
        this.#retryLater(uid);
      })
      .finally(() => this.#busy.delete(uid));
  }

  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#retries.values()) cancel();
    this.#retries.clear();
  }

  #retryLater(uid: string): void {
    if (this.#isClosed) return;
    const cancel = this.#options.clock.after(RETRY_MS, () => {
      this.#retries.delete(uid);
      const pod = this.#options.pending(uid);
      if (pod !== undefined) this.consider(pod);
    });
    this.#retries.set(uid, cancel);
  }

  async #bind(pod: Pod): Promise<void> {
    const { client, nodeName, events } = this.#options;
    const { namespace = "default", name = "", uid = "" } = pod.metadata;
    const response = await client.raw({
      method: "POST",
      path: `/api/v1/namespaces/${namespace}/pods/${name}/binding`,
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({
        apiVersion: "v1",
        kind: "Binding",
        metadata: { name, namespace, uid },
        target: { apiVersion: "v1", kind: "Node", name: nodeName },
      }),
    });
    const text = await readStart(response.body);
    // 404: deleted meanwhile; 409: bound meanwhile or another pod by now. Both are seen by the watch.
    if (response.status === 404 || response.status === 409) return;
    if (response.status >= 300)
      throw new Failure(`the server answered ${response.status}: ${text}`, { code: "BindingRefused", retryable: true });
    const message = `Successfully assigned ${namespace}/${name} to ${nodeName}`;
    events.record({ object: referenceTo(pod), type: "Normal", reason: "Scheduled", message });
  }

  async #reportUnschedulable(pod: Pod): Promise<void> {
    const { client, events } = this.#options;
    const message = "0/1 nodes are available: 1 node(s) didn't match Pod's node affinity/selector.";
    if (isReported(pod, message)) return;
    events.record({ object: referenceTo(pod), type: "Warning", reason: "FailedScheduling", message });
    const { namespace = "default", name = "", uid } = pod.metadata;
    const condition = { type: "PodScheduled", status: "False", reason: "Unschedulable", message };
    const body = { metadata: { uid }, status: { phase: "Pending", conditions: [condition] } };
    const options = { subresource: "status", fieldManager: "kube-scheduler" } as const;
    await client.patch<Pod>(resources.pods, { namespace, name }, { kind: "strategic", body, options });
  }
}

function fitsNode(pod: Pod, labels: Readonly<Record<string, string>>): boolean {
  return Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => labels[key] === value);
}

function isReported(pod: Pod, message: string): boolean {
  return (pod.status?.conditions ?? []).some((item) => item.type === "PodScheduled" && item.message === message);
}

const MESSAGE_BYTES_MAX = 64 * 1024;

/** Reads an error's message, or the beginning of what is none. */
async function readStart(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let byteCount = 0;
  for await (const chunk of body) {
    chunks.push(chunk);
    byteCount += chunk.byteLength;
    if (byteCount > MESSAGE_BYTES_MAX) break;
  }
  const text = Buffer.concat(chunks).toString("utf8");
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value) && typeof value.message === "string") return value.message;
  } catch {
    // No Status: shown as it is.
  }
  return text.slice(0, 200);
}
