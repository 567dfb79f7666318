import type { Pod } from "#api";
import { messageOf } from "#base";
import { createEventRecorder, type EventRecorder, type Informer, type InformerChange } from "#kube";
import { Binder } from "./bind-pods.ts";
import { NODE_NAME, nodeLabels } from "./node-object.ts";
import type { PodContext } from "./pod-context.ts";
import { PodWorker } from "./pod-worker.ts";

interface Entry {
  pod: Pod;
  readonly worker: PodWorker;
}

/** Keeps one worker for each pod of the node, following the informer, and has pods without a node bound. */
export class PodWorkers {
  readonly #context: PodContext;
  readonly #pods: Informer<Pod>;
  readonly #binder: Binder;
  readonly #scheduler: EventRecorder;
  readonly #entries = new Map<string, Entry>();
  /** Pods that have ended and whose object may still show up until its removal is seen. */
  readonly #done = new Set<string>();
  /** The last change of each pod since the last round. */
  readonly #changed = new Map<string, InformerChange<Pod>>();
  readonly #unsubscribe: () => void;
  #isScheduled = false;
  #isClosed = false;

  constructor(context: PodContext, pods: Informer<Pod>) {
    const { client, clock, log } = context;
    this.#context = context;
    this.#pods = pods;
    this.#scheduler = createEventRecorder({ client, component: "default-scheduler", clock, log });
    this.#binder = new Binder({
      client,
      nodeName: NODE_NAME,
      nodeLabels: nodeLabels(),
      events: this.#scheduler,
      clock,
      log,
      pending: (uid) => pods.list().find(({ metadata, spec }) => metadata.uid === uid && spec.nodeName === undefined),
    });
    // The informer's handlers must only note what changed; of several changes of a pod the last one counts.
    this.#unsubscribe = pods.onChange((change) => {
      this.#changed.set(change.object.metadata.uid ?? "", change);
      if (this.#isScheduled) return;
      this.#isScheduled = true;
      setImmediate(() => this.#drain());
    });
  }

  list(): readonly { readonly pod: Pod; readonly worker: PodWorker }[] {
    return [...this.#entries.values()];
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#unsubscribe();
    this.#binder.close();
    await Promise.all(this.list().map(({ worker }) => worker.close()));
    await this.#scheduler.flush();
  }

  #drain(): void {
    this.#isScheduled = false;
    // Pods that have an address go first, so that no new pod takes it.
    const changes = [...this.#changed.values()].sort(
      (a, b) => Number(hasAddress(b.object)) - Number(hasAddress(a.object)),
    );
    this.#changed.clear();
    for (const change of changes) {
      if (this.#isClosed) return;
      // A fault in one pod's handling is that pod's: it must not end the node.
      try {
        this.#reconcile(change);
      } catch (thrown) {
        const { namespace, name } = change.object.metadata;
        this.#context.log.error("handling a pod failed", { namespace, pod: name, error: messageOf(thrown) });
      }
    }
  }

  #reconcile({ type, object: pod }: InformerChange<Pod>): void {
    const uid = pod.metadata.uid ?? "";
    const known = this.#entries.get(uid);
    if (type === "deleted") {
      this.#done.delete(uid);
      known?.worker.vanish();
      return;
    }
    if (known !== undefined) {
      known.pod = pod;
      known.worker.update(pod);
      return;
    }
    if (this.#done.has(uid)) return;
    if (pod.spec.nodeName === NODE_NAME) {
      const worker = new PodWorker(this.#context, pod, (gone) => this.#forget(gone));
      this.#entries.set(uid, { pod, worker });
    } else if (pod.spec.nodeName === undefined && pod.metadata.deletionTimestamp === undefined) {
      this.#binder.consider(pod);
    }
  }

  #forget(uid: string): void {
    const { namespace = "default", name = "" } = this.#entries.get(uid)?.pod.metadata ?? {};
    this.#entries.delete(uid);
    if (this.#pods.get({ namespace, name })?.metadata.uid === uid) this.#done.add(uid);
  }
}

function hasAddress(pod: Pod): boolean {
  return pod.status?.podIP !== undefined;
}
