import { type Log, messageOf } from "#base";
import type { Proxy, ProxyListener } from "#mesh";
import type { WantedListener } from "./plan-listeners.ts";

/** The open listeners of pods and Services. */
export interface ListenerSet {
  /** Opens what is missing and closes what is too much. Calls made meanwhile are joined into one more run. */
  reconcile(wanted: ReadonlyMap<string, WantedListener>): void;
  /** Listeners that could not be opened, with the reason. */
  readonly skipped: ReadonlyMap<string, string>;
  readonly openCount: number;
  /** Resolves when nothing is being opened or closed. */
  settled(): Promise<void>;
}

/** Time for the requests of a pod that is gone. */
const DRAIN_MS = 5000;

export function createListenerSet(proxy: Proxy, log: Log): ListenerSet {
  const open = new Map<string, ProxyListener>();
  const skipped = new Map<string, string>();
  let wanted: ReadonlyMap<string, WantedListener> | undefined;
  let running: Promise<void> = Promise.resolve();
  let isRunning = false;

  async function run(): Promise<void> {
    for (let next = wanted; next !== undefined; next = wanted) {
      wanted = undefined;
      closeOthers(next);
      for (const listener of next.values()) if (!open.has(listener.key)) await tryOpen(listener);
    }
    isRunning = false;
  }

  function closeOthers(next: ReadonlyMap<string, WantedListener>): void {
    for (const [key, listener] of open) {
      if (next.has(key)) continue;
      open.delete(key);
      listener.close({ drainMs: DRAIN_MS }).catch((thrown: unknown) => {
        log.warn("closing a listener failed", { listener: key, error: messageOf(thrown) });
      });
    }
    for (const key of skipped.keys()) if (!next.has(key)) skipped.delete(key);
  }

  async function tryOpen(listener: WantedListener): Promise<void> {
    try {
      open.set(listener.key, await listen(proxy, listener));
      skipped.delete(listener.key);
    } catch (thrown) {
      const reason = messageOf(thrown);
      // A port that this user may not bind stays so; one line is enough, but it is tried again with every change.
      if (skipped.get(listener.key) !== reason) log.warn("listener skipped", { listener: listener.key, reason });
      skipped.set(listener.key, reason);
    }
  }

  return {
    skipped,
    get openCount() {
      return open.size;
    },
    reconcile(next) {
      wanted = next;
      if (isRunning) return;
      isRunning = true;
      running = run();
    },
    settled: () => running,
  };
}

function listen(proxy: Proxy, wanted: WantedListener): Promise<ProxyListener> {
  const { address, port } = wanted;
  if (wanted.kind === "pod") return proxy.listenPod({ address, port, namespace: wanted.namespace });
  return proxy.listenService({ address, port, host: wanted.host, servicePort: port });
}
