import { rmSync } from "node:fs";
import { join } from "node:path";
import type { Condition, Container, LifecycleHandler, Pod, Probe } from "#api";
import { Failure, messageOf, unreachable } from "#base";
import { ContainerLog } from "./container-log.ts";
import { type ContainerProcess, startContainerProcess } from "./container-process.ts";
import {
  beginPod,
  earlierRuns,
  nextDueMs,
  type PodAction,
  type PodEvent,
  type PodState,
  planPod,
  podStatus,
  restartCount,
  step,
} from "./lifecycle/index.ts";
import type { PodContext } from "./pod-context.ts";
import { type Preparation, prepareContainer } from "./prepare-container.ts";
import { forgetProcess } from "./process-record.ts";
import { removePod } from "./remove-pod.ts";
import { type ProbeResult, runProbe } from "./run-probe.ts";
import { writeServiceAccount } from "./service-account-token.ts";

interface Live {
  readonly process: ContainerProcess;
  readonly log: ContainerLog;
  readonly preparation: Preparation;
  /** Aborted when the process has ended; probes and hooks in flight end with it. */
  readonly ended: AbortController;
}

/** Where the log of one run of a container is. */
export interface LogPlace {
  readonly directory: string;
  readonly run: number;
  readonly live: ContainerLog | undefined;
}

type ActionOf<T extends PodAction["type"]> = Extract<PodAction, { type: T }>;

/** How long the processes of a node that stops get between SIGTERM and SIGKILL. */
const CLOSE_GRACE_MS = 2000;
/** Bound of postStart and preStop hooks; the grace period usually ends them earlier. */
const HOOK_TIMEOUT_MS = 600_000;

/** Runs one pod: feeds what happens to the lifecycle's `step` and does what it says. */
export class PodWorker {
  readonly address: string;
  readonly #context: PodContext;
  readonly #onGone: (uid: string) => void;
  readonly #live = new Map<string, Live>();
  readonly #starting = new Set<Promise<void>>();
  readonly #stopped = new AbortController();
  #pod: Pod;
  #state: PodState;
  #account: Promise<void> | undefined;
  #deleteGraceMs = Number.POSITIVE_INFINITY;
  #hasVanished = false;
  #conditions: readonly Condition[] = [];
  #cancelTimer: () => void = () => undefined;

