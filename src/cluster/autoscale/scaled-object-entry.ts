import { type CheckPorts, activate, checkScale } from "./check-scale.ts";
import { pollingIntervalMs } from "./plan/periods.ts";
import { type ScaleLoop, startScaleLoop } from "./scale-loop.ts";
import { identityOf, type Session } from "./session.ts";
import type { StatusKeeper } from "./status-keeper.ts";

/** What is kept of one ScaledObject between its reconciles. */
export interface ScaledObjectEntry {
  readonly uid: string | undefined;
  readonly status: StatusKeeper;
  /** What is carried out; undefined while it is paused or was never right. */
  readonly session: Session | undefined;
  /** Carries out a version: polls start anew, triggers of the version before are closed. */
  start(session: Omit<Session, "signal">): Promise<void>;
  /** A trigger's server says that there is work. */
  push(): void;
  /** Ends polls and triggers. @returns whether there were any. */
  close(): Promise<boolean>;
}

export function createEntry(
  of: { readonly uid: string | undefined; readonly status: StatusKeeper },
  ports: CheckPorts,
): ScaledObjectEntry {
  let session: Session | undefined;
  let loop: ScaleLoop | undefined;
  let ended = new AbortController();

  /** Readings that hang must not hold up a pause, so triggers are closed first and the check at hand is waited for then. */
  async function end(isKept: (slots: Session["slots"]) => boolean): Promise<boolean> {
    const [oldLoop, old] = [loop, session];
    loop = undefined;
    session = undefined;
    ended.abort();
    const isClosed = old !== undefined && !isKept(old.slots);
    await Promise.all([oldLoop?.stop(), ...(isClosed ? old.slots.map((slot) => slot.close()) : [])]);
    return oldLoop !== undefined;
  }

  return {
    ...of,
    get session() {
      return session;
    },
    async start(parts) {
      await end((slots) => slots === parts.slots);
      ended = new AbortController();
      const { signal } = ended;
      const next: Session = { ...parts, signal };
      session = next;
      const name = identityOf(next.object);
      loop = startScaleLoop({
        intervalMs: pollingIntervalMs(next.object.spec),
        clock: ports.clock,
        log: ports.log.with(name),
        check: () => checkScale(next, ports),
        activate: () => activate(next, ports),
        onLateness: (latenessMs) => ports.metrics.loopStarted(name, latenessMs / 1000),
        onError: () => {
          if (!signal.aborted) ports.metrics.objectFailed(name);
        },
      });
    },
    push: () => loop?.push(),
    close: () => end(() => false),
  };
}
