import { type Condition, type Pod, type PodStatus, resources } from "#api";
import { type BackoffPolicy, backoffMs, type Clock, deepEqual, type Log, messageOf, type Random } from "#base";
import { ApiFailure, type KubeClient } from "#kube";

/** Names one life of a pod. */
export interface PodIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

interface Entry {
  readonly pod: PodIdentity;
  /** What is to be written and was not sent yet. */
  wanted: PodStatus | undefined;
  written: PodStatus | undefined;
  isSending: boolean;
  failureCount: number;
  cancelRetry: () => void;
  readonly waiters: (() => void)[];
}

export interface StatusWriterOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

const CONCURRENT_MAX = 8;
const RETRY: BackoffPolicy = { initialMs: 100, factor: 2, maxMs: 5000, jitter: 0.2 };

/** Writes the statuses of pods: the newest of each, a few at a time, until the server has taken them. */
export class StatusWriter {
  readonly #options: StatusWriterOptions;
  readonly #entries = new Map<string, Entry>();
  /** Pods whose turn has come; each at most once. */
  readonly #ready = new Set<Entry>();
  #sendingCount = 0;

  constructor(options: StatusWriterOptions) {
    this.#options = options;
  }

  /** Sets what is to be written; replaces what was not yet sent. */
  put(pod: PodIdentity, status: PodStatus): void {
    const entry = this.#entries.get(pod.uid) ?? newEntry(pod);
    this.#entries.set(pod.uid, entry);
    if (deepEqual(status, entry.wanted ?? (entry.isSending ? undefined : entry.written))) return;
    entry.wanted = status;
    if (entry.failureCount === 0) this.#enqueue(entry);
  }

  /** Resolves when nothing of this pod waits or is under way. */
  settled(uid: string): Promise<void> {
    const entry = this.#entries.get(uid);
    if (entry === undefined || (!entry.isSending && entry.wanted === undefined)) return Promise.resolve();
    return new Promise((resolve) => entry.waiters.push(resolve));
  }

  /** Drops what waits and forgets the pod. */
  forget(uid: string): void {
    const entry = this.#entries.get(uid);
    if (entry === undefined) return;
    this.#entries.delete(uid);
    entry.wanted = undefined;
    entry.cancelRetry();
    for (const wake of entry.waiters.splice(0)) wake();
  }

  close(): void {
    for (const uid of this.#entries.keys()) this.forget(uid);
  }

  #enqueue(entry: Entry): void {
    if (entry.isSending || entry.wanted === undefined) return;
    this.#ready.add(entry);
    this.#pump();
  }

  #pump(): void {
    for (const entry of this.#ready) {
      if (this.#sendingCount >= CONCURRENT_MAX) return;
      this.#ready.delete(entry);
      if (entry.wanted === undefined) continue;
      this.#sendingCount++;
      entry.isSending = true;
      void this.#send(entry, entry.wanted).finally(() => this.#afterSend(entry));
    }
  }

  #afterSend(entry: Entry): void {
    this.#sendingCount--;
    entry.isSending = false;
    if (entry.wanted === undefined) for (const wake of entry.waiters.splice(0)) wake();
    else if (entry.failureCount === 0) this.#enqueue(entry);
    this.#pump();
  }

  async #send(entry: Entry, status: PodStatus): Promise<void> {
    const { namespace, name, uid } = entry.pod;
    entry.wanted = undefined;
    try {
      const body = { metadata: { uid }, status: withNulls(status) };
      const options = { subresource: "status", fieldManager: "kubelet" } as const;
      await this.#options.client.patch<Pod>(resources.pods, { namespace, name }, { kind: "strategic", body, options });
      entry.written = status;
      entry.failureCount = 0;
    } catch (thrown) {
      this.#retry(entry, status, thrown);
    }
  }

  #retry(entry: Entry, status: PodStatus, thrown: unknown): void {
    const { clock, log, random } = this.#options;
    const isGone = thrown instanceof ApiFailure && (thrown.httpStatus === 404 || thrown.httpStatus === 409);
    // Gone, or another pod of the same name by now: nobody is left to tell.
    if (isGone || !this.#entries.has(entry.pod.uid)) return;
    const { namespace, name } = entry.pod;
    log.warn("cannot write a pod's status, trying again", { namespace, pod: name, error: messageOf(thrown) });
    entry.wanted ??= status;
    const delayMs = backoffMs(RETRY, Math.min(entry.failureCount++, 16), random);
    entry.cancelRetry = clock.after(delayMs, () => this.#enqueue(entry));
  }
}

function newEntry(pod: PodIdentity): Entry {
  return {
    pod,
    wanted: undefined,
    written: undefined,
    isSending: false,
    failureCount: 0,
    cancelRetry: () => undefined,
    waiters: [],
  };
}

/** A strategic merge keeps what a condition had: reasons that are gone must be removed by name. */
function withNulls(status: PodStatus): unknown {
  const conditions = (status.conditions ?? []).map(
    (condition: Condition): Record<string, unknown> => ({ reason: null, message: null, ...condition }),
  );
  return { ...status, conditions };
}