  constructor(context: PodContext, pod: Pod, onGone: (uid: string) => void) {
    this.#context = context;
    this.#pod = pod;
    this.#onGone = onGone;
    this.address = context.addresses.take(pod.status?.podIP);
    const nowMs = context.clock.nowMs();
    const phase = pod.status?.phase;
    this.#state = beginPod(planPod(pod), {
      nowMs: pod.status?.startTime === undefined ? nowMs : Date.parse(pod.status.startTime),
      earlier: earlierRuns(pod, nowMs),
      isOver: phase === "Succeeded" || phase === "Failed",
    });
    // A pod that is already marked for deletion must not start anything first.
    if (pod.metadata.deletionTimestamp === undefined) {
      this.#warnOfVolumes();
      this.#dispatch({ type: "tick" });
    }
    this.update(pod);
  }

  /** Takes in a newer version of the object. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata.deletionTimestamp === undefined) {
      this.#publish();
      return;
    }
    const seconds = pod.metadata.deletionGracePeriodSeconds;
    const graceMs = seconds === undefined ? this.#state.plan.graceMs : seconds * 1000;
    if (graceMs >= this.#deleteGraceMs) return;
    this.#deleteGraceMs = graceMs;
    this.#dispatch({ type: "delete", graceMs });
  }

  /** The object is gone without us (a forced deletion): everything ends at once. */
  vanish(): void {
    this.#hasVanished = true;
    this.#dispatch({ type: "delete", graceMs: 0 });
  }

  /** Processes that run, by container. */
  leaders(): readonly { readonly container: string; readonly pid: number }[] {
    return [...this.#live].map(([container, { process }]) => ({ container, pid: process.pid }));
  }

  /**
   * Finds the log of a container's current or previous run.
   *
   * @throws Failure `NotFound`, or `ContainerCreating` when there is no log yet.
   */
  findLog(name: string | undefined, isPrevious: boolean): LogPlace {
    const { containers, plan } = this.#state;
    const [only, second] = containers.filter((container) => !container.plan.isInit);
    const found =
      name === undefined ? (second === undefined ? only : undefined) : containers.find((c) => c.plan.name === name);
    if (found === undefined) {
      const names = containers.map((container) => container.plan.name).join(", ");
      const message = name === undefined ? "has more than one container, name one" : `has no container "${name}"`;
      throw new Failure(`Cannot read the log of pod "${plan.name}": it ${message} of: ${names}`, { code: "NotFound" });
    }
    const run = restartCount(found) - (isPrevious ? 1 : 0);
    if (isPrevious && run < 0) {
      const message = `previous terminated container "${found.plan.name}" in pod "${plan.name}" not found`;
      throw new Failure(message, { code: "NotFound" });
    }
    if (found.phase.type !== "running" && found.endedCount === 0) {
      const reason = found.phase.type === "waiting" ? found.phase.reason : "ContainerCreating";
      const message = `container "${found.plan.name}" in pod "${plan.name}" is waiting to start: ${reason}`;
      throw new Failure(message, { code: "ContainerCreating" });
    }
    const live = isPrevious ? undefined : this.#live.get(found.plan.name)?.log;
    return { directory: join(this.#logDirectory(), found.plan.name), run, live };
  }

  /** Ends the processes and waits; the object is left as it is, so that a later life of the node starts it again. */
  async close(): Promise<void> {
    this.#stopped.abort();
    this.#cancelTimer();
    await Promise.all(this.#starting);
    await Promise.all([...this.#live.values()].map((live) => this.#endNow(live.process)));
  }

  #dispatch(event: PodEvent): void {
    if (this.#stopped.signal.aborted) return;
    const { state, actions } = step(this.#state, event, this.#context.clock.nowMs());
    this.#state = state;
    for (const action of actions) this.#perform(action);
    this.#publish();
    this.#cancelTimer();
    const dueMs = nextDueMs(state);
    if (dueMs === Number.POSITIVE_INFINITY) return;
    const delayMs = Math.max(0, dueMs - this.#context.clock.nowMs());
    this.#cancelTimer = this.#context.clock.after(delayMs, () => this.#dispatch({ type: "tick" }));
  }

  #publish(): void {
    if (this.#hasVanished || this.#stopped.signal.aborted) return;
    const { plan } = this.#state;
    const status = podStatus(this.#state, {
      podIp: this.address,
      hostIp: this.#context.nodeAddress,
      // Ours first: they are newer than the copy that the informer has.
      conditions: [...this.#conditions, ...(this.#pod.status?.conditions ?? [])],
      readinessGates: (this.#pod.spec.readinessGates ?? []).map((gate) => gate.conditionType),
      nowMs: this.#context.clock.nowMs(),
    });
    this.#conditions = status.conditions ?? [];
    this.#context.statuses.put({ namespace: plan.namespace, name: plan.name, uid: plan.uid }, status);
  }

  #perform(action: PodAction): void {
    switch (action.type) {
      case "start": {
        const starting = this.#guard(this.#start(action)).finally(() => this.#starting.delete(starting));
        this.#starting.add(starting);
        return;
      }
      case "probe":
        void this.#guard(this.#probe(action));
        return;
      case "hook":
        void this.#guard(this.#hook(action));
        return;
      case "signal":
        this.#live.get(action.container)?.process.signal(action.signal);
        return;
      case "event":
        this.#tell(action);
        return;
      case "finish":
        void this.#guard(this.#finish());
        return;
      default:
        unreachable(action);
    }
  }

  /** A fault in one pod's handling is that pod's: it must not end the node. */
  async #guard(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (thrown) {
      const { namespace, name } = this.#state.plan;
      this.#context.log.error("handling a pod failed", { namespace, pod: name, error: messageOf(thrown) });
    }
  }

  async #start({ container: name, run }: ActionOf<"start">): Promise<void> {
    const container = this.#findContainer(name);
    try {
      await this.#ensureAccount();
      const subject = { pod: this.#pod, container, podIp: this.address, podDirectory: this.#directory() };
      const prepared = await prepareContainer(this.#context, subject);
      if (!prepared.ok) {
        this.#dispatch({ type: "refused", container: name, run, ...prepared.error });
        return;
      }
      if (this.#state.deletion !== undefined || this.#stopped.signal.aborted)
        throw new Error("the pod is being deleted");
      await this.#launch({ name, run, preparation: prepared.value });
    } catch (thrown) {
      const message = messageOf(thrown);
      if (thrown instanceof Failure && thrown.code === "StartError")
        this.#dispatch({ type: "failed-to-start", container: name, run, message: thrown.message });
      else this.#dispatch({ type: "refused", container: name, run, reason: "ContainerCreating", message });
    }
  }

  async #launch({ name, run, preparation }: { name: string; run: number; preparation: Preparation }): Promise<void> {
    const { clock, log: nodeLog } = this.#context;
    const state = this.#state.containers.find((candidate) => candidate.plan.name === name);
    const log = new ContainerLog({
      directory: join(this.#logDirectory(), name),
      run: state === undefined ? 0 : restartCount(state),
      clock,
      log: nodeLog,
    });
    const { spec, hasLifeline } = preparation;
    const podDirectory = this.#directory();
    const process = await startContainerProcess({ spec, log, clock, podDirectory, container: name, hasLifeline });
    const live: Live = { process, log, preparation, ended: new AbortController() };
    this.#live.set(name, live);
    void this.#guard(
      process.exited.then((exitCode) => {
        live.ended.abort();
        if (this.#live.get(name) === live) this.#live.delete(name);
        forgetProcess(podDirectory, name);
        this.#dispatch({ type: "exited", container: name, run, exitCode });
      }),
    );
    this.#dispatch({ type: "started", container: name, run, containerId: `process://${process.pid}` });
  }

  async #probe({ container: name, run, probe: kind }: ActionOf<"probe">): Promise<void> {
    const container = this.#findContainer(name);
    const probe = container[`${kind}Probe`];
    const timeoutMs = Math.max(1, probe?.timeoutSeconds ?? 1) * 1000;
    const { isSuccess, output } = await this.#runHandler(container, probe ?? {}, timeoutMs);
    this.#dispatch({ type: "probed", container: name, run, probe: kind, isSuccess, output });
  }

  async #hook({ container: name, run, hook }: ActionOf<"hook">): Promise<void> {
    const container = this.#findContainer(name);
    const handler = container.lifecycle?.[hook] ?? {};
    const { isSuccess, output } =
      handler.sleep === undefined
        ? await this.#runHandler(container, handler, HOOK_TIMEOUT_MS)
        : await this.#sleep(name, handler.sleep.seconds * 1000);
    this.#dispatch({ type: "hook-ended", container: name, run, hook, problem: isSuccess ? undefined : output });
  }

  async #runHandler(container: Container, handler: Probe | LifecycleHandler, timeoutMs: number): Promise<ProbeResult> {
    const live = this.#live.get(container.name);
    if (live === undefined) return { isSuccess: false, output: "the container does not run" };
    const target = { podIp: this.address, container, process: live.preparation.spec };
    const signal = AbortSignal.any([live.ended.signal, this.#stopped.signal]);
    return runProbe(handler, target, { timeoutMs, clock: this.#context.clock, signal });
  }

  #sleep(name: string, durationMs: number): Promise<ProbeResult> {
    const ended = this.#live.get(name)?.ended.signal;
    return new Promise((resolve) => {
      const finish = (): void => {
        cancel();
        resolve({ isSuccess: true, output: "" });
      };
      const cancel = this.#context.clock.after(durationMs, finish);
      ended?.addEventListener("abort", finish, { once: true });
      if (ended === undefined || ended.aborted) finish();
    });
  }

  async #finish(): Promise<void> {
    const { plan } = this.#state;
    await removePod(this.#context, { ...plan, isGone: () => this.#hasVanished, signal: this.#stopped.signal });
    // A node that stops leaves the rest to its next life.
    if (this.#stopped.signal.aborted) return;
    this.#stopped.abort();
    this.#context.statuses.forget(plan.uid);
    this.#context.addresses.release(this.address);
    rmSync(this.#directory(), { recursive: true, force: true });
    rmSync(this.#logDirectory(), { recursive: true, force: true });
    this.#onGone(plan.uid);
  }

  /** One attempt at a time for all containers; a failed one is made again by the next start. */
  #ensureAccount(): Promise<void> {
    const { client, caPem } = this.#context;
    this.#account ??= writeServiceAccount({
      client,
      pod: this.#pod,
      directory: join(this.#directory(), "serviceaccount"),
      caPem,
    }).catch((thrown: unknown) => {
      this.#account = undefined;
      throw thrown;
    });
    return this.#account;
  }

  async #endNow(process: ContainerProcess): Promise<void> {
    process.signal("SIGTERM");
    const cancel = this.#context.clock.after(CLOSE_GRACE_MS, () => process.signal("SIGKILL"));
    await process.exited;
    cancel();
  }

  /** Files of volumes cannot be put where a process of this machine would look for them. */
  #warnOfVolumes(): void {
    const mounts = this.#pod.spec.containers.flatMap((container) => container.volumeMounts ?? []);
    const names = [...new Set(mounts.map(({ name }) => name))].filter((name) => !name.startsWith("kube-api-access-"));
    if (names.length === 0) return;
    const message = `Volumes are not mounted into pods of the embedded cluster: ${names.join(", ")}`;
    this.#tell({ type: "event", eventType: "Warning", reason: "VolumesNotMounted", message, container: undefined });
  }

  #tell({ eventType, reason, message, container }: ActionOf<"event">): void {
    const { namespace, name, uid } = this.#state.plan;
    const isInit = this.#state.containers.some(({ plan }) => plan.name === container && plan.isInit);
    const field = isInit ? "initContainers" : "containers";
    const fieldPath = container === undefined ? {} : { fieldPath: `spec.${field}{${container}}` };
    const object = { apiVersion: "v1", kind: "Pod", namespace, name, uid, ...fieldPath };
    this.#context.events.record({ object, type: eventType, reason, message });
  }

  #findContainer(name: string): Container {
    const all = [...this.#pod.spec.containers, ...(this.#pod.spec.initContainers ?? [])];
    const found = all.find((container) => container.name === name);
    if (found === undefined) throw new Failure(`Cannot find container "${name}" in its pod`, { code: "NotFound" });
    return found;
  }

  #directory(): string {
    return join(this.#context.podsDirectory, this.#state.plan.uid);
  }

  #logDirectory(): string {
    const { namespace, name, uid } = this.#state.plan;
    return join(this.#context.logsDirectory, `${namespace}_${name}_${uid}`);
  }
}
